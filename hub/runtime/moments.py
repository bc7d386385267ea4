"""Owns moments and periods asked for in a query: RFC 3339 with an offset, or a bare date, which begins at midnight UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

YEARS = range(2000, 2101)
"""Further away nobody has business, and databases have no arithmetic."""

_FORM = "a date (2026-01-31, midnight UTC) or a moment with its offset (2026-01-31T12:00:00Z)"

From = Annotated[str | None, QueryParameter(name="from", description=f"from here on: {_FORM}")]
To = Annotated[str | None, QueryParameter(name="to", description=f"to just before: {_FORM}")]
At = Annotated[str | None, QueryParameter(name="at", description=f"as it was just before: {_FORM}")]


class Period(msgspec.Struct, frozen=True):
    """From `start` to just before `end`."""

    start: datetime
    end: datetime


def moment_of(asked: str | None, name: str) -> datetime | None:
    """The moment a query parameter names; None for none. Raises the 400 of a malformed query parameter."""
    if asked is None:
        return None
    try:
        try:
            found = datetime.combine(msgspec.convert(asked, date), datetime.min.time(), UTC)
        except msgspec.ValidationError:
            found = msgspec.convert(asked, datetime)
    except msgspec.ValidationError:
        raise malformed(name, f"not {_FORM}") from None
    if found.tzinfo is None or found.year not in YEARS:
        raise malformed(name, f"not {_FORM}, of the years {YEARS[0]} to {YEARS[-1]}")
    return found.astimezone(UTC)


def period_of(start: str | None, end: str | None, *, now: datetime, default: timedelta, longest: timedelta) -> Period:
    """The period two query parameters name: to `now` if no end is named, from `default` before its end if no start is.

    Raises the 400 of a malformed query parameter, also for a period that ends before it begins or is longer than `longest`.
    """
    until = moment_of(end, "to") or now
    since = moment_of(start, "from") or until - default
    if since > until:
        raise malformed("from", "the period ends before it begins")
    if until - since > longest:
        raise malformed("from", f"the period is longer than {longest.days} days")
    return Period(since, until)


def malformed(name: str, message: str) -> ValidationException:
    """The 400 of a query parameter."""
    return ValidationException(message, extra=[{"key": name, "message": message, "source": "query"}])
