"""What must hold after every fault: orders ended as they should, every law holds, nothing was done or paid twice."""

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.ops import invariants
from hub.runtime.database import Tx
from tests.faults.market import SPOKES, WORKER, Market

SETTLE_SECONDS = 120.0
LOOK_SECONDS = 0.5
HURRY_SECONDS = 8.0
"""By how much each look shortens the leases of what was sent: the same as if so much time had passed, only sooner."""

STANDING_SECONDS = 5.0

_HURRY = text(
    "UPDATE steps SET due_at = due_at - make_interval(secs => :seconds) WHERE id IN (SELECT id FROM steps"
    " WHERE state = 'open' AND NOT waiting AND attempt > 0 AND due_at > now() FOR UPDATE SKIP LOCKED)"
)
_ABORT = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user"
    " AND xact_start < now() - make_interval(secs => :seconds)"
)
_OPEN = text("SELECT saga_id, kind, target, attempt, due_at - now() AS due_in FROM steps WHERE state = 'open' ORDER BY id LIMIT 20")
_UNENDED = text("SELECT count(*) FROM orders WHERE state NOT IN ('completed','declined','canceled','expired')")

_CHARGED = "SELECT coalesce(sum(json_extract(body, '$.amount_captured')), 0) FROM objects WHERE kind = 'charge' AND owner = ''"
"""On the platform's account: what is moved stands once more on the vendor's."""


async def time_passes(market: Market, seconds: float) -> None:
    """Every lease is nearer to its end by so much, but of steps that are in somebody's hands: he may be standing still."""
    async with market.database.tx() as tx:
        await tx.execute(_HURRY, {"seconds": seconds})


async def transactions_end(market: Market) -> None:
    """Those that have stood still for long, as PostgreSQL ends them by itself (`hub.runtime.driver.SESSION`), only sooner."""
    async with market.database.tx() as tx:
        await tx.execute(_ABORT, {"seconds": STANDING_SECONDS})


async def until(done: Callable[[], bool], market: Market, seconds: float = 60) -> None:
    """Wait, with leases ending sooner."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        await time_passes(market, HURRY_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)


async def settled(market: Market, orders: Collection[str], *, seconds: float = SETTLE_SECONDS, hurry: bool = False) -> None:
    """Wait until no order moves any more and no step is open; in a `hurry` also transactions that stand still end sooner."""
    deadline = time.monotonic() + seconds
    while True:
        rest: object = "the database is away"
        try:
            async with market.database.reading() as tx:
                rest = [dict(row) for row in await tx.mappings(_OPEN)]
                if not rest and not await tx.scalar(_UNENDED):
                    return
            await time_passes(market, HURRY_SECONDS)
            if hurry:
                await transactions_end(market)
        except (SQLAlchemyError, OSError):  # it was just restarted
            await market.database.engine.dispose()
        assert time.monotonic() < deadline, (
            f"of {len(orders)} orders, not at rest: {json.dumps(rest, default=str)[:2000]}\n{market.log(WORKER)}\n{market.log(SPOKES)}"
        )
        await asyncio.sleep(LOOK_SECONDS)


async def proven(market: Market, orders: Collection[str], *, allowed: Collection[str] = ("completed",)) -> Counter[str]:
    """Check everything; how many of `orders` ended in which state."""
    async with market.database.reading() as tx:
        assert await invariants.check(tx, settled=True) == []
        states = await _states(tx, orders)
        known = await tx.scalar(text("SELECT count(*) FROM orders"))
        await _paid_once(tx, market.folder / "stripe.sqlite")
    assert known == len(market.accepted), "an order was placed twice, or is lost"
    assert states.total() == len(orders), f"of {len(orders)} accepted orders only {states.total()} are known"
    assert set(states) <= set(allowed), states
    assert done_twice(market.folder / "spoke-data") == []
    return states


def done_twice(spoke_data: Path) -> list[tuple[object, ...]]:
    """Commands that a vendor's system carried out more than once."""
    with sqlite3.connect(spoke_data / "dummy.sqlite") as db:
        found = db.execute("SELECT vendor, command_id, verb, count(*) FROM effects GROUP BY 1, 2, 3 HAVING count(*) > 1").fetchall()
    db.close()
    return found


def effects(spoke_data: Path) -> int:
    """How much the vendors' systems did."""
    with sqlite3.connect(spoke_data / "dummy.sqlite") as db:
        found = db.execute("SELECT count(*) FROM effects").fetchone()[0]
    db.close()
    return int(found)


def strikes(spoke_data: Path, fault: str) -> int:
    """How often a switch of the vendors' systems struck."""
    with sqlite3.connect(spoke_data / "dummy.sqlite") as db:
        found = db.execute("SELECT coalesce(sum(count), 0) FROM strikes WHERE fault LIKE ?", (f"%.{fault}.%",)).fetchone()[0]
    db.close()
    return int(found)


async def _states(tx: Tx, orders: Collection[str]) -> Counter[str]:
    query = text("SELECT state, count(*) AS count FROM orders WHERE id = ANY(:orders) GROUP BY state").bindparams(orders=list(orders))
    return Counter({row.state: row.count for row in await tx.rows(query)})


async def _paid_once(tx: Tx, sandbox: Path) -> None:
    """The provider took and moved what our books say, and nothing else."""
    captured = await tx.scalar(text("SELECT coalesce(sum(captured), 0) FROM payments"))
    moved = await tx.scalar(text("SELECT count(*) FROM transfers WHERE state = 'transferred'"))
    with sqlite3.connect(f"file:{sandbox}?mode=ro", uri=True) as db:
        [charged] = db.execute(_CHARGED).fetchone()
        [transfers] = db.execute("SELECT count(*) FROM objects WHERE kind = 'transfer'").fetchone()
    db.close()
    found = {"captured": charged, "transfers": transfers}
    booked = {"captured": int(captured), "transfers": int(moved)}
    assert found == booked, f"the provider: {found}, our books: {booked}"
