"""The whole hub on the whole sandbox: orders that end well, fall in part or are refunded leave no difference behind."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest_asyncio
from sqlalchemy import select

from hub.reconcile import run, runs
from hub.reconcile.report import Report
from hub.reconcile.run import Rules
from hub.reconcile.tables import runs as table
from hub.wiring import gateways
from tests.world import ALL, Building, World


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    vendors = {"acme": ALL, "bolt": ALL}
    folder = scratch / f"world-{database_url.rsplit('/', 1)[1]}"
    async with Building(database_url, folder, vendors) as built:
        yield built


async def reconciled(world: World) -> Report:
    """With no patience at all."""
    async with world.wiring.database.tx() as tx:
        asked = await run.ask(tx, None, None)
        claimed = await runs.claim(tx, asked.id)
    assert claimed is not None
    rules = Rules(grace_seconds=0, offline_grace_seconds=0, accounts_max=100)
    providers = gateways(world.wiring)
    report = await run.perform(world.wiring.database, providers, rules, claimed)
    for provider in providers.values():
        await provider.close()
    assert report is not None
    return report


async def test_everything_the_hub_did_is_found_at_the_provider_and_the_other_way_round(world: World) -> None:
    first = await world.place(("acme", "mug", 2), ("bolt", "book", 1))
    second = await world.place(("acme", "mug", 1))
    third = await world.place(("bolt", "slow-boat", 1))
    fallen = await world.place(("acme", "declined", 1), ("bolt", "book", 2))
    for order in (first, second):
        await world.until(order["id"], "completed")
        await world.settled(order["id"])
    answer = await world("olga", "POST", f"/v1/admin/orders/{second['id']}/refunds", {"reason": "broken"})
    assert answer.status_code < 300, answer.text
    await world.settled(second["id"])
    await world.until(third["id"], "confirmed", "shipped")
    await world.until(fallen["id"], "completed")
    await world.settled(fallen["id"])
    report = await reconciled(world)
    assert report.equal, msgspec.json.format(msgspec.json.encode(report)).decode()
    kinds = {kind.kind: kind.count for balance in report.balances for kind in balance.kinds}
    assert kinds["transfer"] >= 3
    assert kinds["refund"] == kinds["transfer_refund"] == 1
    assert report.vendors_checked == 2


async def test_the_worker_does_it_by_itself(world: World) -> None:
    async with world.wiring.database.reading() as tx:
        rows = await tx.rows(select(table.c.slot, table.c.standing).where(table.c.slot.is_not(None)))
    assert [(row.slot.split(":")[0], row.standing) for row in rows] == [("daily", "done")]
