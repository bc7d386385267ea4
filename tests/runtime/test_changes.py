"""Hints over a real broker: heard by who waits for them and by nobody else, also by a client that was made later."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from hub.embedded.nats import Nats
from hub.runtime.bus import Bus, BusSettings
from hub.runtime.changes import WAKE, Changes
from tests.broker import sent

PATIENCE = 20.0


class Place:
    """One process: its connection, and what it hears."""

    def __init__(self, url: str) -> None:
        self.bus = Bus(BusSettings(url=url), "test")
        self.changes = Changes(self.bus)
        self.bus.on_connect.append(self.changes.listen)

    async def start(self) -> None:
        await self.bus.start()
        assert await self.bus.connected(PATIENCE)

    async def hears(self, saga_id: str, teller: "Place") -> None:
        """It hears of a change that is told again and again; fails if it never does."""

        async def tell() -> None:
            while True:
                teller.bus.hint(f"hub.changed.{saga_id}")
                await asyncio.sleep(0.05)

        telling = asyncio.create_task(tell())
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.changes.wait(saga_id, PATIENCE)
        telling.cancel()
        assert loop.time() - began < PATIENCE, "nothing was heard"

    @property
    def subscriptions(self) -> int:
        return len(self.bus.nc._subs)  # pyright: ignore[reportPrivateUsage]  # what it would be sent


@pytest_asyncio.fixture
async def nats(tmp_path: Path) -> AsyncGenerator[Nats]:
    server = Nats(tmp_path / "nats", "jetstream {}\n")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_who_waits_hears_and_who_does_not_is_sent_nothing(nats: Nats) -> None:
    waits, works, idle = Place(nats.url), Place(nats.url), Place(nats.url)
    works.changes.heed_wakes()
    for place in (waits, works, idle):
        await place.start()
    await waits.hears("ord_1", teller=idle)
    idle.bus.hint(WAKE)
    async with asyncio.timeout(PATIENCE):
        await works.changes.due.wait()
    await sent(idle.bus.nc)
    assert not waits.changes.due.is_set()
    assert (waits.subscriptions, works.subscriptions, idle.subscriptions) == (1, 1, 0)
    for place in (waits, works, idle):
        await place.bus.close()


async def test_a_worker_that_connected_before_hears_too(nats: Nats) -> None:
    works, tells = Place(nats.url), Place(nats.url)
    await works.start()
    await tells.start()
    works.changes.heed_wakes()
    works.changes.heed_wakes()
    for _ in range(100):
        tells.bus.hint(WAKE)
        if works.changes.due.is_set():
            break
        await asyncio.sleep(0.05)
    assert works.changes.due.is_set()
    assert works.subscriptions == 1
    await works.bus.close()
    await tells.bus.close()


async def test_who_begins_to_wait_while_the_broker_is_away_hears_when_it_is_back(nats: Nats) -> None:
    waits, tells = Place(nats.url), Place(nats.url)
    await waits.start()
    await tells.start()
    client = waits.bus.nc
    await asyncio.to_thread(nats.stop)
    async with asyncio.timeout(PATIENCE):
        while waits.bus.is_connected:  # noqa: ASYNC110  # nats-py's callbacks for it are the bus's own
            await asyncio.sleep(0.01)
    await waits.changes.wait("ord_0", 0.01)
    await asyncio.to_thread(nats.start)
    await waits.hears("ord_1", teller=tells)
    assert waits.bus.nc is client, "the same client is back"
    await waits.bus.close()
    await tells.bus.close()


async def test_the_next_client_hears_what_the_one_before_did(nats: Nats) -> None:
    waits, tells = Place(nats.url), Place(nats.url)
    await waits.start()
    await tells.start()
    await waits.hears("ord_1", teller=tells)
    before = waits.bus.nc
    await before.close()
    assert await waits.bus.connected(PATIENCE)
    assert waits.bus.nc is not before
    await waits.hears("ord_2", teller=tells)
    assert waits.subscriptions == 1
    await waits.bus.close()
    await tells.bus.close()
