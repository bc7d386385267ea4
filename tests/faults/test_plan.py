"""Mending under fire: a plan of replays, and parts that others take over, while workers, API and spokes are killed."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.faults.buying import Buyers, meanwhile
from tests.faults.conftest import Proof, Suite
from tests.faults.market import API, SECOND, SPOKES, WORKER, Market
from tests.faults.proof import time_passes

MUDDLED = '[[config.faults]]\ndo = "garbage"\non = "orders.submit"\n'
PATIENT = "[guard]\nbreaker_failures = 10000\n"
"""All of them are to die, and none to wait before a breaker."""
ORDERS, REROUTED, KILLS, SEED = 60, 30, 8, 11
UNWILLING = '[[config.faults]]\ndo = "refuse"\non = "orders.submit"\n'
LETTERS = "/v1/admin/dead-letters"
pytestmark = pytest.mark.faults


@pytest_asyncio.fixture(scope="module")
async def muddled(scratch: Path) -> AsyncIterator[Market]:
    vendors = {"muddled": MUDDLED + PATIENT, "unwilling": UNWILLING, "helper": ""}
    market = await Market(scratch / "faults-plan", vendors).open()
    yield market
    await market.close()


async def test_a_plan_of_replays_in_which_everybody_dies(muddled: Market, suite: Suite) -> None:
    market, buyers = muddled, Buyers(muddled)
    await buyers.buy(ORDERS, (("muddled", "mug", 1),))
    await until_dead(market)
    mend(market)
    filter_ = {"target": "muddled", "state": "open"}
    plan = await buyers.ask("olga", "POST", f"{LETTERS}/replays", {"filter": filter_, "reason": "mended", "canary": 3, "rate": 20})
    assert plan["size"] == ORDERS
    await act(buyers, plan, "start")
    market.down.discard(SECOND)
    struck = await meanwhile(asyncio.sleep(0), killing(market), KILLS, (0.2, 1.5))
    await until_done(market, buyers, plan)
    await Proof(suite, market, buyers)({("21", f"a plan of {ORDERS} replays; workers, API, spokes killed meanwhile"): struck})
    async with market.database.reading() as tx:
        starts = text("SELECT count(*) FROM timeline WHERE life = 'plan' AND event IN ('start','resume')")
        times = text("SELECT max(n) FROM (SELECT count(*) n FROM audit_log WHERE what = 'dead_letter.replayed' GROUP BY subject_id) each")
        assert await tx.scalar(times) <= await tx.scalar(starts), "sent more often than the plan was started"
        assert await tx.scalar(text("SELECT count(*) FROM dead_letters WHERE target = 'muddled' AND state <> 'resolved'")) == 0


async def test_others_take_over_whoever_dies(muddled: Market, suite: Suite) -> None:
    """Each order's first vendor declines, and another delivers all of it for what the buyer was to pay."""
    market, buyers = muddled, Buyers(muddled)
    await buyers.offer("unwilling", "mug")
    variant = (await buyers.ask("unwilling", "GET", "/v1/vendor/offers/mug"))["variant_id"]
    body = {"price": {"amount": 950, "currency": "EUR"}, "stock": 1000, "variant_id": variant}
    await buyers.ask("helper", "PUT", "/v1/vendor/offers/the-same-mug", body)
    buyers.consent = {"on_shortage": "reroute"}
    market.down.discard(SECOND)
    buying = buyers.buy(REROUTED, (("unwilling", "mug", 2),))
    struck = await meanwhile(buying, killing(market), KILLS, (0.3, 1.5))
    await Proof(suite, market, buyers)({("22", f"{REROUTED} orders rerouted; workers, API, spokes killed meanwhile"): struck})
    query = text("SELECT vendor, state, count(*) AS number, sum(total) AS total FROM sub_orders WHERE order_id = ANY(:ids) GROUP BY 1, 2")
    async with market.database.reading() as tx:
        parts = {(row.vendor, row.state): (row.number, row.total) for row in await tx.rows(query, {"ids": buyers.orders})}
    assert parts.keys() == {("unwilling", "declined"), ("helper", "settled")}
    assert parts["helper", "settled"] == (REROUTED, REROUTED * (2 * 950 + 490))


def killing(market: Market) -> Callable[[], Awaitable[bool]]:
    dice = random.Random(SEED)

    async def strike() -> bool:
        return market.kill(dice.choice([WORKER, SECOND, WORKER, SPOKES, API]))

    return strike


async def until_dead(market: Market) -> None:
    query = text("SELECT count(*) FROM dead_letters WHERE kind = 'orders.submit' AND state = 'open'")
    for _ in range(300):
        async with market.database.reading() as tx:
            if await tx.scalar(query) == ORDERS:
                return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not all died: {market.log(SPOKES)}")


def mend(market: Market) -> None:
    path = market.folder / "spokes" / "muddled.toml"
    path.write_text(path.read_text().replace(MUDDLED, ""))
    market.kill(SPOKES)


async def act(buyers: Buyers, plan: dict[str, Any], what: str) -> None:
    await buyers.ask("olga", "POST", f"{LETTERS}/replays/{plan['id']}/{what}", {"reason": what}, key=f"{what}-{plan['version']}")


async def until_done(market: Market, buyers: Buyers, plan: dict[str, Any]) -> None:
    """What failed because its spoke died while it was asked is tried again."""
    for _ in range(400):
        seen = await buyers.ask("olga", "GET", f"{LETTERS}/replays/{plan['id']}")
        if seen["state"] == "done":
            return
        if seen["state"] == "paused":
            await act(buyers, seen, "resume")
        await time_passes(market, 2)
        await asyncio.sleep(0.3)
    raise AssertionError(f"{plan} was not done in time")
