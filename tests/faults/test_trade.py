"""Vendors that are slow, dead or talk nonsense, a command that kills whoever takes it, and a thousand buyers for fifty units."""

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.faults.buying import Buyers, Refused
from tests.faults.conftest import Proof, Suite
from tests.faults.market import SPOKES, WORKER, Market
from tests.faults.proof import until

SEED = 7
UNITS, WANTED = 50, 1000
pytestmark = pytest.mark.faults


async def test_a_thousand_buyers_for_fifty_units(market: Market, buyers: Buyers, proof: Proof) -> None:
    """While the worker and the broker are killed."""
    await buyers.offer("acme", "hot", stock=UNITS)
    gate = asyncio.Semaphore(16)
    turned_away = 0

    async def one() -> None:
        nonlocal turned_away
        async with gate:
            try:
                await buyers.place((("acme", "hot", 1),))
            except Refused:
                turned_away += 1

    crowd = asyncio.gather(*(one() for _ in range(WANTED)))
    chance = random.Random(SEED)
    while not crowd.done():
        market.kill(WORKER)
        market.broker.kill()
        await asyncio.to_thread(market.broker.start)
        await asyncio.sleep(chance.uniform(3, 6))
    await crowd
    assert (len(buyers.orders), turned_away) == (UNITS, WANTED - UNITS)
    await proof({("18", f"{WANTED} buyers for {UNITS} units"): turned_away})


async def test_a_command_that_kills_whoever_takes_it(market: Market, buyers: Buyers, proof: Proof) -> None:
    """It is given up at its deadline; what the same process does for others goes on between its deaths."""
    before = market.deaths.get(SPOKES, 0)
    await buyers.buy(1, (("acme", "deadly", 1),))
    await buyers.buy(6, (("bolt", "book", 1), ("cedar", "bowl", 1)))
    await until(lambda: market.deaths.get(SPOKES, 0) - before >= 3, market)
    await proof(
        {("17", "command that kills the spokes each time"): market.deaths.get(SPOKES, 0) - before},
        allowed=("completed", "declined", "canceled", "expired"),
    )
    async with market.database.reading() as tx:
        kept = text("SELECT count(*) FROM dead_letters WHERE target = 'acme' AND kind = 'stock.reserve'")
        assert await tx.scalar(kept) == 1


def fault(do: str, more: str = "") -> str:
    return f'[[config.faults]]\ndo = "{do}"\non = "stock.reserve"\n{more}'


TROUBLED = {"slug": fault("slow", "seconds = 30"), "dead": fault("silence"), "liar": fault("garbage")}
HEALTHY = ("acme", "bolt", "cedar", "dora")
MEASURED = 80
WORSE_MAX, NOISE_SECONDS = 2.0, 0.1


@pytest_asyncio.fixture
async def troubled(scratch: Path) -> AsyncIterator[Market]:
    vendors = dict.fromkeys(HEALTHY, "") | TROUBLED
    market = await Market(scratch / "faults-troubled", vendors, orders__reserve_seconds="20").open()
    yield market
    await market.close()


async def test_one_vendor_slow_one_dead_one_talking_nonsense(troubled: Market, suite: Suite) -> None:
    """The others keep the pace they had alone."""
    buyers = Buyers(troubled)
    await _buy_of_healthy(buyers, 8)
    alone = await _p99(troubled, await _buy_of_healthy(buyers, MEASURED))
    trouble = [asyncio.create_task(buyers.buy(8, ((vendor, "mug", 1), ("acme", "mug", 1)))) for vendor in TROUBLED]
    await asyncio.sleep(1)
    beside = await _p99(troubled, await _buy_of_healthy(buyers, MEASURED))
    await asyncio.gather(*trouble)
    assert beside <= max(WORSE_MAX * alone, alone + NOISE_SECONDS), f"p99 {alone:.3f} s alone, {beside:.3f} s beside them"
    async with troubled.database.reading() as tx:
        query = text("SELECT count(*) FROM steps WHERE target = ANY(:troubled) AND kind = 'stock.reserve' AND attempt > 0")
        struck = int(await tx.scalar(query, {"troubled": list(TROUBLED)}))
    name = f"one vendor 30 s slow, one dead, one talking nonsense (p99 of the others {alone * 1000:.0f} ms, then {beside * 1000:.0f} ms)"
    allowed = ("completed", "declined", "canceled", "expired")
    await Proof(suite, troubled, buyers)({("16", name): struck}, allowed=allowed)


async def _buy_of_healthy(buyers: Buyers, count: int) -> list[str]:
    return await buyers.buy(count, [(vendor, "mug", 1) for vendor in HEALTHY], at_once=2)


async def _p99(market: Market, orders: Collection[str]) -> float:
    """Seconds from a command's writing to its answer's, once all have one."""
    ended = text("SELECT count(*) FROM orders WHERE id = ANY(:orders) AND state = 'completed'")
    took = text(
        "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at)) FROM steps"
        " WHERE saga_id = ANY(:orders) AND target = ANY(:healthy) AND kind IN ('stock.reserve', 'orders.submit')"
    )
    for _ in range(300):
        async with market.database.reading() as tx:
            if await tx.scalar(ended, {"orders": list(orders)}) == len(orders):
                return float(await tx.scalar(took, {"orders": list(orders), "healthy": list(HEALTHY)}))
        await asyncio.sleep(0.2)
    raise AssertionError("they did not end in time")
