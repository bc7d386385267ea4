"""Bulkheads: how long eight vendors take to answer while a ninth is dead and a tenth half a minute slow, beside themselves."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
from sqlalchemy import text

from tests.bench.figures import Goal
from tests.bench.ground import Ground
from tests.bench.picture import Bars
from tests.bench.report import Found, Sheet
from tests.world import ALL, Building, World

GOOD = [f"good-{number}" for number in range(8)]
DEAD, SLOW = "dead", "slow"
VENDORS = [*GOOD, DEAD, SLOW]
SLOWNESS = '\n[[config.faults]]\ndo = "slow"\nseconds = 30.0\n[guard]\ntimeout = 45.0\n'
"""It does answer in the end: its calls hold their slots for all of the half minute."""

PER_SECOND = 4.0
"""Well below what one process can do: what is measured is who waits for whom, not who is fastest."""
ROUNDS = 3
ORDERS = 80
"""Of one round."""
SMOKE_ORDERS = 10

ANSWERED = text("""
SELECT count(ended_at) AS answers,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at)) AS p50,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at)) AS p99
FROM steps WHERE kind = 'stock.reserve' AND saga_id = ANY(:ids)
""")
UNANSWERED = text("SELECT count(*) FROM steps WHERE kind = 'stock.reserve' AND state = 'open' AND target = ANY(:vendors)")


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from an order to its vendor's answer."""

    p50_ms: float
    p99_ms: float


class Bulkheads(msgspec.Struct, frozen=True, kw_only=True):
    """The eight beside trouble and before it, under the same load; `ratio` is of their p99s, medians of the rounds'.

    `held` counts what the dead and the slow vendor had not answered when the eight had: without it there was no trouble.
    """

    vendors: int
    orders_per_second: float
    rounds: int
    answers: int
    baseline: Latency
    troubled: Latency
    ratio: float
    held: int


async def measure(ground: Ground) -> Found:
    """On a database of its own, where nothing else is left to be done."""
    orders = ORDERS if ground.pace.rounds > 1 else SMOKE_ORDERS
    return _found(await compare(await ground.fresh("bench_bulkheads"), ground.folder / "bulkheads", ground.pace.rounds, orders))


async def compare(database_url: str, folder: Path, rounds: int = ROUNDS, orders: int = ORDERS) -> Bulkheads:
    """A whole marketplace with ten vendors on one broker: first all are well, then two are not."""
    async with Building(database_url, folder, dict.fromkeys(VENDORS, ALL)) as world:
        for vendor in VENDORS:
            await world.offer(vendor, "mug", stock=1_000_000)
        baseline = await _median(world, rounds, orders)
        await break_two(world)
        troubled = await _median(world, rounds, orders)
        async with world.wiring.database.reading() as tx:
            held = await tx.scalar(UNANSWERED.bindparams(vendors=[DEAD, SLOW]))
    return Bulkheads(
        vendors=len(VENDORS),
        orders_per_second=PER_SECOND,
        rounds=rounds,
        answers=rounds * orders * len(GOOD) // len(VENDORS),
        baseline=baseline,
        troubled=troubled,
        ratio=troubled.p99_ms / baseline.p99_ms,
        held=held,
    )


async def break_two(world: World) -> None:
    """One spoke goes and does not come back, one vendor's system takes half a minute for each answer."""
    spokes = world.data / "spokes"
    (spokes / f"{DEAD}.toml").unlink()
    slow = spokes / f"{SLOW}.toml"
    slow.write_text("drain = 0.1\n" + slow.read_text() + SLOWNESS)
    await world.fleet.scan()


async def answered(world: World, orders: Sequence[str], *, within: float = 30) -> Latency:
    """How long the vendors took, once all have answered. Raises `TimeoutError`."""
    async with asyncio.timeout(within):
        while True:
            async with world.wiring.database.reading() as tx:
                row = await tx.row(ANSWERED.bindparams(ids=list(orders)))
            if row is not None and row.answers == len(orders):
                return Latency(p50_ms=float(row.p50) * 1000, p99_ms=float(row.p99) * 1000)
            await asyncio.sleep(0.05)


def _found(b: Bulkheads) -> Found:
    rows = [(name, one.p50_ms, one.p99_ms) for name, one in (("all are well", b.baseline), ("one dead, one 30 s slow", b.troubled))]
    sheet = Sheet(
        title=f"{b.vendors} vendors, {b.orders_per_second:g} orders/s: how long eight take to answer; medians of {b.rounds} rounds",
        columns=("", "p50 ms", "p99 ms"),
        rows=rows,
        notes=[f"{b.held} commands wait for the other two"],
    )
    picture = Bars(
        name="bulkheads",
        title="How long eight vendors take to answer",
        unit="ms",
        groups=["p50", "p99"],
        series={name: [p50, p99] for name, p50, p99 in rows},
    )
    goal = Goal(says="p99 of eight vendors beside a dead and a slow one, against before", reached=b.ratio, target=2.0, at_most=True)
    return Found(figures=b, sheets=[sheet], pictures=[picture], goals=[goal])


async def _median(world: World, rounds: int, orders: int) -> Latency:
    await _round(world, min(orders, len(VENDORS) * 2))  # connections and plans are made; the slow vendor gets something to be slow about
    found = [await _round(world, orders) for _ in range(rounds)]
    return Latency(p50_ms=median(one.p50_ms for one in found), p99_ms=median(one.p99_ms for one in found))


async def _round(world: World, orders: int) -> Latency:
    """So many orders at a steady pace, whatever becomes of those before, over all ten in turn; how long the eight took."""
    quotes = [await world.quote((VENDORS[number % len(VENDORS)], "mug", 1)) for number in range(orders)]
    loop = asyncio.get_running_loop()
    begun, placing = loop.time(), list[asyncio.Task[str]]()
    for number, quote in enumerate(quotes):
        await asyncio.sleep(max(0.0, begun + number / PER_SECOND - loop.time()))
        placing.append(asyncio.create_task(_place(world, quote["id"])))
    placed = await asyncio.gather(*placing)
    return await answered(world, [order for number, order in enumerate(placed) if VENDORS[number % len(VENDORS)] in GOOD])


async def _place(world: World, quote_id: str) -> str:
    answer = await world("ada", "POST", "/v1/orders", {"quote_id": quote_id, "payment_method": "pm_card_visa"})
    if answer.is_error:
        raise RuntimeError(f"not placed: {answer.text}")
    return answer.json()["id"]
