"""How long a system asks to wait: the one reading of Retry-After (RFC 9110, section 10.2.3); pure."""

from email.utils import parsedate_to_datetime

RETRY_SECONDS_MAX = 3600.0
"""A longer Retry-After is a mistake: no order waits for it."""


def seconds_asked(value: str | None, now: float) -> float | None:
    """Seconds from `now` (unix) that a Retry-After header asks for, as a number or a date; at most an hour. None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_SECONDS_MAX)
    try:
        asked = parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(asked, 0.0), RETRY_SECONDS_MAX)
