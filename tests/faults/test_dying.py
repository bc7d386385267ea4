"""Processes that die at random, stand still and come back, and a database that is aborted again and again."""

import asyncio
import random
import signal

import pytest

from tests.faults.buying import Buyers, meanwhile
from tests.faults.conftest import Proof
from tests.faults.market import API, PROVIDER, SECOND, SPOKES, WORKER, Market
from tests.faults.points import Point, lay
from tests.faults.proof import settled, strikes, until
from tests.faults.proxy import Moment, Proxy, Trap

SEED = 3
STOPPED = "worker stopped past its lease"
pytestmark = pytest.mark.faults


async def test_any_process_dies_at_any_moment(market: Market, buyers: Buyers, proof: Proof) -> None:
    chance = random.Random(SEED)
    market.down.discard(SECOND)

    async def strike() -> bool:
        return market.kill(chance.choice([WORKER, SECOND, API, SPOKES, PROVIDER]))

    struck = await meanwhile(buyers.buy(40, at_once=2), strike, 12, (0.5, 2.0))
    await proof({("1", "API, workers, spokes, provider killed at random"): struck})


@pytest.mark.parametrize(
    "point",
    [
        Point("3a", f"{STOPPED}: captured, not recorded", WORKER, "worker_provider", rb"/capture", Moment.ANSWERED),
        Point("3b", f"{STOPPED}: transfer under way", WORKER, "worker_provider", rb"POST /v1/transfers", Moment.BEFORE),
        Point("3c", f"{STOPPED}: command under way", WORKER, "worker_broker", rb"PUB cmd\.", Moment.BEFORE),
        Point("3d", f"{STOPPED}: in a transaction", WORKER, "worker_database", rb"INSERT INTO ledger_postings", Moment.AFTER),
    ],
    ids=lambda point: point.number,
)
async def test_a_worker_that_stands_still_until_another_has_done_its_work(
    market: Market, buyers: Buyers, proof: Proof, point: Point
) -> None:
    """The last one waits until PostgreSQL itself ends what it left standing."""
    market.kill(WORKER)  # a new one prepares its statements anew, so that they pass by name
    await market.ready()
    trap = lay(market, point, how=signal.SIGSTOP)
    await buyers.buy(8)
    await until(lambda: trap.struck == 1, market)
    market.down.discard(SECOND)
    await settled(market, buyers.orders, hurry=point.number != "3d")
    market.signal(WORKER, signal.SIGCONT)
    await asyncio.sleep(3)
    await buyers.buy(2)
    await proof({(point.number, point.name): trap.struck})


async def test_a_database_that_is_aborted_again_and_again(market: Market, buyers: Buyers, proof: Proof) -> None:
    async def strike() -> bool:
        await asyncio.to_thread(market.postgres.restart_immediate)
        return True

    async def place_all_the_while() -> None:
        for _ in range(30):
            await buyers.buy(1)
            await asyncio.sleep(0.4)

    struck = await meanwhile(place_all_the_while(), strike, 6, (1.0, 3.0))
    assert buyers.asked_again > 0, "customers did not notice"
    await market.ready()
    await proof({("11", "PostgreSQL restarted immediate"): struck})


def unheard(proxy: Proxy, pattern: bytes, rate: float) -> Trap:
    return proxy.trap(Trap(pattern, moment=Moment.ANSWERED, times=1000, rate=rate, chance=random.Random(SEED)))


async def test_everything_is_done_and_times_out(market: Market, buyers: Buyers, proof: Proof) -> None:
    """A tenth of all effects happen, and whoever asked for them never hears."""
    traps = {
        ("15a", "COMMIT done, worker not told"): unheard(market.worker_database, rb"COMMIT;", 0.1),
        ("15b", "COMMIT done, API not told"): unheard(market.api_database, rb"COMMIT;", 0.1),
        ("15c", "command published, worker not told"): unheard(market.worker_broker, rb"PUB cmd\.", 0.1),
        ("15d", "event published, spokes not told"): unheard(market.spokes_broker, rb"PUB evt\.", 0.1),
        ("15e", "paid, worker not told"): unheard(market.worker_provider, rb"POST /v1/", 0.1),
    }
    vendors = market.folder / "spoke-data"
    before = strikes(vendors, "unheard")
    await buyers.buy(30, (("acme", "unheard", 1), ("bolt", "book", 1)), at_once=3)
    await until(lambda: all(trap.struck for trap in traps.values()) and strikes(vendors, "unheard") > before, market)
    await asyncio.sleep(10)
    struck = {name: trap.struck for name, trap in traps.items()}
    await proof(struck | {("15f", "vendor has done it, spokes not told"): strikes(vendors, "unheard") - before})
