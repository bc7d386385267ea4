"""FROM as Python source: nested loops over rows, each table reached by its best index."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ScalarSelect, Select
from sqlalchemy import Table as Declared
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Alias, FromClause, Join, Subquery, TableValuedAlias

from hub.simulation.postgres.expressions import Expressions
from hub.simulation.postgres.scope import Body, From, Scope, Unknown, bare, conjuncts, is_a, is_or, tuple_of
from hub.simulation.postgres.tables import Table

LOW = {"state", "kind", "currency", "vendor", "gateway", "target", "standing"}
"""Columns of few values: no index is made for them alone."""

Part = tuple[Any, Any, bool]
"""One thing in a FROM, its join condition, and whether it may be missing (an outer join)."""
Equal = dict[int, tuple[str, Any]]
"""Columns that must equal something known by now: place → (source, condition)."""


class Access(Expressions):
    """The ways to the rows of one statement."""

    def __init__(self, tables: Mapping[str, Table], names: frozenset[str]) -> None:
        super().__init__(names)
        self.tables = tables
        self.globals: dict[str, Any] = {}
        self.functions: list[str] = []
        self.around: list[list[FromClause]] = []
        """What stands in the FROM of each query that is being turned, from the outside in."""
        self._number = 0

    def fresh(self, prefix: str) -> str:
        """A name that nothing has yet."""
        self._number += 1
        return f"{prefix}{self._number}"

    def named(self, prefix: str, thing: Any) -> str:
        """A global name for an object."""
        for name, known in self.globals.items():
            if known is thing:
                return name
        name = self.fresh(prefix)
        self.globals[name] = thing
        return name

    def query(self, select: Any, name: str, outer: Scope | None, mode: str, row: str = "") -> None:
        """Add a function that runs a SELECT."""
        raise NotImplementedError

    def parts(self, select: Any) -> tuple[list[Part], list[Any]]:
        """What a query selects from, and all conditions that hold for the whole."""
        found: list[Part] = []
        conditions = list(conjuncts(select._where_criteria))
        for clause in self._own(select):
            self._flatten(clause, found, conditions)
        return found, conditions

    def loops(self, parts: Sequence[Part], conditions: Sequence[Any], scope: Scope, body: Body) -> int:
        """Nested loops in the order of the best access; the level inside the innermost."""
        level = 1
        left: list[Part] = list(parts)
        waiting = list(conditions)
        while left:
            clause, on, optional = min(left, key=lambda each: (each[2], self._rank(each[0], waiting, scope)))
            left = [each for each in left if each[0] is not clause]
            level = self._outer(clause, on, scope, body, level) if optional else self._inner(clause, waiting, scope, body, level)
            ready = [each for each in waiting if self._ready(each, left)]
            waiting = [each for each in waiting if not any(each is other for other in ready)]
            for each in ready:
                body.add(level, f"if not {self.condition(each, scope)}: continue")
        for each in waiting:
            body.add(level, f"if {self.condition(each, scope)}:")
            level += 1
        return level

    def _own(self, select: Any) -> list[Any]:
        """What a query selects from, without what it only refers to outside itself (SQLAlchemy's rule of correlation)."""
        finals = list(select.get_final_froms())
        outside = list(select._correlate) or [clause for each in self.around for clause in each]
        return [each for each in finals if not any(each is other for other in outside)] or finals

    def _flatten(self, clause: Any, found: list[Part], conditions: list[Any]) -> None:
        if not is_a(clause, Join):
            found.append((clause, None, False))
            return
        self._flatten(clause.left, found, conditions)
        if clause.isouter:
            found.append((clause.right, clause.onclause, True))
        else:
            self._flatten(clause.right, found, conditions)
            conditions.extend(conjuncts([clause.onclause]))

    def _enter(self, clause: Any, scope: Scope) -> From:
        """Give a thing in a FROM clause its variable."""
        table = self._table(clause)
        places = dict(table.position) if table is not None else {str(column.key): number for number, column in enumerate(clause.c)}
        made = From(clause, self.fresh("r"), table, places)
        scope.known.append(made)
        return made

    def _inner(self, clause: Any, waiting: list[Any], scope: Scope, body: Body, level: int) -> int:
        source, used, alone = self._way(clause, waiting, scope)
        made = self._enter(clause, scope)
        for each in used:
            waiting[:] = [other for other in waiting if other is not each]
        body.add(level, f"for {made.variable} in {source}:")
        if alone:
            body.add(level + 1, f"if {made.variable} is None: continue")
        return level + 1

    def _outer(self, clause: Any, on: Any, scope: Scope, body: Body, level: int) -> int:
        joined = list(conjuncts([on]))
        source, used, _ = self._way(clause, joined, scope)
        made = self._enter(clause, scope)
        rest = [self.condition(each, scope) for each in joined if not any(each is other for other in used)]
        kept = f" if {made.variable} is not None" + "".join(f" and {each}" for each in rest)
        body.add(level, f"for {made.variable} in [{made.variable} for {made.variable} in {source}{kept}] or (None,):")
        made.optional = True
        return level + 1

    def _rank(self, clause: Any, waiting: Sequence[Any], scope: Scope) -> int:
        """How good the way to its rows would be: 0 is one row by its key, 4 a subquery."""
        table = self._table(clause)
        if table is None:
            return 4
        equal = self._equal(clause, waiting, scope)
        if all(place in equal for place in table.primary):
            return 0
        if any(all(place in equal for place in unique.index.positions) for unique in table.uniques):
            return 1
        return 2 if any((place,) in table.indexed for place in equal) else 3

    def _way(self, clause: Any, waiting: Sequence[Any], scope: Scope) -> tuple[str, list[Any], bool]:
        """Where the rows come from, which conditions that answers, and whether it is one row or None."""
        table = self._table(clause)
        if table is None:
            return self._subselect(clause), [], False
        name = self.named("t", table)
        equal = self._equal(clause, waiting, scope)
        if all(place in equal for place in table.primary):
            key = tuple_of([equal[place][0] for place in table.primary])
            return f"({name}.get(v, {key}),)", [equal[place][1] for place in table.primary], True
        for unique in table.uniques:
            places = unique.index.positions
            if unique.only is None and all(place in equal for place in places):
                value = tuple_of([equal[place][0] for place in places])
                return f"{name}.lookup(v, {self.named('x', unique.index)}, {value})", [equal[place][1] for place in places], False
        if (until := self._until(clause, table, equal, waiting, scope)) is not None:
            return until, [], False
        many = self._among(clause, table, waiting, scope)
        if many is not None and not any((place,) in table.indexed and table.columns[place] not in LOW for place in equal):
            return many
        return self._by_equality(table, name, equal) or (self._either(clause, table, waiting, scope) or f"{name}.scan(v)", [], False)

    def _until(self, clause: Any, table: Table, equal: Equal, waiting: Sequence[Any], scope: Scope) -> str | None:
        """By an index in the order of a moment, where nothing but columns of few values are known; by several where there is an OR."""
        if any(table.columns[place] not in LOW for place in equal):
            return None
        if found := self._in_order(clause, table, equal, waiting, scope):
            return found
        for node in waiting:
            if is_or(node):
                ways = [self._in_order(clause, table, equal, list(conjuncts([part])), scope) for part in node.clauses]
                if all(ways):
                    return f"{self.named('t', table)}.once(({', '.join(map(str, ways))}))"
        return None

    def _in_order(self, clause: Any, table: Table, equal: Equal, conditions: Sequence[Any], scope: Scope) -> str | None:
        """By one of them: all conditions stay."""
        for node in conditions:
            if not (is_a(node, BinaryExpression) and node.operator in {operators.le, operators.lt}):
                continue
            column = bare(node.left)
            if is_a(column, Column) and column.table is clause and self._bound(node.right, scope):
                place = table.position[column.name]
                only = table.ordered.get(place)
                if place in table.ordered and (only is None or only[0] in equal):
                    order = self.named("o", table.sort(place, only))
                    value = "None" if only is None else equal[only[0]][0]
                    return f"{self.named('t', table)}.until(v, {order}, {value}, {self.value(node.right, scope)})"
        return None

    def _by_equality(self, table: Table, name: str, equal: Equal) -> tuple[str, list[Any], bool] | None:
        """By an index of one column; where there are several, that is chosen when it runs."""
        known = [place for place in equal if (place,) in table.indexed]
        if not known:
            known = [place for place in equal if table.columns[place] not in LOW][:1]
        if not known:
            return None
        if len(known) == 1:
            source, node = equal[known[0]]
            return f"{name}.lookup(v, {self.named('x', table.index((known[0],)))}, {source})", [node], False
        pairs = "".join(f"({self.named('x', table.index((place,)))}, {equal[place][0]}), " for place in known)
        return f"{name}.best(v, ({pairs}))", [], False

    def _among(self, clause: Any, table: Table, waiting: Sequence[Any], scope: Scope) -> tuple[str, list[Any], bool] | None:
        """By a list of values."""
        for node in waiting:
            if not (is_a(node, BinaryExpression) and node.operator is operators.in_op):
                continue
            left = bare(node.left)
            if is_a(left, Column) and left.table is clause and self._bound(node.right, scope):
                place, name = table.position[left.name], self.named("t", table)
                if table.primary == (place,):
                    return f"{name}.many(v, {self.members(node.right, scope)})", [node], False
                if (place,) in table.indexed or left.name not in LOW:
                    return f"{name}.among(v, {self.named('x', table.index((place,)))}, {self.members(node.right, scope)})", [node], False
        return None

    def _either(self, clause: Any, table: Table, waiting: Sequence[Any], scope: Scope) -> str | None:
        """By an OR of equalities, each of which has an index."""
        for node in waiting:
            if is_or(node):
                ways = [self._equal(clause, [part], scope) for part in node.clauses]
                if all(ways):
                    pairs = [(place, source) for way in ways for place, (source, _) in way.items()]
                    listed = "".join(f"({self.named('x', table.index((place,)))}, {source}), " for place, source in pairs)
                    return f"{self.named('t', table)}.either(v, ({listed}))"
        return None

    def _equal(self, clause: Any, waiting: Sequence[Any], scope: Scope) -> Equal:
        table = self._table(clause)
        found: Equal = {}
        if table is None:
            return found
        for node in waiting:
            if not (is_a(node, BinaryExpression) and node.operator is operators.eq):
                continue
            for mine, other in ((node.left, node.right), (node.right, node.left)):
                column = bare(mine)
                if is_a(column, Column) and column.table is clause and self._bound(other, scope):
                    found.setdefault(table.position[column.name], (self.value(other, scope), node))
                    break
        return found

    def _table(self, clause: Any) -> Table | None:
        element = clause.element if is_a(clause, Alias) and not is_a(clause, Subquery) else clause
        return self.tables[element.name] if is_a(element, Declared) else None

    def _subselect(self, clause: Any) -> str:
        if is_a(clause, TableValuedAlias) and is_a(clause.element, FunctionElement) and clause.element.name == "unnest":
            return f"zip({', '.join(self.bind(bare(each)) for each in clause.element.clauses)}, strict=True)"
        if not is_a(clause, Subquery):
            raise Unknown(f"FROM {type(clause).__name__}")
        name = self.fresh("q")
        self.query(clause.element, name, None, "tuples")
        return f"{name}()"

    def _bound(self, node: Any, scope: Scope) -> bool:
        """Whether all columns in an expression are known by now."""
        return all(scope.find(column.table) is not None for column in self._named_in(node))

    def _ready(self, node: Any, left: Sequence[Part]) -> bool:
        """Whether a condition speaks of nothing that is still to come."""
        return not any(column.table is clause for column in self._named_in(node) for clause, _, _ in left)

    def _named_in(self, node: Any) -> Iterator[Any]:
        """Columns of tables in an expression; of a subquery within it those that are not its own."""
        if is_a(node, Select):
            own = [clause for each in self._own(node) for clause in ([each.left, each.right] if is_a(each, Join) else [each])]
            for each in node.get_children():
                yield from (column for column in self._named_in(each) if not any(column.table is clause for clause in own))
        elif is_a(node, ColumnClause):
            if node.table is not None:
                yield node
        elif not is_a(node, FromClause) or is_a(node, ScalarSelect):
            for each in node.get_children():
                yield from self._named_in(each)
