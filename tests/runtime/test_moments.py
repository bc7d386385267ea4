"""A moment of a query is a date or has its offset; a period is neither backwards nor endless."""

from datetime import UTC, datetime, timedelta

import pytest
from litestar.exceptions import ValidationException

from hub.runtime.moments import Period, moment_of, period_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5+02:00", datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_moment(asked: str | None, found: datetime | None) -> None:
    assert moment_of(asked, "at") == found


@pytest.mark.parametrize("asked", ["", "now", "2026-02-30", "2026-01-31T12:00:00", "20260131", "1999-12-31", "2101-01-01", "9" * 99])
def test_no_moment(asked: str) -> None:
    with pytest.raises(ValidationException) as refused:
        moment_of(asked, "at")
    assert refused.value.extra == [{"key": "at", "message": refused.value.detail, "source": "query"}]


def test_a_period() -> None:
    def asked(start: str | None, end: str | None) -> Period:
        return period_of(start, end, now=NOW, default=7 * DAY, longest=30 * DAY)

    assert asked(None, None) == Period(NOW - 7 * DAY, NOW)
    assert asked(None, "2026-02-10").start == datetime(2026, 2, 3, tzinfo=UTC)
    assert asked("2026-03-01T12:00:00Z", None) == Period(NOW, NOW)
    for start, end in (("2026-03-02", None), ("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-02-01")):
        with pytest.raises(ValidationException):
            asked(start, end)
