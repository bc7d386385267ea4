"""When a vendor works: weekly hours by its own clocks, holidays and exceptions; and when so much of its working time is over.

A moment is working time if the clocks on the vendor's wall then show a time within its hours: an hour that clocks skip is
nobody's working time, one that they show twice counts twice.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.kernel.text import END

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
DAY = timedelta(days=1)
DAYS_MAX = 500
HOURS_MAX = 8

Opens = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END, max_length=5, description="local time, as in 08:00")]
Closes = Annotated[
    str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)" + END, max_length=5, description="local time; 24:00 is midnight")
]


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `opens` up to but not including `closes`, on one day. What goes on after midnight is the next day's."""

    opens: Opens
    closes: Closes

    def of(self, day: date) -> tuple[datetime, datetime]:
        """As the clocks on the wall show it."""
        midnight = datetime.combine(day, time())
        return midnight + timedelta(minutes=_minute(self.opens)), midnight + timedelta(minutes=_minute(self.closes))


DaysHours = Annotated[list[Hours], Meta(max_length=HOURS_MAX)]


class Exceptional(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One day with hours of its own, be it a holiday or not."""

    day: date
    hours: DaysHours


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The working time of a vendor. `zone` is of the IANA database; a weekday that is left out is closed."""

    zone: Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*" + END, max_length=64)]
    weekly: dict[Weekday, DaysHours]
    holidays: Annotated[list[date], Meta(max_length=DAYS_MAX)] = []
    exceptions: Annotated[list[Exceptional], Meta(max_length=DAYS_MAX)] = []

    def hours(self, day: date) -> Sequence[Hours]:
        """When it is open on a day."""
        for each in self.exceptions:
            if each.day == day:
                return each.hours
        return () if day in self.holidays else self.weekly.get(WEEK[day.weekday()], ())

    @property
    def weekly_seconds(self) -> int:
        """The working time of a common week."""
        return 60 * sum(_minute(hours.closes) - _minute(hours.opens) for day in self.weekly.values() for hours in day)


def check(calendar: Calendar, field: str) -> None:
    """Raises `Invalid` naming what makes no sense below `field`: ``calendar_invalid``, ``calendar_never_opens``, ``unknown_zone``."""
    if zone_of(calendar.zone) is None:
        raise Invalid("unknown_zone", f"the IANA database has no zone {calendar.zone}", field=f"{field}/zone")
    for name, hours in calendar.weekly.items():
        _check_day(hours, f"{field}/weekly/{name}")
    seen: set[date] = set()
    for number, each in enumerate(calendar.exceptions):
        if each.day in seen:
            raise Invalid("calendar_invalid", f"{each.day} stands here twice", field=f"{field}/exceptions/{number}/day")
        seen.add(each.day)
        _check_day(each.hours, f"{field}/exceptions/{number}/hours")
    if not any(calendar.weekly.values()):
        raise Invalid("calendar_never_opens", "no weekday has any hours", field=f"{field}/weekly")


def _check_day(hours: Sequence[Hours], field: str) -> None:
    open_until = -1
    for number, each in enumerate(hours):
        opens, closes = _minute(each.opens), _minute(each.closes)
        if closes <= opens:
            raise Invalid("calendar_invalid", f"{each.closes} is not after {each.opens}", field=f"{field}/{number}/closes")
        if opens < open_until:
            raise Invalid("calendar_invalid", f"{each.opens} is within the hours before, or earlier", field=f"{field}/{number}/opens")
        open_until = closes


def due(start: datetime, seconds: float, calendar: Calendar | None, latest: datetime) -> datetime:
    """The first moment by which so many seconds of working time have passed since `start` (without a calendar: any time), in UTC.

    `latest`, should it take longer than that.
    """
    left = timedelta(seconds=seconds)
    if calendar is None or not left:
        return min(start + left, latest)
    for opened, closed in working(calendar, start, latest):
        if closed - opened >= left:
            return opened + left
        left -= closed - opened
    return latest


def working(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The working time between two moments, piece by piece, in UTC."""
    zone = zone_of(calendar.zone)
    assert zone is not None, "a calendar is checked before it is kept"
    for since, until, offset in _steady(zone, start, end):
        shown, shown_last = (since + offset).replace(tzinfo=None), (until + offset).replace(tzinfo=None)
        day = shown.date()
        while datetime.combine(day, time()) < shown_last:
            for hours in calendar.hours(day):
                opens, closes = hours.of(day)
                opened, closed = max(opens, shown), min(closes, shown_last)
                if opened < closed:
                    yield opened.replace(tzinfo=UTC) - offset, closed.replace(tzinfo=UTC) - offset
            day += DAY


def _steady(zone: tzinfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The time between two moments, cut where the clocks are set (by which `offset` from UTC they show), and daily."""
    since, end = start.astimezone(UTC), end.astimezone(UTC)
    while since < end:
        until, offset = min(since + DAY, end), _offset(zone, since)
        if _offset(zone, until) != offset:
            until = _change(zone, since, until)
        yield since, until, offset
        since = until


def _change(zone: tzinfo, since: datetime, until: datetime) -> datetime:
    """The second at which the clocks are set; it is after `since`, and at the latest `until`."""
    offset = _offset(zone, since)
    before, after = int(since.timestamp()), int(until.timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None, "a zone knows its offset"
    return offset


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo | None:
    """A zone of the IANA database, or None."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # a folder of the database is no zone either
        return None
