"""A circuit breaker that is right under asyncio: the await happens outside pybreaker, only outcomes are fed in."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import pybreaker

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Unsupported

T = TypeVar("T")

SOUND = (Rejected, Unsupported, Misconfigured, NeedsReauth)
"""Errors with which a healthy system answers; they say nothing against it."""

TRIAL_RUNNING_POLL = 0.1


class Open(Exception):
    """The breaker lets nothing through for `seconds` more."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"the breaker for {name} is open")
        self.seconds = seconds


class Breaker:
    """Opens after `failures` faults in a row, for `reset` seconds; then one trial decides.

    A canceled call counts for nothing, and so does one that began before the state last changed.
    """

    def __init__(self, name: str, *, failures: int, reset: float) -> None:
        self.name = name
        self._reset = reset
        self._circuit = pybreaker.CircuitBreaker(fail_max=failures, reset_timeout=reset, name=name, throw_new_error_on_trip=False)
        self._era: int = 0
        self._reopens = 0.0
        self._trial = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return self._circuit.current_state

    def closed_for(self) -> float:
        """Seconds until a call may pass; 0 if one may pass now."""
        if self.state == pybreaker.STATE_OPEN:
            return max(0.0, self._reopens - time.monotonic())
        return TRIAL_RUNNING_POLL if self.state == pybreaker.STATE_HALF_OPEN and self._trial else 0.0

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, if it may pass. Raises `Open` if not, and whatever `call` raises."""
        trial = self._admit()
        era = self._era
        try:
            result = await call()
        except Exception as error:
            self._feed(era, failed=not isinstance(error, SOUND))
            raise
        else:
            self._feed(era, failed=False)
            return result
        finally:
            if trial:
                self._trial = False

    def _admit(self) -> bool:
        if (wait := self.closed_for()) > 0:
            raise Open(self.name, wait)
        if self.state == pybreaker.STATE_CLOSED:
            return False
        if self.state == pybreaker.STATE_OPEN:
            self._circuit.half_open()
            self._era += 1
        self._trial = True
        return True

    def _feed(self, era: int, *, failed: bool) -> None:
        if era != self._era:
            return
        before = self.state
        with suppress(AdapterError):
            self._circuit.call(_outcome, failed)
        if self.state != before:
            self._era += 1
            self._reopens = time.monotonic() + self._reset


def _outcome(failed: bool) -> None:  # noqa: FBT001 - pybreaker passes it on by position
    if failed:
        raise AdapterError("fed to the breaker")
