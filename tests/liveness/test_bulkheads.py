"""Ten vendors, one of them dead and one half a minute slow: the other eight are served as before."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest_asyncio
from sqlalchemy import text

from tests.world import ALL, Building, World

GOOD = [f"good-{number}" for number in range(8)]
DEAD, SLOW = "dead", "slow"
ORDERS = 48
AT_ONCE = 6
FACTOR = 2.0
GRACE = 0.5
"""Seconds that a machine busy with other things may take; a vendor that is held up waits for many."""

ANSWERED = text("""
SELECT count(ended_at) AS answers, percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at)) AS p99
FROM steps WHERE kind = 'stock.reserve' AND saga_id = ANY(:ids)
""")


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    async with Building(database_url, scratch / "bulkheads", dict.fromkeys([*GOOD, DEAD, SLOW], ALL)) as built:
        spokes = built.data / "spokes"
        (spokes / f"{DEAD}.toml").unlink()
        slow = spokes / f"{SLOW}.toml"
        slow.write_text("drain = 0.1\n" + slow.read_text() + '\n[[config.faults]]\ndo = "slow"\nseconds = 30.0\n')
        await built.fleet.scan()
        yield built


async def buy(world: World, vendors: Sequence[str], count: int) -> list[str]:
    """So many orders, taking the vendors in turn, a few at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> str:
        async with room:
            return (await world.place((vendors[number % len(vendors)], "mug", 1)))["id"]

    return await asyncio.gather(*(one(number) for number in range(count)))


async def p99(world: World, orders: Sequence[str]) -> float:
    """Seconds from the order to the vendor's answer, once all are answered."""
    async with asyncio.timeout(30):
        while True:
            async with world.wiring.database.reading() as tx:
                answered = await tx.row(ANSWERED.bindparams(ids=list(orders)))
            if answered is not None and answered.answers == len(orders):
                return float(answered.p99)
            await asyncio.sleep(0.05)


async def test_one_dead_and_one_slow_vendor_hold_up_no_other(world: World):
    for vendor in (*GOOD, DEAD, SLOW):
        await world.offer(vendor, "mug")
    await p99(world, await buy(world, GOOD, len(GOOD)))  # the first of each opens connections
    baseline = await p99(world, await buy(world, GOOD, ORDERS))
    held = await buy(world, [DEAD, SLOW], 24)
    mixed, more = await asyncio.gather(buy(world, GOOD, ORDERS), buy(world, [DEAD, SLOW], 12))
    troubled = await p99(world, mixed)
    print(f"p99 {baseline:.3f} s alone, {troubled:.3f} s in trouble")  # noqa: T201  # seen with -s
    assert troubled <= max(FACTOR * baseline, baseline + GRACE), f"p99 {troubled:.3f} s beside {baseline:.3f} s without trouble"
    for order in (*held, *more):
        state = (await world("ada", "GET", f"/v1/orders/{order}")).json()["state"]
        assert state == "placed", "or there was no trouble"
