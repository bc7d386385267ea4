"""Owns the look through the hub: every statement that is a constant of a module, or of something that is."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import BindParameter, Delete, Insert, Select, TextClause, Update
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import CompoundSelect

import hub
from hub.runtime.life import Life

Statement = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete | TextClause
KINDS = (Select, CompoundSelect, Insert, Update, Delete, TextClause)
ELSEWHERE = ("hub.simulation", "hub.sandbox")
"""What has a database of its own."""


def constants() -> dict[str, Statement]:
    """Every statement by where it stands."""
    found: dict[str, Statement] = {}
    for module in pkgutil.walk_packages(hub.__path__, "hub."):
        if module.name.startswith(ELSEWHERE) or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            found |= {f"{module.name}.{name}{within}": each for within, each in _within(value)}
    return {place: each for place, each in found.items() if each is next(other for other in found.values() if other is each)}


def _within(value: Any) -> Iterator[tuple[str, Statement]]:
    if isinstance(value, KINDS):
        yield "", value
    elif isinstance(value, Life):
        yield from ((f".{name}", each) for name, each in vars(value).items() if isinstance(each, KINDS))  # pyright: ignore[reportUnknownArgumentType]  # whatever a module has
    elif isinstance(value, Mapping):
        yield from ((f"[{key}]", each) for key, each in value.items() if isinstance(each, KINDS))  # pyright: ignore[reportUnknownVariableType]  # whatever a module has
    elif isinstance(value, tuple | list):
        yield from ((f"[{at}]", each) for at, each in enumerate(value) if isinstance(each, KINDS))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # whatever a module has


def said_by_caller(statement: Statement) -> frozenset[str]:
    """The names of the values that a statement is executed with: of a write also all columns that it does not say itself."""
    names = {each.key for each in _binds(statement) if not each.unique}
    if isinstance(statement, Insert | Update):
        values: Mapping[Any, Any] = statement._values or {}  # pyright: ignore[reportPrivateUsage]  # there is no public way
        said = {getattr(column, "key", column) for column in values}
        names |= {column.key for column in statement.table.c if column.key not in said and not column.identity and not column.computed}
    return frozenset(names)


def _binds(statement: Statement) -> Iterable[Any]:
    if isinstance(statement, TextClause):
        return statement._bindparams.values()  # pyright: ignore[reportPrivateUsage]  # likewise
    found: Iterable[Any] = visitors.iterate(statement)
    return [each for each in found if type(each) is BindParameter]
