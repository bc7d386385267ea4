"""When a vendor's payouts are due: midnights UTC, by interval and day."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hub.vendors.money_terms import DAYS_OF_WEEK, PayoutInterval

DAYS_OF_MONTH = 31


def last_due(interval: PayoutInterval, day: int, now: datetime) -> datetime | None:
    """The newest moment of the schedule that is not after `now` (aware); None for ``manual``.

    Weekly: `day` 1 is Monday. Monthly: the day of that number, or the month's last where it has fewer.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match interval:
        case "manual":
            return None
        case "daily":
            return midnight
        case "weekly":
            return midnight - timedelta(days=(midnight.isoweekday() - day) % DAYS_OF_WEEK)
        case "monthly":
            this = _in_month(midnight, day)
            return this if this <= midnight else _in_month(midnight.replace(day=1) - timedelta(days=1), day)


def all_due(now: datetime) -> Iterator[tuple[PayoutInterval, int, datetime]]:
    """Every (interval, day) there may be, with its `last_due`: for asking the database about all vendors at once."""
    intervals: tuple[PayoutInterval, ...] = ("daily", "weekly", "monthly")
    for interval, day in itertools.product(intervals, range(1, DAYS_OF_MONTH + 1)):
        due = last_due(interval, day, now)
        assert due is not None, "only manual has none"
        yield interval, day, due


def _in_month(midnight: datetime, day: int) -> datetime:
    last = (midnight.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return midnight.replace(day=min(day, last.day))
