"""Unique constraints and unique indexes, as the tables declare them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint

from hub.simulation.postgres.conditions import Condition, condition
from hub.simulation.postgres.indexes import Hash, Row
from hub.simulation.postgres.views import Locks, Violation


class Unique:
    """A partial one counts only rows of which its condition is true."""

    def __init__(self, name: str, index: Hash, only: Condition | None) -> None:
        self.name = name
        self.index = index
        self.only = only
        self.locks: Locks = {}
        """Values that a transaction under way has taken."""

    def of(self, row: Row) -> Any:
        """What must be unique of a row; None where nothing must."""
        if self.only is not None and not self.only(row):
            return None
        return self.index.of(row)

    def violation(self) -> Violation:
        """What is raised where a value is taken."""
        return Violation("23505", f"duplicate key value violates unique constraint {self.name}")


def uniques(declared: Table, position: dict[str, int], index: Callable[[tuple[int, ...]], Hash]) -> list[Unique]:
    """All but the primary key, by name, over indexes that `index` makes."""
    found: list[tuple[str, list[Any], str | None]] = [
        *((str(each.name), list(each.columns), None) for each in declared.constraints if isinstance(each, UniqueConstraint)),
        *((str(each.name), list(each.expressions), where(each)) for each in declared.indexes if each.unique),
    ]
    return [
        Unique(name, index(tuple(position[column.name] for column in columns)), None if only is None else _only(only, position))
        for name, columns, only in sorted(found, key=lambda unique: unique[0])
    ]


def _only(sql: str, position: dict[str, int]) -> Condition:
    found = condition(sql, position)
    if found is None:
        raise ValueError(f"a unique index on a condition that is not read here: {sql}")
    return found


def where(index: Index) -> str | None:
    """A partial index's condition."""
    found: Any = index.dialect_options["postgresql"]["where"]
    return None if found is None else str(found)
