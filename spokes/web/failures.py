"""What a status means that is no success, in the SDK's words; pure."""

from email.utils import parsedate_to_datetime
from http import HTTPStatus

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Retry

RETRY_SECONDS_MAX = 3600.0
"""A longer Retry-After is a mistake: no order waits for it."""
BUSY = frozenset({408, 425, 429})
NOT_THERE = frozenset({404, 405, 410, 501})
SAID_MAX = 200


class Unsure(Retry):
    """Nobody answered, or nobody who knows: what was asked may have been done. Look before it is done again."""


def failure(status: int, *, wait: float | None = None, said: str = "") -> AdapterError | None:
    """The error of a status that says nothing about the business; None for a success.

    `wait` is what Retry-After asked for, in seconds; `said` the beginning of the body, for the operator.
    """
    detail = f"HTTP {status}" + (f": {said}" if said else "")
    match status:
        case _ if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, section 15.3
            return None
        case _ if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110, section 15.4
            return Misconfigured(f"{detail}: it redirects, and no redirect is followed")
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return NeedsReauth(detail)
        case _ if status in NOT_THERE:
            return Misconfigured(detail)
        case _ if status in BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Retry(detail, retry_after=wait) if status in BUSY else Unsure(detail, retry_after=wait)
        case _:
            return AdapterError(detail)


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


def unreadable(who: str, error: Exception) -> AdapterError:
    """What an answer means that is not of the form it should have: a page of something in between, which passes."""
    return Unsure(f"{who}'s answer is none: {error}"[:300])


def excerpt(body: bytes) -> str:
    """The beginning of a body, fit for a log line."""
    text = body[: SAID_MAX * 4].decode(errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:SAID_MAX].strip()
