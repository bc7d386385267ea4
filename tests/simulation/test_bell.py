"""Who waits to be woken: by a bell, by a moment, or by neither."""

import asyncio

import pytest

from hub.simulation.alarm import Bell
from hub.simulation.loop import run
from hub.simulation.nature import Nature
from hub.simulation.process import Process, factory
from hub.simulation.weather import Frozen


def test_whoever_has_waited_longest_is_woken_and_nobody_in_vain() -> None:
    async def main() -> dict[str, float]:
        nature, woken = Nature(1, {}), dict[str, float]()
        bell = Bell(nature)

        async def wait(name: str, most: float) -> None:
            await bell.wait(most)
            woken[name] = nature.time()

        tasks = [asyncio.ensure_future(wait(name, most)) for name, most in (("gone", 100), ("impatient", 1), ("first", 100), ("last", 100))]
        await asyncio.sleep(2)
        tasks[0].cancel()
        await asyncio.sleep(0)
        bell.ring()
        await asyncio.sleep(0)
        await asyncio.wait(tasks)
        return woken

    assert run(main()) == {"impatient": 1.0, "first": 2.0, "last": 100.0}


def test_a_nap_ends_once_whatever_ends_it() -> None:
    async def main() -> list[bool]:
        nature = Nature(1, {})
        over, ended, canceled = (nature.nap(seconds) for seconds in (1.0, 9.0, 9.0))

        async def wait(nap: object) -> None:
            await nap  # pyright: ignore[reportGeneralTypeIssues]  # as asyncio's tasks do

        tasks = [asyncio.ensure_future(wait(nap)) for nap in (over, ended, canceled)]
        await asyncio.sleep(2)
        tasks[2].cancel()
        said = [nap.end() for nap in (over, ended, ended, canceled)]
        late = ended.cancel()
        await asyncio.gather(*tasks[:2])
        assert nature.time() == 2.0
        return [*said, late]

    assert run(main()) == [False, True, False, False, False]


def test_a_nap_may_end_in_the_very_moment_in_which_it_is_over() -> None:
    async def main() -> int:
        nature, woken = Nature(1, {}), list[float]()
        nap = nature.nap(1.0)

        async def wait() -> None:
            await nap
            woken.append(nature.time())

        asyncio.get_running_loop().call_later(1.0, nap.end)  # set before, so it comes first
        await asyncio.gather(wait(), asyncio.sleep(1.0))
        await asyncio.sleep(5)
        return len(woken)

    assert run(main()) == 1


def test_who_is_killed_when_it_was_just_woken_does_nothing_more() -> None:
    async def main() -> list[str]:
        nature, done = Nature(1, {}), list[str]()
        bell = Bell(nature)

        async def wait() -> None:
            await bell.wait(100)
            done.append("woken")

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(1)
        bell.ring()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return done

    assert run(main()) == []


def test_who_stands_still_hears_the_bell_when_it_goes_on() -> None:
    async def main() -> list[float]:
        asyncio.get_running_loop().set_task_factory(factory)  # pyright: ignore[reportArgumentType]  # as the world itself
        nature, woken = Nature(1, {}), list[float]()
        bell, process, frozen = Bell(nature), Process(nature, "still"), Frozen()

        async def wait() -> None:
            await bell.wait(100)
            woken.append(nature.time())

        process.start(wait())
        await asyncio.sleep(1)
        frozen.stop(process)
        bell.ring()
        await asyncio.sleep(4)
        frozen.go_on(process)
        await asyncio.sleep(0)
        return woken

    assert run(main()) == [5.0]
