"""A circuit breaker that opens when Stripe does not answer, never when it says no."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import pybreaker

from hub.payments.ports import InDoubt, NotSent

T = TypeVar("T")


class Breaker:
    """pybreaker fed with outcomes only, because it does not understand `await`.

    A canceled call is no outcome; while half open one trial runs at a time; what ends after the circuit changed under it
    does not count.
    """

    def __init__(self, name: str, *, fail_max: int = 10, reset_seconds: float = 15.0) -> None:
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=fail_max, reset_timeout=reset_seconds, name=name, state_storage=self._storage, throw_new_error_on_trip=False
        )
        self._trial = False

    def on_change(self, tell: Callable[[str], None]) -> None:
        """From now on tell each new state, at once and from within the call that changed it; `tell` must neither wait nor raise."""
        self._circuit.add_listeners(_Teller(tell))

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return self._circuit.current_state

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result. Raises `NotSent` with the time left while the circuit is open, else what the call raises."""
        trial = self._admit()
        entered = self.state
        try:
            result = await call()
        except (InDoubt, NotSent) as error:
            self._record(entered, error)
            raise
        except Exception:
            self._record(entered, None)  # a refusal is an answer
            raise
        else:
            self._record(entered, None)
            return result
        finally:
            if trial:
                self._trial = False

    def _admit(self) -> bool:
        if self.state == pybreaker.STATE_OPEN:
            if (left := self._seconds_left()) > 0:
                raise NotSent("the payment provider is not answering", retry_after=left)
            self._circuit.half_open()
        if self.state != pybreaker.STATE_HALF_OPEN:
            return False
        if self._trial:
            raise NotSent("the payment provider is being tried", retry_after=1.0)
        self._trial = True
        return True

    def _seconds_left(self) -> float:
        opened = self._storage.opened_at
        # pybreaker stamps the opening with the machine's clock, so only that clock can be compared with it.
        now = datetime.now(UTC)  # noqa: TID251  # a call over the wire lives by the real clock
        return 0.0 if opened is None else self._circuit.reset_timeout - (now - opened).total_seconds()

    def _record(self, entered: str, error: Exception | None) -> None:
        if self.state != entered:
            return
        if error is None:
            self._circuit.call(lambda: None)
            return
        try:
            self._circuit.call(_raise, error)
        except (InDoubt, NotSent):
            return


class _Teller(pybreaker.CircuitBreakerListener):
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def state_change(
        self, cb: pybreaker.CircuitBreaker, old_state: pybreaker.CircuitBreakerState | None, new_state: pybreaker.CircuitBreakerState
    ) -> None:
        del cb, old_state
        self._tell(new_state.name)


def _raise(error: Exception) -> None:
    raise error
