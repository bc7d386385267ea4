"""The virtual loop's naps are as asyncio's, and faults that are asked for together strike as if each were asked for."""

import asyncio

import pytest

from hub.simulation.loop import VirtualLoop, run
from hub.simulation.nature import Nature
from hub.simulation.process import Process, factory
from hub.simulation.weather import Frozen

FAULTS = ("often", "seldom", "never")
RATES = {"often": 0.05, "seldom": 0.01}


def test_naps_end_in_the_order_of_their_moments() -> None:
    async def main() -> list[tuple[str, float]]:
        nature = Nature(1, {})
        ended: list[tuple[str, float]] = []

        async def nap(name: str, seconds: float) -> None:
            await nature.sleep(seconds)
            ended.append((name, nature.time()))

        await asyncio.gather(nap("late", 3.0), nap("soon", 1.0), nap("none", 0.0), nap("soon too", 1.0))
        return ended

    assert run(main()) == [("none", 0.0), ("soon", 1.0), ("soon too", 1.0), ("late", 3.0)]


def test_a_nap_is_canceled_at_once_and_once() -> None:
    async def main() -> float:
        nature = Nature(1, {})
        task = asyncio.ensure_future(nature.wait("nap", 100.0, 200.0))
        await asyncio.sleep(1)
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return nature.time()

    assert run(main()) == 1.0


def test_what_naps_in_a_process_that_stands_still_goes_on_with_it() -> None:
    async def main() -> tuple[float, float]:
        asyncio.get_running_loop().set_task_factory(factory)  # pyright: ignore[reportArgumentType]  # as the world itself
        nature = Nature(1, {})
        ended: dict[str, float] = {}

        async def nap(name: str) -> None:
            await nature.sleep(1.0)
            ended[name] = nature.time()

        still, other, frozen = Process(nature, "still"), Process(nature, "other"), Frozen()
        tasks = [still.start(nap("still")), other.start(nap("other"))]
        await asyncio.sleep(0.5)
        frozen.stop(still)
        await asyncio.sleep(9.5)
        frozen.go_on(still)
        await asyncio.gather(*tasks)
        return ended["still"], ended["other"]

    assert run(main()) == (10.0, 1.0)


@pytest.mark.parametrize("killed_at", [0.7, 5.0])
def test_what_stands_still_may_be_killed_before_and_after_its_nap_is_over(killed_at: float) -> None:
    async def main() -> tuple[bool, float]:
        asyncio.get_running_loop().set_task_factory(factory)  # pyright: ignore[reportArgumentType]  # as the world itself
        nature = Nature(1, {})
        process, frozen = Process(nature, "still"), Frozen()
        task = process.start(nature.wait("nap", 1.0, 2.0))
        await asyncio.sleep(0.5)
        frozen.stop(process)
        await asyncio.sleep(killed_at - 0.5)
        process.kill("any moment")
        await asyncio.sleep(10.0 - killed_at)
        assert not task.done()
        frozen.go_on(process)
        await asyncio.wait((task,))
        return task.cancelled(), nature.time()

    assert run(main()) == (True, 10.0)


def test_an_error_in_a_callback_ends_the_run() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.call_later(1.0, int, "nothing")
        await asyncio.sleep(2)

    with pytest.raises(ValueError, match="nothing"):
        run(main())


def one_by_one(nature: Nature, times: int) -> list[tuple[int, str]]:
    return [(time, fault) for time in range(times) for fault in FAULTS if nature.strikes(fault)]


def together(nature: Nature, times: int) -> list[tuple[int, str]]:
    spell, struck = nature.spell(), list[tuple[int, str]]()
    for time in range(times):
        if spell.left:
            spell.left -= 1
            continue
        nature.wake(spell, FAULTS)
        struck += [(time, fault) for fault in FAULTS if nature.strikes(fault)]
        nature.rest(spell, FAULTS)
    return struck


def test_faults_that_are_asked_for_together_strike_at_the_same_places() -> None:
    apart = one_by_one(Nature(7, RATES), 5000)
    assert len(apart) > 200
    assert together(Nature(7, RATES), 5000) == apart


def test_new_rates_hold_at_once() -> None:
    nature = Nature(7, {})
    spell = nature.spell()
    nature.wake(spell, FAULTS)
    assert not any(nature.strikes(fault) for fault in FAULTS)
    nature.rest(spell, FAULTS)
    assert spell.left > 1000
    nature.rates = {"often": 1.0}
    assert spell.left == 0
