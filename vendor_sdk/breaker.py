"""A circuit breaker that is right under asyncio: the await happens outside pybreaker, only outcomes are fed in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import pybreaker

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Unsupported, retry_after

T = TypeVar("T")

SOUND = (Rejected, Unsupported, Misconfigured, NeedsReauth)
"""Errors with which a healthy system answers; they say nothing against it."""

TRIAL_RUNNING_POLL = 0.1
ASKED_MAX = 300.0
"""Seconds that a vendor's system may keep us away by its Retry-After; one that says a day has made a mistake."""


class Open(Exception):
    """The breaker lets nothing through for `seconds` more."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"the breaker for {name} is open")
        self.seconds = seconds


class Breaker:
    """Opens after `failures` faults in a row, for `reset` seconds or as long as the system asked; then one trial decides.

    `opened` is told its name whenever it opens. A canceled call counts for nothing, and so does one that began before
    the state last changed.
    """

    def __init__(self, name: str, *, failures: int, reset: float, opened: Callable[[str], None] | None = None) -> None:
        self.name = name
        self._opened = opened
        self._reset = reset
        self._circuit = pybreaker.CircuitBreaker(fail_max=failures, reset_timeout=reset, name=name, throw_new_error_on_trip=False)
        self._era: int = 0
        self._reopens = 0.0
        self._trial = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``: so as soon as a trial may pass, though none has come yet."""
        state = self._circuit.current_state
        return pybreaker.STATE_HALF_OPEN if state == pybreaker.STATE_OPEN and self.closed_for() == 0.0 else state

    def closed_for(self) -> float:
        """Seconds until a call may pass; 0 if one may pass now."""
        if self._circuit.current_state == pybreaker.STATE_OPEN:
            return max(0.0, self._reopens - time.monotonic())
        return TRIAL_RUNNING_POLL if self._trial else 0.0

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, if it may pass. Raises `Open` if not, and whatever `call` raises."""
        trial = self._admit()
        era = self._era
        try:
            result = await call()
        except Exception as error:
            self._feed(era, None if isinstance(error, SOUND) else error)
            raise
        else:
            self._feed(era, None)
            return result
        finally:
            if trial:
                self._trial = False

    def _admit(self) -> bool:
        if (wait := self.closed_for()) > 0:
            raise Open(self.name, wait)
        state = self._circuit.current_state
        if state == pybreaker.STATE_CLOSED:
            return False
        if state == pybreaker.STATE_OPEN:
            self._circuit.half_open()
            self._era += 1
        self._trial = True
        return True

    def _feed(self, era: int, fault: Exception | None) -> None:
        if era != self._era or _is_canceled():
            return
        before = self._circuit.current_state
        with suppress(AdapterError):
            self._circuit.call(_outcome, fault is not None)
        if self._circuit.current_state != before:
            self._era += 1
            self._reopens = time.monotonic() + max(self._reset, min(retry_after(fault), ASKED_MAX))
            if fault is not None and self._opened:
                self._opened(self.name)


def _is_canceled() -> bool:
    """Whether this task is being canceled: what the call then makes of it (an error of its own, say) is no outcome."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0  # codespell:ignore cancelling - asyncio's word


def _outcome(failed: bool) -> None:  # noqa: FBT001 - pybreaker passes it on by position
    if failed:
        raise AdapterError("fed to the breaker")
