"""SIGKILL at named points: between any two effects of the worker and of the spokes, and connections cut around a COMMIT."""

import asyncio
import random
import time
from collections.abc import Sequence

import pytest

from tests.faults.buying import Buyers
from tests.faults.conftest import Proof
from tests.faults.market import SPOKES, WORKER, Market
from tests.faults.points import Point, lay
from tests.faults.proof import HURRY_SECONDS, LOOK_SECONDS, time_passes, until
from tests.faults.proxy import Moment, Trap

SEED = 1
ORDERS_AT_ONCE = 6
LOOKS = 12
ORDERS_MAX = 90
STRIKE_SECONDS = 300.0
"""Money moves at the very end of an order, which on a slow machine is long after the last was placed."""


WORKER_POINTS = [
    Point("2a", "worker dies: claimed, not published", WORKER, "worker_broker", rb"PUB cmd\.", Moment.BEFORE),
    Point("2b", "worker dies: published, not known to be", WORKER, "worker_broker", rb"PUB cmd\.", Moment.AFTER),
    Point("2c", "worker dies: event applied, not acknowledged", WORKER, "worker_broker", rb"PUB \$JS\.ACK\.EVT_", Moment.BEFORE),
    Point("2d", "worker dies: between ledger and next step", WORKER, "worker_database", rb"INSERT INTO ledger_postings", Moment.AFTER),
    Point("2e", "worker dies: before a COMMIT arrives", WORKER, "worker_database", rb"COMMIT;", Moment.BEFORE),
    Point("2f", "worker dies: committed, not known to be", WORKER, "worker_database", rb"COMMIT;", Moment.ANSWERED),
    Point("2g", "worker dies: payment opened, not recorded", WORKER, "worker_provider", rb"POST /v1/payment_intents ", Moment.ANSWERED),
    Point("2h", "worker dies: capture not sent", WORKER, "worker_provider", rb"POST /v1/payment_intents/\w+/capture", Moment.BEFORE),
    Point(
        "2i", "worker dies: captured, not recorded", WORKER, "worker_provider", rb"POST /v1/payment_intents/\w+/capture", Moment.ANSWERED
    ),
    Point("2j", "worker dies: transfer not sent", WORKER, "worker_provider", rb"POST /v1/transfers", Moment.BEFORE),
    Point("2k", "worker dies: transferred, not recorded", WORKER, "worker_provider", rb"POST /v1/transfers", Moment.ANSWERED),
]
QUICK = {"2a", "2b", "2c", "2d", "2i", "2k"}
"""The rest dies with them again and again."""
SPOKE_POINTS = [
    Point("5a", "spokes die: done, not told", SPOKES, "spokes_broker", rb"PUB evt\.", Moment.BEFORE),
    Point("5b", "spokes die: told, not known to be", SPOKES, "spokes_broker", rb"PUB evt\.", Moment.AFTER),
    Point("5c", "spokes die: told, not acknowledged", SPOKES, "spokes_broker", rb"PUB \$JS\.ACK\.", Moment.BEFORE),
]


async def strike(market: Market, buyers: Buyers, points: Sequence[Point], times: int, seed: int) -> dict[tuple[str, str], int]:
    """Place orders until every point has struck so many times, or it took too long; how often each did."""
    chance = random.Random(seed)
    traps = {point: lay(market, point, times=times, skip=chance.randrange(4)) for point in points}
    deadline = time.monotonic() + STRIKE_SECONDS
    while any(trap.struck < times for trap in traps.values()) and time.monotonic() < deadline:
        if len(buyers.orders) < ORDERS_MAX:
            await buyers.buy(ORDERS_AT_ONCE)
        for _ in range(LOOKS):
            if all(trap.struck == times for trap in traps.values()):
                break
            await time_passes(market, HURRY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)
    return {(point.number, point.name): trap.struck for point, trap in traps.items()}


async def test_a_worker_that_dies_between_two_effects(market: Market, buyers: Buyers, proof: Proof) -> None:
    await proof(await strike(market, buyers, [point for point in WORKER_POINTS if point.number in QUICK], 1, SEED))


async def test_spokes_that_die_around_what_they_tell(market: Market, buyers: Buyers, proof: Proof) -> None:
    await proof(await strike(market, buyers, SPOKE_POINTS, 1, SEED))


@pytest.mark.faults
async def test_all_of_them_again_and_again(market: Market, buyers: Buyers, proof: Proof) -> None:
    await proof(await strike(market, buyers, WORKER_POINTS + SPOKE_POINTS, 3, SEED + 1))


async def test_spokes_that_die_around_their_vendors_system(market: Market, buyers: Buyers, proof: Proof) -> None:
    """Once the vendor has done it and nobody remembers, it must be asked again without being done again."""
    before = market.deaths.get(SPOKES, 0)
    for sku, deaths in (("crash-before", 2), ("crash-after", 4)):
        await buyers.buy(1, (("acme", sku, 1), ("bolt", "book", 1)))
        await until(lambda deaths=deaths: market.deaths.get(SPOKES, 0) - before >= deaths, market)
    await proof({("4", "spokes die: before their vendor has done it, and after"): market.deaths.get(SPOKES, 0) - before})


@pytest.mark.parametrize(
    ("number", "name", "moment"),
    [
        ("12a", "API cut off from the database: COMMIT done, its answer lost", Moment.ANSWERED),
        ("12b", "API cut off from the database: COMMIT never arrives", Moment.BEFORE),
    ],
)
async def test_connections_cut_around_a_commit(
    market: Market, buyers: Buyers, proof: Proof, number: str, name: str, moment: Moment
) -> None:
    """The customer asks again with the same key: there is one order, and it is the same."""
    trap = market.api_database.trap(Trap(rb"COMMIT;", moment=moment, skip=2, times=12))
    await buyers.buy(12)
    assert buyers.asked_again >= trap.struck / 2, "customers did not notice"
    assert [await buyers.place_again(order) for order in buyers.orders] == buyers.orders
    await proof({(number, name): trap.struck})


@pytest.mark.parametrize(
    ("number", "name", "moment"),
    [
        ("12c", "worker cut off from the database: COMMIT done, its answer lost", Moment.ANSWERED),
        ("12d", "worker cut off from the database: COMMIT never arrives", Moment.BEFORE),
    ],
)
@pytest.mark.faults
async def test_a_worker_cut_off_around_a_commit(
    market: Market, buyers: Buyers, proof: Proof, number: str, name: str, moment: Moment
) -> None:
    trap = market.worker_database.trap(Trap(rb"COMMIT;", moment=moment, skip=5, times=40))
    await buyers.buy(15)
    await until(lambda: trap.struck == trap.times, market)
    await proof({(number, name): trap.struck})
