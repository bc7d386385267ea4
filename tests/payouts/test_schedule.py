"""When payouts are due: midnights UTC, whatever the zone of the asker, to the end of every month."""

import calendar
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.payouts.rules import all_due, last_due

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001  # hypothesis adds the zone
    max_value=datetime(2100, 12, 31),  # noqa: DTZ001  # hypothesis adds the zone
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
DAYS = st.integers(1, 31)
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "day", "now", "due"),
    [
        ("daily", 1, "2026-03-01T00:00:00", "2026-03-01T00:00:00"),
        ("daily", 1, "2026-03-01T23:59:59.999999", "2026-03-01T00:00:00"),
        ("weekly", 1, "2026-03-02T00:00:00", "2026-03-02T00:00:00"),  # a Monday
        ("weekly", 1, "2026-03-01T12:00:00", "2026-02-23T00:00:00"),
        ("weekly", 7, "2026-03-01T12:00:00", "2026-03-01T00:00:00"),
        ("monthly", 31, "2026-02-28T10:00:00", "2026-02-28T00:00:00"),
        ("monthly", 31, "2026-03-30T10:00:00", "2026-02-28T00:00:00"),
        ("monthly", 29, "2024-02-29T10:00:00", "2024-02-29T00:00:00"),
        ("monthly", 30, "2026-01-01T00:00:00", "2025-12-30T00:00:00"),
        ("monthly", 1, "2026-01-01T00:00:00", "2026-01-01T00:00:00"),
    ],
)
def test_due(interval: str, day: int, now: str, due: str):
    assert last_due(interval, day, utc(now)) == utc(due)  # pyright: ignore[reportArgumentType]  # a literal, as a parameter


@given(MOMENTS, DAYS)
def test_manual_never_is(now: datetime, day: int):
    assert last_due("manual", day, now) is None


@given(MOMENTS, DAYS, st.sampled_from(["daily", "weekly", "monthly"]))
def test_every_moment_has_one_due_midnight_before_it_and_none_in_between(now: datetime, day: int, interval: str):
    due = last_due(interval, day, now)  # pyright: ignore[reportArgumentType]  # a literal, drawn
    assert due is not None
    assert due <= now
    assert (due.hour, due.minute, due.second, due.microsecond, due.utcoffset()) == (0, 0, 0, 0, timedelta(0))
    assert last_due(interval, day, due) == due  # pyright: ignore[reportArgumentType]  # a literal, drawn
    earlier = last_due(interval, day, due - SECOND)  # pyright: ignore[reportArgumentType]  # a literal, drawn
    assert earlier is not None
    longest = {"daily": 1, "weekly": 7, "monthly": 31}[interval]
    assert timedelta(days=1) <= due - earlier <= timedelta(days=longest)
    assert now - due < timedelta(days=longest)


@given(MOMENTS, DAYS)
def test_monthly_is_the_day_or_the_months_last(now: datetime, day: int):
    due = last_due("monthly", day, now)
    assert due is not None
    assert due.day == min(day, calendar.monthrange(due.year, due.month)[1])


@given(MOMENTS, st.integers(1, 7))
def test_weekly_is_the_day(now: datetime, day: int):
    due = last_due("weekly", day, now)
    assert due is not None
    assert due.isoweekday() == day


@given(MOMENTS)
def test_all_of_them_at_once(now: datetime):
    found = list(all_due(now))
    assert len({(interval, day) for interval, day, _ in found}) == 3 * 31
    assert all(last_due(interval, day, now) == at for interval, day, at in found)
