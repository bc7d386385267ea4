"""Working time: exact to the second, whatever a vendor's clocks do, and refused where it makes no sense."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.kernel.errors import Invalid
from hub.promises.calendar import WEEK, Calendar, check, due

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC")
"""With clocks that are set by an hour, by half of one, or never; that once left out a day; that are off by quarters."""
NINE_TO_FIVE = [{"opens": "09:00", "closes": "17:00"}]


def calendar(**said: Any) -> Calendar:
    made = msgspec.convert({"zone": "Europe/Berlin", "weekly": dict.fromkeys(WEEK[:5], NINE_TO_FIVE), **said}, Calendar)
    check(made, "/calendar")
    return made


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def is_open(made: Calendar, moment: datetime) -> bool:
    """Whether the clocks on the wall show a time within the hours."""
    shown = moment.astimezone(ZoneInfo(made.zone))
    text = f"{shown:%H:%M}"
    return any(hours.opens <= text < hours.closes for hours in made.hours(shown.date()))


def slowly(start: datetime, minutes: int, made: Calendar, latest: datetime) -> datetime:
    """The same, minute by minute."""
    moment = start
    while minutes and moment < latest:
        minutes -= is_open(made, moment)
        moment += MINUTE
    return moment


TIMES = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 24 * 60, 30)]


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> list[dict[str, str]]:
    marks = sorted(draw(st.sets(st.sampled_from([*TIMES, "24:00"]), max_size=4)))
    return [{"opens": opens, "closes": closes} for opens, closes in zip(marks[::2], marks[1::2], strict=False)]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    weekly = {day: draw(hours_of_a_day()) for day in draw(st.sets(st.sampled_from(WEEK), min_size=1))}
    weekly["wed"] = NINE_TO_FIVE
    days = st.dates(date(2026, 3, 20), date(2026, 4, 10))
    exceptions = [{"day": day, "hours": draw(hours_of_a_day())} for day in draw(st.sets(days, max_size=3))]
    return calendar(zone=draw(st.sampled_from(ZONES)), weekly=weekly, holidays=draw(st.lists(days, max_size=3)), exceptions=exceptions)


@settings(max_examples=60, deadline=None)
@given(
    calendars(),
    st.sampled_from([datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 6), (3, 27), (4, 3), (10, 23), (10, 30), (7, 1))]),
    st.integers(0, 2 * 1440),
    st.integers(1, 30 * 60),
)
def test_it_is_what_counting_minutes_says(made: Calendar, day: datetime, after: int, minutes: int) -> None:
    start = day + after * MINUTE
    latest = start + 12 * DAY
    assert due(start, minutes * 60, made, latest) == slowly(start, minutes, made, latest)


@given(calendars(), st.integers(0, 20 * 3600), st.integers(0, 20 * 3600))
def test_more_work_is_never_due_earlier(made: Calendar, less: int, more: int) -> None:
    start = datetime(2026, 3, 27, 12, tzinfo=UTC)
    latest = start + 60 * DAY
    first = due(start, less, made, latest)
    assert start <= first <= due(start, less + more, made, latest) <= latest


class TestByTheClock:
    @pytest.mark.parametrize(
        ("start", "hours", "ends"),
        [
            ("2026-03-27T16:00", 2, "2026-03-30T10:00"),  # over a weekend in which the clocks are set
            ("2026-03-27T17:00", 1, "2026-03-30T10:00"),  # it is closed by then
            ("2026-03-30T08:59", 8, "2026-03-30T17:00"),  # the whole day
        ],
    )
    def test_over_a_weekend(self, start: str, hours: int, ends: str) -> None:
        begins = berlin(start)
        assert due(begins, hours * 3600, calendar(), begins + 30 * DAY) == berlin(ends)

    def test_an_hour_that_is_skipped_is_nobodys_and_one_shown_twice_counts_twice(self) -> None:
        nights = calendar(weekly={"sun": [{"opens": "01:00", "closes": "04:00"}]})
        spring, autumn = berlin("2026-03-29T00:00"), berlin("2026-10-25T00:00")
        assert due(spring, 2 * 3600, nights, spring + DAY) == berlin("2026-03-29T04:00")
        assert due(autumn, 4 * 3600, nights, autumn + DAY) == berlin("2026-10-25T04:00")

    def test_holidays_are_closed_and_exceptions_come_before_them(self) -> None:
        eve = {"day": date(2026, 12, 24), "hours": [{"opens": "09:00", "closes": "10:00"}]}
        made = calendar(holidays=[date(2026, 12, 24), date(2026, 12, 25)], exceptions=[eve])
        start = berlin("2026-12-23T17:00")
        assert due(start, 2 * 3600, made, start + 30 * DAY) == berlin("2026-12-28T10:00")

    def test_without_a_calendar_all_time_counts(self) -> None:
        start = berlin("2026-12-24T17:00")
        assert due(start, 3600.5, None, start + DAY) == start + timedelta(seconds=3600.5)

    def test_never_later_than_the_latest(self) -> None:
        start = berlin("2026-12-24T17:00")
        assert due(start, 10**6, calendar(holidays=[]), start + DAY) == start + DAY


NONSENSE: list[tuple[dict[str, Any], str, str]] = [
    ({"zone": "Europe/Atlantis"}, "unknown_zone", "/calendar/zone"),
    ({"zone": "Europe"}, "unknown_zone", "/calendar/zone"),
    ({"weekly": {}}, "calendar_never_opens", "/calendar/weekly"),
    ({"weekly": {"mon": []}}, "calendar_never_opens", "/calendar/weekly"),
    ({"weekly": {"mon": [{"opens": "10:00", "closes": "09:00"}]}}, "calendar_invalid", "/calendar/weekly/mon/0/closes"),
    ({"weekly": {"mon": [{"opens": "10:00", "closes": "10:00"}]}}, "calendar_invalid", "/calendar/weekly/mon/0/closes"),
    ({"weekly": {"mon": [*NINE_TO_FIVE, {"opens": "16:00", "closes": "18:00"}]}}, "calendar_invalid", "/calendar/weekly/mon/1/opens"),
    (
        {"exceptions": [{"day": date(2026, 1, 1), "hours": []}, {"day": date(2026, 1, 1), "hours": NINE_TO_FIVE}]},
        "calendar_invalid",
        "/calendar/exceptions/1/day",
    ),
]


@pytest.mark.parametrize(("said", "slug", "field"), NONSENSE)
def test_what_makes_no_sense_is_refused(said: dict[str, Any], slug: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        calendar(**said)
    assert (refused.value.slug, refused.value.field) == (slug, field)


@pytest.mark.parametrize("zone", ["../etc/passwd", "Europe/../x", "/etc", "", "posix/", "Europe/Berlin\n", "x" * 65])
def test_a_zone_is_a_name_and_no_path(zone: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        calendar(zone=zone)
