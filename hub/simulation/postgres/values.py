"""SQL's meaning of operators and functions on Python values: None is NULL, and what is asked of NULL is NULL."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any


def eq(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a == b


def ne(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a != b


def lt(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a < b


def le(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a <= b


def gt(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a > b


def ge(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a >= b


def add(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b


def sub(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a - b


def mul(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a * b


def neg(a: Any) -> Any:
    return None if a is None else -a


def inv(a: Any) -> Any:
    return None if a is None else not a


def both(a: Any, b: Any) -> Any:
    """AND of three values."""
    if a is None or b is None:
        return False if a is False or b is False else None
    return a and b


def either(a: Any, b: Any) -> Any:
    """OR of three values."""
    if a is None or b is None:
        return True if a is True or b is True else None
    return a or b


def within(a: Any, values: Collection[Any]) -> Any:
    """IN: false where there are none, NULL where nothing is equal and a NULL is among them."""
    if not values:
        return False
    if a is None:
        return None
    return True if a in values else (None if None in values else False)


def coalesce(*values: Any) -> Any:
    for value in values:
        if value is not None:
            return value
    return None


def greatest(*values: Any) -> Any:
    return max((value for value in values if value is not None), default=None)


def least(*values: Any) -> Any:
    return min((value for value in values if value is not None), default=None)


def nullif(a: Any, b: Any) -> Any:
    return None if a == b else a


SECONDS = 6
"""Their place among the arguments of make_interval()."""


def make_interval(*parts: Any) -> timedelta | None:
    """Years, months, weeks, days, hours, minutes, seconds; years and months of whatever length nobody uses."""
    if None in parts:
        return None
    if parts[SECONDS:] and not any(parts[:SECONDS]):  # as the hub writes it nearly always
        return timedelta(0, parts[SECONDS])
    _, _, weeks, days, hours, minutes, seconds = (*parts, *(0,) * (7 - len(parts)))
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def to_timestamp(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def split_part(text: str | None, by: str, number: int) -> str | None:
    if text is None:
        return None
    parts = text.split(by)
    return parts[number - 1] if number <= len(parts) else ""


def total(values: Iterable[Any]) -> Any:
    """sum(): NULL of nothing."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def least_of(values: Iterable[Any]) -> Any:
    return min((value for value in values if value is not None), default=None)


def greatest_of(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def count(values: Iterable[Any]) -> int:
    return sum(value is not None for value in values)


def key(value: Any) -> tuple[bool, Any]:
    """Sorts NULL last; descending order turned round puts it first, as PostgreSQL does."""
    return (value is None, value)


def nulls_turned(value: Any) -> tuple[bool, Any]:
    """Sorts NULL first, and last in descending order."""
    return (value is not None, value)


def item(value: Any, at: Any) -> Any:
    """What stands at a place in JSON."""
    try:
        return None if isinstance(value, str) else value[at]
    except (KeyError, IndexError, TypeError):
        return None


def as_text(value: Any) -> str | None:
    """What ->> makes of what stands there."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def cast(kind: Callable[[Any], Any], value: Any) -> Any:
    """CAST, and any other function that is NULL of NULL."""
    return None if value is None else kind(value)
