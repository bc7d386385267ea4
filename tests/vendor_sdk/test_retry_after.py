"""Retry-After is read in one way, as a number or a date, and no order waits for more than an hour."""

import pytest

from vendor_sdk.retry_after import seconds_asked

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", None),
        ("9" * 40, 3600.0),
        ("99999999999999999999", 3600.0),
        ("-1", None),
        ("٣", None),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
        ("Fri, 15 Jan 9999 08:00:30 GMT", 3600.0),
        ("Fri, 99 Jan 2027 08:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert seconds_asked(value, NOW) == seconds
