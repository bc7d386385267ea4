"""A vendor whose stream is missing is tried again soon at first, and then ever more seldom, so that it holds up no other."""

import asyncio

from hub.simulation.loop import run
from hub.worker.absence import SECONDS_MAX, SECONDS_MIN, Absence


def test_the_longer_it_is_missing_the_longer_it_is_left_alone() -> None:
    async def story() -> list[float]:
        absence, pauses = Absence(), list[float]()
        for _ in range(12):
            pauses.append(absence.pause("acme"))
            await asyncio.sleep(pauses[-1])
        assert absence.pause("bolt") == SECONDS_MIN, "another vendor's is its own"
        absence.over("acme")
        assert absence.pause("acme") == SECONDS_MIN
        return pauses

    pauses = run(story())
    assert pauses[0] == SECONDS_MIN
    assert pauses == sorted(pauses)
    assert pauses[-1] == SECONDS_MAX
