"""The breaker under concurrency: trips, lets one trial through, hears nothing from cancellations and stragglers."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from vendor_sdk.breaker import Breaker, Open
from vendor_sdk.errors import Misconfigured, NeedsReauth, Rejected, Retry, Unsupported

Call = Callable[[], Awaitable[str]]


def failing(error: Exception) -> Call:
    async def call() -> str:
        raise error

    return call


async def fine() -> str:
    return "fine"


def after(gate: asyncio.Event, then: Call) -> Call:
    async def call() -> str:
        await gate.wait()
        return await then()

    return call


async def tripped(*, failures: int = 2, reset: float = 0.1) -> Breaker:
    breaker = Breaker("stock", failures=failures, reset=reset)
    for _ in range(failures):
        with pytest.raises(Retry):
            await breaker.run(failing(Retry("busy")))
    assert breaker.state == "open"
    return breaker


async def test_faults_in_a_row_open_it() -> None:
    breaker = Breaker("stock", failures=2, reset=5.0)
    with pytest.raises(Retry):
        await breaker.run(failing(Retry("busy")))
    await breaker.run(fine)
    with pytest.raises(Retry):
        await breaker.run(failing(Retry("busy")))
    assert breaker.state == "closed"
    with pytest.raises(Retry):
        await breaker.run(failing(Retry("busy")))
    with pytest.raises(Open) as caught:
        await breaker.run(fine)
    assert 4.5 < caught.value.seconds <= 5.0


@pytest.mark.parametrize("error", [Rejected("no", reason="sold_out"), Unsupported("no"), Misconfigured("no"), NeedsReauth("no")])
async def test_a_sound_systems_errors_do_not_open_it(error: Exception) -> None:
    breaker = Breaker("stock", failures=1, reset=5.0)
    with pytest.raises(type(error)):
        await breaker.run(failing(error))
    assert breaker.state == "closed"


async def test_one_trial_passes_of_many_at_once() -> None:
    breaker, gate, began = await tripped(), asyncio.Event(), 0

    async def trial() -> str:
        nonlocal began
        began += 1
        await gate.wait()
        return "fine"

    await asyncio.sleep(0.12)
    calls = [asyncio.ensure_future(breaker.run(trial)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert began == 1
    assert sum(isinstance(result, Open) for result in results) == 19
    assert breaker.state == "closed"


async def test_a_failed_trial_opens_it_again() -> None:
    breaker = await tripped()
    await asyncio.sleep(0.12)
    with pytest.raises(Retry):
        await breaker.run(failing(Retry("still busy")))
    assert breaker.state == "open"
    assert breaker.closed_for() > 0.05


async def test_a_canceled_trial_counts_for_nothing() -> None:
    breaker = await tripped()
    await asyncio.sleep(0.12)
    trial = asyncio.ensure_future(breaker.run(after(asyncio.Event(), fine)))
    await asyncio.sleep(0)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert breaker.state == "half-open"
    assert await breaker.run(fine) == "fine"
    assert breaker.state == "closed"


async def test_canceled_calls_do_not_open_it() -> None:
    breaker = Breaker("stock", failures=1, reset=5.0)
    calls = [asyncio.ensure_future(breaker.run(after(asyncio.Event(), fine))) for _ in range(3)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert breaker.state == "closed"


async def test_a_cancel_turned_into_an_error_does_not_open_it() -> None:
    """As some libraries do on the way out."""
    breaker = Breaker("stock", failures=1, reset=5.0)

    async def turned() -> str:
        try:
            return await after(asyncio.Event(), fine)()
        except asyncio.CancelledError:
            raise ConnectionResetError("aborted") from None

    call = asyncio.ensure_future(breaker.run(turned))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(ConnectionResetError):
        await call
    assert breaker.state == "closed"


async def test_canceled_calls_between_faults_neither_add_to_them_nor_end_their_row() -> None:
    breaker = Breaker("stock", failures=3, reset=5.0)
    for wanted in ("closed", "closed", "open"):
        with pytest.raises(Retry):
            await breaker.run(failing(Retry("busy")))
        assert breaker.state == wanted
        if wanted == "closed":
            call = asyncio.ensure_future(breaker.run(after(asyncio.Event(), fine)))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)


async def test_ready_for_a_trial_is_half_open_before_anything_is_asked() -> None:
    """Offers hidden while it is open must show again, or no order would ever be its trial."""
    breaker = await tripped()
    await asyncio.sleep(0.12)
    assert (breaker.state, breaker.closed_for()) == ("half-open", 0.0)


async def test_the_system_may_ask_for_a_longer_pause_within_reason() -> None:
    for asked, seconds in ((40.0, 40.0), (2.0, 5.0), (86_400.0, 300.0)):
        breaker = Breaker("stock", failures=1, reset=5.0)
        with pytest.raises(Retry):
            await breaker.run(failing(Retry("later", retry_after=asked)))
        assert seconds - 1 < breaker.closed_for() <= seconds


@pytest.mark.parametrize("ends_well", [True, False])
@pytest.mark.parametrize("meanwhile", ["open", "half-open", "closed"])
async def test_a_straggler_is_not_heard(*, ends_well: bool, meanwhile: str) -> None:
    """It began before the breaker opened; whatever has become of the breaker since, its end says nothing of now."""
    breaker, gate, trial = Breaker("stock", failures=1, reset=0.1), asyncio.Event(), asyncio.Event()
    straggler = asyncio.ensure_future(breaker.run(after(gate, fine if ends_well else failing(Retry("late")))))
    await asyncio.sleep(0)
    with pytest.raises(Retry):
        await breaker.run(failing(Retry("busy")))
    trying = asyncio.ensure_future(asyncio.sleep(0.05, ""))
    if meanwhile != "open":
        await asyncio.sleep(0.12)
        trying = asyncio.ensure_future(breaker.run(after(trial, fine)))
        await asyncio.sleep(0)
    if meanwhile == "closed":
        trial.set()
        await trying
    before = breaker.closed_for()
    gate.set()
    [ended] = await asyncio.gather(straggler, return_exceptions=True)
    assert ended == "fine" if ends_well else isinstance(ended, Retry)
    assert breaker.state == meanwhile
    assert breaker.closed_for() <= before
    trial.set()
    await trying
