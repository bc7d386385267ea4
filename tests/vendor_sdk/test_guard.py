"""The guard: what is asked again and what is not, when it gives up, and into what it turns foreign errors."""

import asyncio
import time

import pytest

from vendor_sdk.breaker import Open
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry, Unsupported
from vendor_sdk.guard import Guard, Limits, Own

QUICK = Limits(timeout=0.5, attempts=3, wait_first=0.01, wait_max=0.5, breaker_failures=100)


class Flaky:
    """Raises these errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_a_busy_system_is_asked_again() -> None:
    flaky = Flaky(Retry("busy"), ConnectionResetError("gone"))
    assert await Guard(QUICK, ["stock"]).call("stock", flaky) == "done"
    assert flaky.calls == 3


async def test_it_gives_up_after_so_many_attempts() -> None:
    flaky = Flaky(*(Retry("busy") for _ in range(9)))
    with pytest.raises(Retry, match="busy"):
        await Guard(QUICK, ["stock"]).call("stock", flaky)
    assert flaky.calls == 3


@pytest.mark.parametrize("error", [Rejected("no", reason="gone"), Unsupported("no"), Misconfigured("no"), NeedsReauth("no")])
async def test_what_asking_again_cannot_help_is_not_asked_again(error: AdapterError) -> None:
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        await Guard(QUICK, ["stock"]).call("stock", flaky)
    assert flaky.calls == 1


async def test_retry_after_is_honored() -> None:
    began = time.monotonic()
    assert await Guard(QUICK, ["stock"]).call("stock", Flaky(Retry("later", retry_after=0.3))) == "done"
    assert time.monotonic() - began >= 0.3


async def test_a_long_retry_after_is_left_to_redelivery() -> None:
    flaky = Flaky(Retry("much later", retry_after=60))
    with pytest.raises(Retry) as caught:
        await Guard(QUICK, ["stock"]).call("stock", flaky)
    assert flaky.calls == 1
    assert caught.value.retry_after == 60


async def test_no_answer_in_time_is_asked_again() -> None:
    calls = 0

    async def slow_then_quick() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(10)
        return "done"

    assert await Guard(Limits(timeout=0.05, wait_first=0.01), ["stock"]).call("stock", slow_then_quick) == "done"


async def test_the_deadline_ends_it() -> None:
    began = time.monotonic()
    with pytest.raises(Retry):
        await Guard(Limits(timeout=10, wait_first=0.01), ["stock"]).call("stock", lambda: asyncio.sleep(10), seconds=0.1)
    assert time.monotonic() - began < 1


async def test_an_open_breaker_is_not_asked_again_and_is_per_capability() -> None:
    guard = Guard(Limits(attempts=1, breaker_failures=1, breaker_reset=9), ["stock", "orders"])
    with pytest.raises(Retry):
        await guard.call("stock", Flaky(Retry("busy")))
    flaky = Flaky()
    with pytest.raises(Open):
        await guard.call("stock", flaky)
    assert flaky.calls == 0
    assert await guard.call("orders", flaky) == "done"
    assert guard.states == {"stock": "open", "orders": "closed"}
    assert guard.closed_for("stock") > 8
    assert guard.closed_for("orders") == guard.closed_for("shipping") == 0


async def test_a_foreign_exception_is_a_fault_of_the_adapter() -> None:
    flaky = Flaky(KeyError("total"))
    with pytest.raises(AdapterError, match="KeyError: 'total'") as caught:
        await Guard(QUICK, ["stock"]).call("stock", flaky)
    assert (caught.value.code, caught.value.retryable, flaky.calls) == ("failed", False, 1)


async def test_a_missing_capability_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        await Guard(QUICK, ["stock"]).call("shipping", Flaky())


async def test_no_more_calls_at_once_than_allowed() -> None:
    now, most = 0, 0

    async def count() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    guard = Guard(Limits(max_concurrency=3), ["stock"])
    await asyncio.gather(*(guard.call("stock", count) for _ in range(12)))
    assert most == 3


async def test_who_waited_for_a_slot_while_the_breaker_opened_does_not_pass_it() -> None:
    guard = Guard(Limits(max_concurrency=1, attempts=1, breaker_failures=1, breaker_reset=9), ["stock"])
    calls = 0

    async def busy() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        raise Retry("busy")

    results = await asyncio.gather(*(guard.call("stock", busy) for _ in range(5)), return_exceptions=True)
    assert calls == 1
    assert [type(result) for result in results] == [Retry, *[Open] * 4]


async def test_each_capability_may_have_limits_of_its_own() -> None:
    limits = Limits(attempts=1, breaker_failures=3, breaker_reset=9, orders=Own(breaker_failures=1, breaker_reset=77, timeout=0.05))
    guard = Guard(limits, ["stock", "orders"])
    for capability in ("stock", "orders"):
        with pytest.raises(Retry):
            await guard.call(capability, Flaky(Retry("busy")))
    assert guard.states == {"stock": "closed", "orders": "open"}
    assert guard.closed_for("orders") > 70
    impatient = Guard(Limits(attempts=1, orders=Own(timeout=0.05)), ["orders"])
    with pytest.raises(Retry, match=r"0\.05"):
        await asyncio.wait_for(impatient.call("orders", lambda: asyncio.sleep(10)), 2)


async def test_our_own_impatience_is_no_fault_of_the_vendors() -> None:
    """A deadline that passes cancels the call; only its own time-out counts."""
    guard = Guard(Limits(timeout=10, breaker_failures=1), ["stock"])
    for _ in range(3):
        with pytest.raises(Retry, match="deadline"):
            await guard.call("stock", lambda: asyncio.sleep(10), seconds=0.02)
    assert guard.states == {"stock": "closed"}


async def test_a_capability_that_hangs_leaves_room_for_the_others() -> None:
    guard = Guard(Limits(max_concurrency=1), ["stock", "orders"])
    hanging = asyncio.ensure_future(guard.call("stock", lambda: asyncio.sleep(10)))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(guard.call("orders", Flaky()), 1) == "done"
    hanging.cancel()


async def test_business_errors_in_a_row_leave_the_breaker_closed() -> None:
    """Not one of the five words of an adapter that answers says anything against its system; only `Retry` and foreign errors do."""
    guard = Guard(Limits(attempts=1, breaker_failures=2), ["stock"])
    for error in (Rejected("no", reason="gone"), Unsupported("no"), Misconfigured("no"), NeedsReauth("no")) * 2:
        with pytest.raises(type(error)):
            await guard.call("stock", Flaky(error))
    assert guard.states == {"stock": "closed"}
    for error in (Retry("busy"), KeyError("total")):
        with pytest.raises(AdapterError):
            await guard.call("stock", Flaky(error))
    assert guard.states == {"stock": "open"}


async def test_pauses_grow_and_differ() -> None:
    """Or all spokes that a fault struck at once would come back at once."""
    pauses: list[float] = []
    for _ in range(2):
        at: list[float] = []

        async def busy(at: list[float] = at) -> str:
            at.append(time.monotonic())
            raise Retry("busy")

        limits = Limits(attempts=3, wait_first=0.05, wait_max=1, breaker_failures=100)
        with pytest.raises(Retry):
            await Guard(limits, ["stock"]).call("stock", busy)
        assert at[1] - at[0] >= 0.05
        assert at[2] - at[1] >= 0.1
        pauses += [at[1] - at[0], at[2] - at[1]]
    assert abs(pauses[0] - pauses[2]) > 1e-4 or abs(pauses[1] - pauses[3]) > 1e-4


async def test_a_breaker_that_opens_meanwhile_ends_the_asking() -> None:
    flaky = Flaky(*(Retry("busy") for _ in range(9)))
    with pytest.raises(Open):
        await Guard(Limits(attempts=9, wait_first=0.001, breaker_failures=2, breaker_reset=9), ["stock"]).call("stock", flaky)
    assert flaky.calls == 2


async def test_cancellation_passes_through() -> None:
    task = asyncio.ensure_future(Guard(QUICK, ["stock"]).call("stock", lambda: asyncio.sleep(10)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
