"""Vendors that are slow, dead or talk nonsense, a command that kills whoever takes it, and a thousand buyers for fifty units."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import RowMapping, text

from tests.faults.buying import Buyers, Refused
from tests.faults.conftest import Proof, Suite
from tests.faults.market import API, SPOKES, WORKER, Market
from tests.faults.proof import until

SEED = 7
UNITS, WANTED = 50, 1000
pytestmark = pytest.mark.faults


async def test_a_thousand_buyers_for_fifty_units(market: Market, buyers: Buyers, proof: Proof) -> None:
    """While the API, the worker, the spokes and the broker are killed."""
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
    chance, killed = random.Random(SEED), 0
    while not crowd.done():
        killed += market.kill(chance.choice([API, WORKER, SPOKES]))
        killed += market.kill("broker")
        market.broker.kill()
        await asyncio.to_thread(market.broker.start)
        await asyncio.sleep(chance.uniform(3, 6))
    await crowd
    assert (len(buyers.orders), turned_away) == (UNITS, WANTED - UNITS)
    await proof({("18", f"{WANTED} buyers for {UNITS} units; API, worker, spokes, broker killed meanwhile"): killed})


def fault(do: str, more: str = "") -> str:
    return f'[[config.faults]]\ndo = "{do}"\non = "stock.reserve"\n{more}'


TROUBLED = {"slug": fault("slow", "seconds = 30"), "dead": fault("silence"), "liar": fault("garbage")}
HEALTHY = ("acme", "bolt", "cedar", "dora")
MEASURED, PACE_SECONDS, PACE_SECONDS_MAX = 50, 0.4, 1.5
"""Orders, and how far apart at least and at most: half of what the machine can do just now, or the queue would be measured."""
TRIED = 8
WORSE_MAX, NOISE_SECONDS, PAUSE_SECONDS = 2.0, 0.2, 1.0
"""A pause of the machine is in the p99 of one half of the orders, not of both; who waits for the slow vendor waits long, all the time."""
NONSENSE = 8
"""Orders of each troubled vendor."""
RESERVE_SECONDS = 20
ENDED = ("completed", "declined", "canceled", "expired")
DOOMED, OTHERS, DEATHS = 1, 6, 3


@pytest_asyncio.fixture(scope="module")
async def impatient(scratch: Path) -> AsyncIterator[Market]:
    """A market that gives a vendor less time to answer, so that a test need not wait for long."""
    vendors = dict.fromkeys(HEALTHY, "") | TROUBLED | {"deadly": fault("crash", 'sku = "deadly"')}
    market = await Market(scratch / "faults-impatient", vendors, orders__reserve_seconds=str(RESERVE_SECONDS)).open()
    yield market
    await market.close()


async def test_one_vendor_slow_one_dead_one_talking_nonsense(impatient: Market, suite: Suite) -> None:
    """The others keep the pace they had alone; the nonsense is kept for triage."""
    market, buyers = impatient, Buyers(impatient)
    pace = await _pace(market, buyers)
    alone = await _p99(market, await _buy_of_healthy(buyers, MEASURED, pace))
    trouble = await asyncio.gather(*(buyers.buy(NONSENSE, ((vendor, "mug", 1), ("acme", "mug", 1))) for vendor in TROUBLED))
    await _answered(market, "acme", [order for orders in trouble for order in orders])  # so many at once are a queue of their own
    placed = await _buy_of_healthy(buyers, MEASURED, pace)
    beside = await _p99(market, placed)
    halves = [await _p99(market, placed[: MEASURED // 2]), await _p99(market, placed[MEASURED // 2 :])]
    said = f"p99 {alone:.3f} s alone, {beside:.3f} s beside them, {halves} by halves"
    assert min(halves) <= max(WORSE_MAX * alone, alone + NOISE_SECONDS), said
    assert beside <= max(WORSE_MAX * alone, alone + PAUSE_SECONDS), said
    async with market.database.reading() as tx:
        query = text("SELECT count(*) FROM steps WHERE target = ANY(:troubled) AND kind = 'stock.reserve' AND attempt > 0")
        struck = int(await tx.scalar(query, {"troubled": list(TROUBLED)}))
    name = f"one vendor 30 s slow, one dead, one talking nonsense (p99 of the others {alone * 1000:.0f} ms, then {beside * 1000:.0f} ms)"
    await Proof(suite, market, buyers)({("16", name): struck}, allowed=ENDED)
    letters = await _letters(market, "liar")
    assert [letter["kind"] for letter in letters] == ["stock.reserve"] * NONSENSE
    assert any(letter["reason"] != "deadline" for letter in letters), "nobody noticed the nonsense"


async def _pace(market: Market, buyers: Buyers) -> float:
    """Seconds between two orders, by what some take that are placed at once; those before them have warmed everything up."""
    await _p99(market, await _buy_of_healthy(buyers, TRIED, PACE_SECONDS))
    began = time.monotonic()
    await _p99(market, await _buy_of_healthy(buyers, TRIED, 0))
    return min(PACE_SECONDS_MAX, max(PACE_SECONDS, 2 * (time.monotonic() - began) / TRIED))


async def _buy_of_healthy(buyers: Buyers, count: int, pace: float) -> list[str]:
    lines = [(vendor, "mug", 1) for vendor in HEALTHY]
    for vendor, sku, _ in lines:
        await buyers.offer(vendor, sku)
    placing: list[asyncio.Task[str]] = []
    for _ in range(count):
        placing.append(asyncio.create_task(buyers.place(lines)))
        await asyncio.sleep(pace)
    return await asyncio.gather(*placing)


async def _answered(market: Market, vendor: str, orders: Sequence[str]) -> None:
    """Wait until a vendor has answered all that it was asked for these orders."""
    waits = text("SELECT count(*) FROM steps WHERE saga_id = ANY(:orders) AND target = :vendor AND state = 'open'")
    for _ in range(100):
        async with market.database.reading() as tx:
            if await tx.scalar(waits, {"orders": list(orders), "vendor": vendor}) == 0:
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{vendor} did not answer in time")


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


async def test_a_command_that_kills_whoever_takes_it(impatient: Market, suite: Suite) -> None:
    """It is given up at its deadline and kept whole; what the same process does for others goes on between its deaths.

    Nobody replays it in time, so its order is unwound, and its letter says so.
    """
    market, buyers = impatient, Buyers(impatient)
    before = market.deaths.get(SPOKES, 0)
    doomed = await buyers.buy(DOOMED, (("deadly", "deadly", 1), ("acme", "mug", 1)))
    others = await buyers.buy(OTHERS, (("bolt", "book", 1), ("cedar", "bowl", 1)))
    await until(lambda: market.deaths.get(SPOKES, 0) - before >= DEATHS, market)
    deaths = market.deaths.get(SPOKES, 0) - before
    await Proof(suite, market, buyers)({("17", "command that kills the spokes each time"): deaths}, allowed=ENDED)
    async with market.database.reading() as tx:
        query = text("SELECT id, state FROM orders WHERE id = ANY(:orders)").bindparams(orders=others)
        assert {row.state for row in await tx.rows(query)} == {"completed"}
    [letter] = await _letters(market, "deadly")
    told = {"kind": "stock.reserve", "source": "step", "reason": "deadline", "saga_id": doomed[0]}
    assert {name: letter[name] for name in told} == told
    assert letter["attempts"] >= DEATHS
    assert msgspec.json.decode(letter["payload"])["items"][0]["sku"] == "deadly"


async def _letters(market: Market, vendor: str) -> Sequence[RowMapping]:
    async with market.database.reading() as tx:
        return await tx.mappings(text("SELECT * FROM dead_letters WHERE target = :vendor").bindparams(vendor=vendor))
