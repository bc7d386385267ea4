"""Stripe's rate limits kept from our side: a token bucket per endpoint."""

import asyncio
from collections.abc import Callable

from hub.payments.ports import NotSent

WAIT_SECONDS_MAX = 2.0
"""Longer queues are better kept in the step outbox than in memory."""


class Pace:
    """At most `rate` calls a second per endpoint, with bursts of one second's worth. `rate` None is no limit."""

    def __init__(self, rate: float | None, *, seconds: Callable[[], float], longest: float = WAIT_SECONDS_MAX) -> None:
        self._rate = rate
        self._seconds = seconds
        self._longest = longest
        self._free_at: dict[str, float] = {}

    async def wait(self, endpoint: str) -> None:
        """Wait for this call's turn. Raises `NotSent` if the turn is too far away."""
        if self._rate is None:
            return
        now = self._seconds()
        turn = max(self._free_at.get(endpoint, 0.0), now - 1.0)
        delay = turn - now
        if delay > self._longest:
            raise NotSent("too many calls to the payment provider at once", retry_after=delay)
        self._free_at[endpoint] = turn + 1.0 / self._rate
        if delay > 0:
            await asyncio.sleep(delay)
