"""SELECT as a Python function: what the loops find is grouped, put in order, cut and locked."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, CompoundSelect, Label, Select
from sqlalchemy.sql import operators
from sqlalchemy.sql.functions import FunctionElement

from hub.simulation.postgres.access import Access
from hub.simulation.postgres.expressions import AGGREGATES
from hub.simulation.postgres.scope import Body, From, Scope, Unknown, bare, columns_of, is_a, tuple_of


class Query:
    """One SELECT that is being turned.

    `mode` says what its function gives: rows (made by the class `row`), tuples, exists, scalar, or set (values of one column).
    """

    def __init__(self, select: Any, scope: Scope, mode: str, row: str) -> None:
        self.select = select
        self.scope = scope
        self.mode = mode
        self.row = row
        self.columns = list(columns_of(select._raw_columns))
        self.body = Body()
        self.level = 1

    def made(self, values: list[str]) -> str:
        """Source of one thing found."""
        match self.mode:
            case "rows":
                return f"{self.row}({', '.join(values)})"
            case "tuples":
                return "(" + "".join(f"{value}, " for value in values) + ")"
            case _:
                return values[0]


class Queries(Access):
    """The functions of one statement."""

    def query(self, select: Any, name: str, outer: Scope | None, mode: str, row: str = "") -> None:
        """Add a function that runs a SELECT (see `Query` for `mode`)."""
        parameters = ", ".join(outer.variables()) if outer is not None else ""
        if is_a(select, CompoundSelect):
            self._union(select, name, outer, mode, row)
            return
        each = Query(select, Scope(parent=outer), mode, row)
        parts, conditions = self.parts(select)
        self.around.append([clause for clause, _, _ in parts])
        each.level = self.loops(parts, conditions, each.scope, each.body)
        if select._group_by_clauses or any(_aggregates(column) for column in [*each.columns, *select._having_criteria]):
            self._group(each)
        if mode == "exists":
            each.body.add(each.level, "return True")
            each.body.add(1, "return False")
        else:
            self._collect(each)
        self.around.pop()
        self.functions.append(f"def {name}({parameters}):\n" + "\n".join(each.body.lines))

    def subquery(self, select: Any, scope: Scope, mode: str) -> str:
        """Make a function of a subquery; the call of it."""
        name = self.fresh("q")
        pattern, scope.grouped = scope.grouped, None
        self.query(select, name, scope, mode)
        scope.grouped = pattern
        return f"{name}({', '.join(scope.variables())})"

    def _union(self, select: Any, name: str, outer: Scope | None, mode: str, row: str) -> None:
        if select.keyword.name != "UNION_ALL" or select._order_by_clauses or select._limit_clause is not None:
            raise Unknown(str(select))
        names = [self.fresh("u") for _ in select.selects]
        for part, each in zip(names, select.selects, strict=True):
            self.query(bare(each), part, outer, mode, row)
        parameters = ", ".join(outer.variables()) if outer is not None else ""
        self.functions.append(f"def {name}({parameters}):\n    return " + " + ".join(f"{part}({parameters})" for part in names))

    def _group(self, query: Query) -> None:
        scope, body = query.scope, query.body
        groups = list(query.select._group_by_clauses)
        pattern = tuple_of(scope.own)
        key = "(" + "".join(f"{self.value(each, scope)}, " for each in groups) + ")"
        if groups:
            body.before.append("groups = {}")
            body.add(query.level, f"groups.setdefault({key}, []).append({pattern})")
        else:
            body.before.append("g = []")
            body.add(query.level, f"g.append({pattern})")
        body.add(1, f"for g in {'groups.values()' if groups else '(g,)'}:")
        body.add(2, f"{pattern} = g[0] if g else {tuple_of(['None'] * len(scope.known))}")
        scope.grouped = pattern
        for each in query.select._having_criteria:
            body.add(2, f"if not {self.condition(each, scope)}: continue")
        query.level = 2

    def _collect(self, query: Query) -> None:
        select, scope, body, scalar = query.select, query.scope, query.body, query.mode == "scalar"
        made = query.made([self.value(column, scope) for column in query.columns])
        order = [self._order(each, query) for each in select._order_by_clauses]
        locked = self._locked(query)
        body.before.append("found = []")
        if not (order or locked or select._distinct or select._limit_clause is not None or select._offset_clause is not None):
            body.add(query.level, f"found.append({made})")
            body.add(1, "return found[0] if found else None" if scalar else "return found")
            return
        body.add(query.level, f"found.append(({made}, " + "".join(f"{each}, " for each, _ in [*order, *locked]) + "))")
        for place, (_, down) in reversed(list(enumerate(order, 1))):
            body.add(1, f"found.sort(key=lambda x: x[{place}]{', reverse=True' if down else ''})")
        if select._distinct:
            same = "tuple(x[0])" if query.mode in {"rows", "tuples"} else "x[0]"
            body.add(1, f"found = list({{{same}: x for x in reversed(found)}}.values())[::-1]")
        if select._offset_clause is not None:
            body.add(1, f"found = found[{self.value(select._offset_clause, scope)}:]")
        if select._limit_clause is not None:
            body.add(1, f"found = found[:{self.value(select._limit_clause, scope)}]")
        for number, (_, table) in enumerate(locked, len(order) + 1):
            body.add(1, f"for x in found: v.hold({table}.locks, {table}.key_of(x[{number}]))")
        body.add(1, "return found[0][0] if found else None" if scalar else "return [x[0] for x in found]")

    def _order(self, node: Any, query: Query) -> tuple[str, bool]:
        """What to sort by, and whether downwards. PostgreSQL takes NULL for greater than everything."""
        modifiers: list[Any] = []
        node = bare(node)
        while (modifier := getattr(node, "modifier", None)) is not None and not is_a(node, Select):
            modifiers.append(modifier)
            node = bare(node.element)
        down = operators.desc_op in modifiers
        turned = (operators.nulls_last_op if down else operators.nulls_first_op) in modifiers
        if type(node).__name__ == "_textual_label_reference":
            text, _, how = str(node.element).partition(" ")
            down = how.upper() == "DESC"
            node = next(column for column in query.columns if str(getattr(column, "name", "")) == text)
        value = self.value(node, query.scope)
        return (f"nulls_turned({value})" if turned else self.sorting(node, query.scope)), down

    def _locked(self, query: Query) -> list[tuple[str, str]]:
        """The rows that FOR UPDATE takes (variable and table); what others hold is passed over where it says SKIP LOCKED."""
        argument = query.select._for_update_arg
        if argument is None:
            return []
        mine = [
            each for each in query.scope.known if each.table is not None and (not argument.of or any(_is(each, o) for o in argument.of))
        ]
        pairs = [(each.variable, self.named("t", each.table)) for each in mine]
        if argument.skip_locked:
            for variable, table in pairs:
                query.body.add(query.level, f"if {table}.locks.get({table}.key_of({variable}), v) is not v: continue")
        return pairs


def _is(each: From, of: Any) -> bool:
    return each.clause is (of.table if is_a(of, Column) else of)


def _aggregates(node: Any) -> bool:
    """Whether an aggregate stands in it, not counting what stands in subqueries."""
    node = node.element if is_a(node, Label) else node
    return any(is_a(each, FunctionElement) and each.name in AGGREGATES for each in _within(node))


def _within(node: Any) -> Iterator[Any]:
    yield node
    if is_a(node, Select) or not hasattr(node, "get_children"):
        return
    for child in node.get_children():
        yield from _within(child)
