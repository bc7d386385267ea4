"""What a column makes of a value on its way in, and what it gets that is not named."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Boolean, Column, Float, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from hub.simulation.postgres.views import View

Convert = Callable[[Any], Any]
Default = Callable[[View], Any]

_encode = msgspec.json.Encoder().encode
_PLAIN = frozenset({str, int, bool, float, type(None)})


def same(value: Any) -> Any:
    """As it is."""
    return value


def converter(type_: TypeEngine[Any]) -> Convert:
    """What a column of this type makes of a value."""
    if isinstance(type_, JSONB):
        return _json
    if isinstance(type_, Text):
        return text
    return _float if isinstance(type_, Float) else same


def default_of(column: "Column[Any]") -> Default | None:
    """A column's server default, or None."""
    argument: Any = getattr(column.server_default, "arg", None)
    if argument is None:
        return None
    if str(argument) in {"now()", "clock_timestamp()"}:
        return moment
    value = _literal(str(argument), column.type)

    def constant(_: View) -> Any:
        return value

    return constant


def moment(view: View) -> Any:
    """now()."""
    return view.now


def _literal(said: str, type_: TypeEngine[Any]) -> Any:
    said = said.strip("'")
    if isinstance(type_, JSONB):
        return json.loads(said)
    if isinstance(type_, ARRAY):
        return []
    if isinstance(type_, Boolean):
        return said == "true"
    if isinstance(type_, Float):
        return float(said)
    return int(said) if isinstance(type_, Integer) else said


def _json(value: Any) -> Any:
    return value if value is None or value in ({}, []) else msgspec.json.decode(_encode(value))


def _float(value: Any) -> Any:
    return None if value is None else float(value)


def text(value: Any) -> Any:
    """An enum's value too."""
    return value if type(value) in _PLAIN else value.value if isinstance(value, Enum) else value
