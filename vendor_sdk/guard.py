"""Everything that stands around a call into an adapter: deadline → retry → limiter → breaker → error translation."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential, wait_random

from vendor_sdk.breaker import Breaker
from vendor_sdk.errors import AdapterError, Retry, Unsupported, retry_after

T = TypeVar("T")
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Count = Annotated[int, Meta(ge=1, le=10_000)]


class Own(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different for one capability; what is not named is as for all."""

    timeout: Seconds | None = None
    attempts: Count | None = None
    wait_first: Seconds | None = None
    wait_max: Seconds | None = None
    max_concurrency: Count | None = None
    breaker_failures: Count | None = None
    breaker_reset: Seconds | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patient the guard is; times in seconds.

    `timeout` bounds one call, `attempts` counts calls per delivery of a command, waiting from `wait_first` up to
    `wait_max` between them. `max_concurrency` bounds one capability's calls at once. `breaker_failures` faults in a row
    stop a capability for `breaker_reset`. `stock`, `orders`, `shipping` and `returns` say where one of them differs.
    """

    timeout: Seconds = 10.0
    attempts: Count = 3
    wait_first: Seconds = 0.2
    wait_max: Seconds = 5.0
    max_concurrency: Count = 16
    breaker_failures: Count = 5
    breaker_reset: Seconds = 10.0
    stock: Own = Own()
    orders: Own = Own()
    shipping: Own = Own()
    returns: Own = Own()

    def of(self, capability: str) -> "Limits":
        """The limits of one capability."""
        own = msgspec.structs.asdict(getattr(self, capability, Own()))
        return msgspec.structs.replace(self, **{name: value for name, value in own.items() if value is not None})


class Guard:
    """Calls an adapter so that its troubles stay its own."""

    def __init__(self, limits: Limits, capabilities: Collection[str], *, opened: Callable[[str], None] | None = None) -> None:
        """`opened` is told the capability whose breaker opens."""
        self._limits = {name: limits.of(name) for name in capabilities}
        self._slots = {name: asyncio.Semaphore(own.max_concurrency) for name, own in self._limits.items()}
        """Each capability has its own: one that hangs leaves room for the others."""
        self._breakers = {
            name: Breaker(name, failures=own.breaker_failures, reset=own.breaker_reset, opened=opened) for name, own in self._limits.items()
        }

    @property
    def states(self) -> dict[str, str]:
        """Each capability's breaker state."""
        return {name: breaker.state for name, breaker in self._breakers.items()}

    def closed_for(self, capability: str) -> float:
        """Seconds until a capability lets a call through; 0 if it does, and for one that the adapter has not."""
        breaker = self._breakers.get(capability)
        return 0.0 if breaker is None else breaker.closed_for()

    async def call(self, capability: str, call: Callable[[], Awaitable[T]], *, seconds: float | None = None) -> T:
        """The result of `call`, within `seconds`, asked again where that can help.

        Raises `AdapterError` (nothing else from the adapter passes) or `vendor_sdk.breaker.Open`.
        """
        if capability not in self._breakers:
            raise Unsupported(f"this adapter has no {capability}")
        ends = None if seconds is None else time.monotonic() + seconds
        limits = self._limits[capability]
        backoff = wait_exponential(multiplier=limits.wait_first, max=limits.wait_max) + wait_random(0, limits.wait_first)
        retrying = AsyncRetrying(
            stop=lambda state: _gives_up(state, limits, ends),
            wait=lambda state: max(backoff(state), retry_after(state.outcome.exception() if state.outcome else None)),
            retry=retry_if_exception(lambda error: isinstance(error, AdapterError) and error.retryable),
            reraise=True,
        )
        try:
            async with asyncio.timeout(seconds):
                return await retrying(self._once, capability, call)
        except TimeoutError:
            raise Retry("the deadline passed during the call") from None

    async def _once(self, capability: str, call: Callable[[], Awaitable[T]]) -> T:
        """The slot comes first: who waited for one while the breaker opened must not pass it."""
        async with self._slots[capability]:
            return await self._breakers[capability].run(lambda: translated(call, timeout=self._limits[capability].timeout))


def _gives_up(state: RetryCallState, limits: Limits, ends: float | None) -> bool:
    """Enough calls, or the next would come too late, or so late that it is better asked by redelivery."""
    if state.attempt_number >= limits.attempts or state.upcoming_sleep > limits.wait_max * 2:
        return True
    return ends is not None and time.monotonic() + state.upcoming_sleep >= ends


async def translated(call: Callable[[], Awaitable[T]], *, timeout: float) -> T:  # noqa: ASYNC109 - the bound is the point
    """The result of `call`; whatever it raises becomes an `AdapterError`.

    Time-outs and network errors are `Retry`; any other foreign exception is a fault of the adapter, code ``failed``.
    """
    try:
        async with asyncio.timeout(timeout):
            return await call()
    except AdapterError:
        raise
    except TimeoutError as error:
        raise Retry(f"no answer within {timeout:g} s") from error
    except OSError as error:
        raise Retry(f"{type(error).__name__}: {error}") from error
    except Exception as error:
        raise AdapterError(f"{type(error).__name__}: {error}") from error
