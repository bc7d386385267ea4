"""What a statement's source is made from: the names that are known at a place, and SQLAlchemy's trees without their wrapping."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BooleanClauseList, ClauseElement, Label, ScalarSelect, Select, TypeCoerce
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Grouping, SQLCoreOperations
from sqlalchemy.sql.selectable import FromClause

from hub.simulation.postgres.tables import Table

EXCLUDED: Any = object()
"""Stands for what an INSERT wanted to write; SQLAlchemy makes an alias of that name anew each time."""


class Unknown(SystemExit):
    """The hub has begun to use something of SQL that is not simulated yet: the run ends, whoever catches exceptions."""


class From:
    """One thing in a FROM clause: the variable of its row and where its columns stand in it."""

    def __init__(self, clause: Any, variable: str, table: Table | None, places: dict[str, int]) -> None:
        self.clause = clause
        self.variable = variable
        self.table = table
        self.places = places
        self.optional = False
        """Of an outer join: the row may be None."""


class Scope:
    """What names are known where an expression stands; a subquery's scope has that around it as parent."""

    def __init__(self, *known: From, parent: "Scope | None" = None) -> None:
        self.known = list(known)
        self.parent = parent
        self.grouped: str | None = None
        """The variables of a group's rows, as a pattern, where aggregates may stand."""

    def find(self, clause: Any) -> From | None:
        """What a column's table is called here, or None."""
        if getattr(clause, "name", "") == "excluded":
            clause = EXCLUDED
        for each in self.known:
            if each.clause is clause:
                return each
        return self.parent.find(clause) if self.parent is not None else None

    @property
    def own(self) -> list[str]:
        """The variables that are not of a scope around it."""
        return [each.variable for each in self.known]

    def variables(self) -> list[str]:
        """All that a subquery may speak of."""
        return [*(self.parent.variables() if self.parent is not None else []), *self.own]


class Body:
    """Lines of one function."""

    def __init__(self) -> None:
        self.before: list[str] = []
        self._lines: list[str] = []

    def add(self, level: int, line: str) -> None:
        """A line, so many levels deep."""
        self._lines.append("    " * level + line)

    @property
    def lines(self) -> list[str]:
        """All of them, those of `before` first."""
        return ["    " + line for line in self.before] + self._lines


def is_a(node: Any, *kinds: type) -> bool:
    """As isinstance, and the node stays Any: what SQLAlchemy says of the types of its own trees is of no use here."""
    return isinstance(node, kinds)


def bare(node: Any) -> Any:
    """Without what only matters to a printed statement."""
    while True:
        kind = type(node).__name__
        only_says_so = kind == "AsBoolean" and node.operator is operators.is_true
        if (is_a(node, Grouping, Label) and not is_a(node, ScalarSelect)) or kind == "_label_reference" or only_says_so:
            node = node.element
        elif is_a(node, TypeCoerce):
            node = node.clause
        elif is_a(node, SQLCoreOperations) and not is_a(node, ClauseElement):
            node = node.__clause_element__()
        else:
            return node


def is_or(node: Any) -> bool:
    """Whether it is an OR of several."""
    return is_a(node, BooleanClauseList) and node.operator is operators.or_


def conjuncts(criteria: Any) -> Iterator[Any]:
    """All that must be true, one by one."""
    for each in criteria:
        node = bare(each)
        if is_a(node, BooleanClauseList) and node.operator is operators.and_:
            yield from conjuncts(node.clauses)
        else:
            yield node


def columns_of(clauses: Any) -> Iterator[Any]:
    """Columns one by one where whole tables may stand among them."""
    for each in clauses:
        if is_a(each, FromClause):
            yield from each.c
        else:
            yield each


def select_in(node: Any) -> Any:
    """The SELECT within its wrapping."""
    while not is_a(node, Select):
        node = node.element
    return node


def tuple_of(parts: Sequence[str]) -> str:
    """Source of a tuple; of one part that part alone."""
    return parts[0] if len(parts) == 1 else "(" + ", ".join(parts) + ")"
