"""What an answer to a webhook means: delivered, tried again when, given up, or a reason to leave the endpoint alone."""

from datetime import timedelta
from typing import Literal

import msgspec

SCHEDULE = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before each attempt, counted from the one before (Standard Webhooks 1.0.0)."""
JITTER = 0.1
"""Each pause is up to this part shorter or longer, so that what failed together does not come back together."""
ASKED_SECONDS_MAX = 86_400.0
"""However long a receiver asks us to wait (Retry-After)."""
THROTTLE_SECONDS = 60.0
"""How long an endpoint is left alone that is overloaded and does not say for how long."""

OK = range(200, 300)
GONE = 410
MAY_ASK = frozenset({429, 503})
OVERLOADED = frozenset({429, 502, 504})

Fate = Literal["delivered", "again", "failed"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator has set."""

    allow_private: bool = False
    ports: frozenset[int] = frozenset({443, 8443})
    timeout_seconds: float = 20.0
    concurrency: int = 200
    per_endpoint: int = 4
    endpoints_max: int = 10
    disable_days: float = 5.0
    keep_days: float = 30.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. Without a `status` nobody answered, and `error` says why; `response` is its beginning."""

    status: int | None = None
    error: str = ""
    response: str = ""
    seconds: float = 0.0
    retry_after: float | None = None
    timed_out: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What follows: `pause` seconds until the next attempt, `quiet` seconds without any to this endpoint; `gone` disables it."""

    fate: Fate
    pause: float = 0.0
    quiet: float = 0.0
    gone: bool = False


def judge(answer: Answer, attempt: int, dice: float) -> Verdict:
    """What follows from the answer to the `attempt`-th attempt of a round (from 1); `dice` in [0, 1) makes the jitter."""
    if answer.status in OK:
        return Verdict(fate="delivered")
    if answer.status == GONE:
        return Verdict(fate="failed", gone=True)
    asked = min(answer.retry_after or 0.0, ASKED_SECONDS_MAX) if answer.status in MAY_ASK else 0.0
    quiet = asked or (THROTTLE_SECONDS if answer.status in OVERLOADED or answer.timed_out else 0.0)
    if attempt >= len(SCHEDULE):
        return Verdict(fate="failed", quiet=quiet)
    pause = SCHEDULE[attempt] * (1 - JITTER + 2 * JITTER * dice)
    return Verdict(fate="again", pause=max(pause, asked), quiet=quiet)


def retry_after(value: str | None, http_now: float, http_date: float | None) -> float | None:
    """Seconds asked for by a Retry-After header: a number, or a date (already read, as `http_date`) after `http_now`."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    return None if http_date is None else max(0.0, http_date - http_now)


def is_hopeless(failing_for: timedelta, limits: Limits) -> bool:
    """Whether an endpoint has failed for so long, without one success, that it is disabled."""
    return failing_for >= timedelta(days=limits.disable_days)
