"""INSERT, UPDATE and DELETE as Python source."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ClauseElement
from sqlalchemy.dialects.postgresql.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.sql import visitors

from hub.runtime.rows import names_of, row_class
from hub.simulation.postgres.columns import moment, same, text
from hub.simulation.postgres.queries import Queries
from hub.simulation.postgres.scope import EXCLUDED, Body, From, Scope, Unknown, columns_of, conjuncts, is_a
from hub.simulation.postgres.tables import Table
from hub.simulation.postgres.uniques import Unique

RETURNING = "#returning"
"""Stands where a written row is given back, if it is."""


class Writes(Queries):
    """The main function of one statement that writes."""

    def __init__(self, tables: Mapping[str, Table], names: frozenset[str]) -> None:
        super().__init__(tables, names)
        self.main: list[str] = []

    def inline(self, name: str) -> None:
        """Run a query's function, which takes nothing, as the main one."""
        head, *lines = self.functions.pop().split("\n")
        assert head == f"def {name}():"
        assert lines[-1].startswith("    return ")
        self.main += [*(line[4:] for line in lines[:-1]), f"found = {lines[-1].removeprefix('    return ')}", "return found, len(found)"]

    def insert(self, statement: Any) -> None:
        """INSERT."""
        if statement.select is not None:
            raise Unknown(str(statement))
        table = self.tables[statement.table.name]
        many: Sequence[Any] = statement._multi_values[0] if statement._multi_values else (statement._values or {},)
        self.main += ["n = 0", "out = []"]
        given = {column for column in table.columns if column in self.names}
        for row in many:
            said = {_name(column): value for column, value in row.items()}
            named = given - {bind.key for value in said.values() for bind in _binds(value)}
            sources = [self._value_of(table, place, said, named) for place in range(len(table.columns))]
            self.main.append(f"r = ({', '.join(sources)},)")
            self._put(statement._post_values_clause, statement, table)
        self._returning(statement, "r", table)
        self.main.append("return out, n")

    def update(self, statement: Any) -> None:
        """UPDATE."""
        table = self.tables[statement.table.name]
        name = self.named("t", table)
        scope = self._found(statement, name)
        row = scope.known[0].variable
        said: dict[str, Any] = {_name(column): value for column, value in dict(statement._values or {}).items()}
        inside = self.given | {bind.key for value in said.values() for bind in _binds(value)}
        for column in table.columns:
            if column in self.names and column not in inside and column not in said:
                said[column] = BindParameter(column, None, unique=False)
        self.main += ["n = 0", "out = []", f"for {_all(scope)} in found:"]
        self.main += [
            f"    new = {self._changed(table, row, said, scope)}",
            f"    {name}.change(v, {row}, new)",
            "    n += 1",
            f"    {RETURNING}",
        ]
        self._returning(statement, "new", table)
        self.main.append("return out, n")

    def delete(self, statement: Any) -> None:
        """DELETE."""
        table = self.tables[statement.table.name]
        name = self.named("t", table)
        scope = self._found(statement, name)
        row = scope.known[0].variable
        self.main += ["out = []", f"for {_all(scope)} in found:", f"    {name}.delete(v, {row})", f"    {RETURNING}"]
        self._returning(statement, row, table)
        self.main.append("return out, len(found)")

    def _value_of(self, table: Table, place: int, said: Mapping[str, Any], named: set[str]) -> str:
        """Source of a new row's value: what the statement says, what it is executed with, or the column's default."""
        column = table.columns[place]
        if column in said:
            return self._converted(table, place, self._source(said[column], Scope()))
        if column in named:
            return self._converted(table, place, self.bind(BindParameter(column, None, unique=False)))
        if table.serial == place:
            return f"next({self.named('t', table)}.sequence)"
        default = table.defaults[place]
        if default is None:
            return "None"
        return "v.now" if default is moment else f"{self.named('d', default)}(v)"

    def _changed(self, table: Table, row: str, said: Mapping[str, Any], scope: Scope) -> str:
        """Source of a row with other values."""
        sources = (
            self._converted(table, place, self._source(said[column], scope)) if column in said else f"{row}[{place}]"
            for place, column in enumerate(table.columns)
        )
        return f"({', '.join(sources)},)"

    def _converted(self, table: Table, place: int, source: str) -> str:
        convert = table.convert[place]
        if convert is same:
            return source
        name = self.named("c", convert)
        return f"(x if (x := {source}).__class__ is str else {name}(x))" if convert is text else f"{name}({source})"

    def _source(self, value: Any, scope: Scope) -> str:
        return self.value(value, scope) if is_a(value, ClauseElement) else self.named("k", value)

    def _put(self, clause: Any, statement: Any, table: Table) -> None:
        """Write `r`, or do what ON CONFLICT says."""
        name = self.named("t", table)
        self.main.append(f"taken = {name}.insert(v, r)")
        if clause is None:
            self.main += ["if taken: raise taken.violation()", "n += 1", RETURNING]
            return
        if clause.inferred_target_elements:
            self.globals["is_over"] = _is_over
            places = tuple(table.position[_name(element)] for element in clause.inferred_target_elements)
            self.main.append(f"if taken and not is_over(taken, {places!r}): raise taken.violation()")
        if is_a(clause, OnConflictDoNothing):
            self.main += ["if not taken:", "    n += 1", f"    {RETURNING}"]
            return
        if not is_a(clause, OnConflictDoUpdate):
            raise Unknown(str(clause))
        places_of = dict(table.position)
        scope = Scope(From(statement.table, "old", table, places_of), From(EXCLUDED, "r", table, places_of))
        changes = {_name(key): value for key, value in dict(clause.update_values_to_set).items()}
        where = self.condition(clause.update_whereclause, scope) if clause.update_whereclause is not None else "True"
        self.main += ["if taken:", f"    old = {name}.conflicting(v, taken, r)", f"    v.hold({name}.locks, {name}.key_of(old))"]
        self.main += [
            f"    if {where}:",
            f"        new = {self._changed(table, 'old', changes, scope)}",
            f"        {name}.change(v, old, new)",
        ]
        self.main += ["        r = new", "        n += 1", f"        {RETURNING}", "else:", "    n += 1", f"    {RETURNING}"]

    def _found(self, statement: Any, name: str) -> Scope:
        """Find and lock the rows to be written, each once, with a row of each other table beside it."""
        scope, body = Scope(), Body()
        said = (*statement._where_criteria, *dict(getattr(statement, "_values", None) or {}).values())
        others = {each: None for node in said for each in getattr(node, "_from_objects", ()) if each is not statement.table}
        self.around.append([statement.table, *others])
        level = self.loops([(each, None, False) for each in self.around[-1]], list(conjuncts(statement._where_criteria)), scope, body)
        self.around.pop()
        scope.known.sort(key=lambda each: each.clause is not statement.table)
        body.add(level, f"found.append({_all(scope)})")
        self.main += ["found = []", *(line[4:] for line in body.lines)]
        if others:
            self.main.append(f"found = list({{{name}.key_of(x[0]): x for x in found}}.values())")
        self.main.append(f"for x in found: v.hold({name}.locks, {name}.key_of(x[0]))")
        return scope

    def _returning(self, statement: Any, variable: str, table: Table) -> None:
        columns = list(columns_of(statement._returning))
        if not columns:
            self.main = [line for line in self.main if line.strip() != RETURNING]
            return
        scope = Scope(From(statement.table, variable, table, dict(table.position)))
        self.globals["R"] = row_class(names_of(columns))
        made = f"out.append(R({', '.join(self.value(column, scope) for column in columns)}))"
        self.main = [line.replace(RETURNING, made) for line in self.main]


def _is_over(taken: Unique, places: tuple[int, ...]) -> bool:
    """Whether it is the constraint that an ON CONFLICT names."""
    return sorted(taken.index.positions) == sorted(places)


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.name)


def _binds(value: Any) -> list[Any]:
    return [each for each in visitors.iterate(value) if is_a(each, BindParameter)] if is_a(value, ClauseElement) else []


def _all(scope: Scope) -> str:
    return "(" + "".join(f"{variable}, " for variable in scope.own) + ")"
