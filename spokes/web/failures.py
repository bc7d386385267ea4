"""What a status means that is no success, in the SDK's words; pure."""

from http import HTTPStatus

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Retry

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


def unreadable(who: str, error: Exception) -> AdapterError:
    """What an answer means that is not of the form it should have: a page of something in between, which passes."""
    return Unsure(f"{who}'s answer is none: {error}"[:300])


def excerpt(body: bytes) -> str:
    """The beginning of a body, fit for a log line."""
    text = body[: SAID_MAX * 4].decode(errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:SAID_MAX].strip()
