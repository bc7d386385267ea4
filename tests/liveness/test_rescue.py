"""A vendor that is long down loses what another can deliver; what nobody else has waits for it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text

from hub.orders.states import SubOrderState
from hub.runtime.nkeys import new_seed, public_of
from hub.worker.rescue import rescue
from tests.conftest import MakeDatabase
from tests.shop import Shop, open_shop

S = SubOrderState
RUG = ("dune", "rug", 2000)


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncIterator[Shop]:
    """Dune has a spoke, bolt works by hand."""
    made = await open_shop(await fresh_database(), "bolt")
    await made.vendor("dune", capabilities=["stock", "orders", "shipping"], nkey_public=public_of(new_seed()))
    await made.accounts()
    yield made
    await made.close()


async def silent(shop: Shop, seconds: float) -> None:
    """Dune has been silent for so long, and what it was asked is as old; we have been listening all the time."""
    await shop.sql("DELETE FROM vendor_liveness")
    await shop.sql("INSERT INTO vendor_liveness (vendor, since, seen_at) VALUES ('@hub', now() - interval '1 day', now())")
    heard = (
        "INSERT INTO vendor_liveness (vendor, boot_id, since, seen_at)"
        " VALUES ('dune', 'b', now() - interval '1 day', now() - make_interval(secs => :s))"
    )
    async with shop.wiring.database.tx() as tx:
        await tx.execute(text(heard), {"s": seconds})
        await tx.execute(text("UPDATE steps SET created_at = created_at - make_interval(secs => :s) WHERE target = 'dune'"), {"s": seconds})


async def states(shop: Shop, order_id: str) -> list[tuple[str, str | None, SubOrderState]]:
    return [(sub.vendor, sub.reason, sub.state) for sub in (await shop.order(order_id)).sub_orders]


async def test_what_another_has_all_of_goes_there_and_the_first_is_told_to_stop(shop: Shop):
    order_id = await shop.place((*RUG, 2), on_shortage="reroute")
    await shop.also("bolt", RUG, 1900)
    await shop.sql("UPDATE steps SET attempt = 1 WHERE target = 'dune'")
    await silent(shop, 1000)
    assert await rescue(shop.wiring) == 1
    assert await states(shop, order_id) == [("dune", "vendor_down", S.DECLINED), ("bolt", "promised_by_the_hub", S.RESERVED)]
    undone = await shop.rows("SELECT kind FROM steps WHERE target = 'dune' AND state = 'open'")
    assert [row.kind for row in undone] == ["stock.release"]
    assert await rescue(shop.wiring) == 0
    assert await shop.breaches() == []


async def test_what_nobody_else_has_waits_for_its_vendor(shop: Shop):
    order_id = await shop.place((*RUG, 2), on_shortage="reroute")
    await shop.also("bolt", RUG, 1900, stock=1)
    await silent(shop, 1000)
    assert await rescue(shop.wiring) == 0
    assert await states(shop, order_id) == [("dune", None, S.PLACED)]


async def test_not_before_its_time_and_not_without_consent(shop: Shop):
    await shop.place((*RUG, 1), on_shortage="partial")
    await shop.place((*RUG, 1), on_shortage="reroute")
    await shop.also("bolt", RUG, 1900)
    await silent(shop, 800)
    assert await rescue(shop.wiring) == 0, "down for less than a quarter of an hour"
    await silent(shop, 1000)
    assert await rescue(shop.wiring) == 1


async def test_what_a_vendor_that_leaves_has_not_answered_goes_to_another(shop: Shop):
    order_id = await shop.place((*RUG, 1), on_shortage="reroute")
    await shop.also("bolt", RUG, 1900)
    await shop.sql("UPDATE steps SET attempt = 1, created_at = created_at - interval '1 hour' WHERE target = 'dune'")
    assert await rescue(shop.wiring) == 0, "it lives and has time to answer"
    await shop.sql("UPDATE vendors SET state = 'closing' WHERE code = 'dune'")
    assert await rescue(shop.wiring) == 1
    assert await states(shop, order_id) == [("dune", "vendor_leaving", S.DECLINED), ("bolt", "promised_by_the_hub", S.RESERVED)]
