"""A vendor's counts cross with reservations in every order: never more is for sale than there is, and nothing is counted twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import pytest
import pytest_asyncio

from hub.kernel.errors import Conflict
from hub.runtime.steps import Step
from tests.conftest import MakeDatabase
from tests.feeds.desk import Desk, offered, recent
from tests.shop import open_shop
from tests.triage.spokes import MUG, Spokes
from vendor_sdk.messages import Declined, Refused, Released, Reserved

SKU = "mug-2000"


@pytest_asyncio.fixture
async def spokes(fresh_database: MakeDatabase) -> AsyncIterator[Spokes]:
    """acme sets units aside at its own house; bolt leaves that to the hub."""
    shop = await open_shop(await fresh_database(), "acme", "bolt")
    await shop.sql("UPDATE vendors SET capabilities = '{orders,shipping}', embedded_spoke = 'dummy'")
    await shop.sql("UPDATE vendors SET capabilities = '{stock,orders,shipping}' WHERE code = 'acme'")
    yield Spokes(shop)
    await shop.close()


@pytest.fixture
def desk(spokes: Spokes) -> Desk:
    return Desk(spokes.database, "acme")


async def stock(spokes: Spokes, sku: str = SKU) -> tuple[int, int, int]:
    """On hand, reserved, shipped."""
    query = "SELECT on_hand, reserved, shipped FROM stock JOIN offers ON offers.id = offer_id WHERE sku = :sku"
    (row,) = await spokes.shop.rows(query, sku=sku)
    return tuple(row)


async def step(spokes: Spokes, kind: str) -> Step:
    """The one thing of that kind the vendors are asked for."""
    (found,) = [each for each in await spokes.asked() if each.kind == kind]
    return found


async def reserved(spokes: Spokes, asked: Step) -> None:
    await spokes.tell(asked, "stock.reserved", Reserved(sub_order_id=asked.subject_id))


async def test_a_count_from_before_the_vendor_set_units_aside_holds_them_still(spokes: Spokes, desk: Desk) -> None:
    order = await spokes.order(("acme", "mug", 2000, 3))
    await desk.levels("l1", recent(), **{SKU: 10})
    assert await stock(spokes) == (7, 3, 0)
    counted = recent()
    await reserved(spokes, await step(spokes, "stock.reserve"))
    await desk.levels("l2", counted, **{SKU: 10})  # told late: it was counted before
    assert await stock(spokes) == (7, 3, 0)
    assert (await spokes.shop.order(order.id)).sub_orders[0].state == "reserved"


async def test_a_count_from_after_the_vendor_set_units_aside_leaves_them_out(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(("acme", "mug", 2000, 3))
    await reserved(spokes, await step(spokes, "stock.reserve"))
    await desk.levels("l1", recent(0.01), **{SKU: 7})
    assert await stock(spokes) == (7, 3, 0)
    await spokes.shop.run()
    await spokes.work_off()
    assert await stock(spokes) == (7, 0, 3)
    await desk.levels("l2", recent(0.02), **{SKU: 7})  # sending what was set aside changes no count
    assert await stock(spokes) == (7, 0, 3)
    assert await spokes.shop.breaches() == []


async def test_what_we_cannot_know_counts_as_not_set_aside_until_the_next_count(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(("acme", "mug", 2000, 3))
    asked = await step(spokes, "stock.reserve")
    await desk.levels("l1", recent(), **{SKU: 7})  # it has set them aside, and its answer is on the way
    assert await stock(spokes) == (4, 3, 0)
    await reserved(spokes, asked)
    await desk.levels("l2", recent(0.01), **{SKU: 7})
    assert await stock(spokes) == (7, 3, 0)


async def test_units_given_back_are_for_sale_once(spokes: Spokes, desk: Desk) -> None:
    order = await spokes.order(("acme", "mug", 2000, 3))
    await reserved(spokes, await step(spokes, "stock.reserve"))
    await desk.levels("l1", recent(0.01), **{SKU: 7})
    await spokes.shop.cancel(order.id)
    await spokes.shop.run()
    assert await stock(spokes) == (10, 0, 0)
    await desk.levels("l2", recent(0.02), **{SKU: 7})  # counted before the vendor has given them back: rather too few
    assert await stock(spokes) == (7, 0, 0)
    release = await step(spokes, "stock.release")
    await spokes.tell(release, "stock.released", Released(sub_order_id=release.subject_id))
    await desk.levels("l3", recent(0.03), **{SKU: 10})
    assert await stock(spokes) == (10, 0, 0)


async def test_who_reserves_nothing_sets_aside_what_it_accepts(spokes: Spokes) -> None:
    desk, sku = Desk(spokes.database, "bolt"), "cup-2000"
    await spokes.order(("bolt", "cup", 2000, 3))
    submit = await step(spokes, "orders.submit")
    await desk.levels("l1", recent(), **{sku: 10})
    assert await stock(spokes, sku) == (7, 3, 0)
    await spokes.works(submit)
    await spokes.shop.run()
    await spokes.shop.sql("UPDATE sub_orders SET accepted_at = now()")  # as the broker would have said
    await desk.levels("l2", recent(0.01), **{sku: 7})
    assert await stock(spokes, sku) == (7, 3, 0)


async def test_promises_are_kept_however_few_the_vendor_counts(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(("acme", "mug", 2000, 3))
    await desk.levels("l1", recent(), **{SKU: 1})
    assert await stock(spokes) == (0, 3, 0)
    with pytest.raises(Conflict, match="fewer than 1"):
        await spokes.shop.place(MUG)
    asked = await step(spokes, "stock.reserve")
    await spokes.tell(asked, "stock.refused", Refused(sub_order_id=asked.subject_id, reason="out_of_stock"))
    assert await stock(spokes) == (3, 0, 0)
    await desk.levels("l2", recent(0.01), **{SKU: 1})
    assert await stock(spokes) == (1, 0, 0)
    assert await spokes.shop.breaches() == []


async def test_an_older_count_is_none(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(MUG)
    first, second = recent(0.01), recent(0.02)
    await desk.levels("l2", second, **{SKU: 20, "nowhere": 1})
    await desk.levels("l1", first, **{SKU: 10})
    await desk.levels("l2", second, **{SKU: 30})
    await desk.levels("l3", second, **{SKU: 40})
    assert await stock(spokes) == (19, 1, 0)
    rows = await spokes.shop.rows("SELECT feed_id, changed, stale, failed FROM feed_pages ORDER BY feed_id")
    assert [tuple(row) for row in rows] == [("l1", 0, 1, 0), ("l2", 1, 0, 1), ("l3", 0, 1, 0)]
    assert await spokes.shop.scalar("SELECT problem ->> 'field' FROM feed_errors") == "/rows/1/sku"


async def test_stock_in_a_catalog_counts_as_a_level_of_its_own_age(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(("acme", "mug", 2000, 3))
    catalog = recent(0.01)
    await desk.levels("l1", recent(0.02), **{SKU: 20})
    await desk.delta("d1", catalog, offered(SKU, 2100, stock=10))
    assert await stock(spokes) == (17, 3, 0)
    assert await spokes.shop.scalar("SELECT price FROM offers WHERE sku = :sku", sku=SKU) == 2100
    await desk.delta("d2", recent(0.03), offered(SKU, 2100, stock=11))
    assert await stock(spokes) == (8, 3, 0)


async def test_counts_and_orders_at_once_sell_no_unit_twice(spokes: Spokes, desk: Desk) -> None:
    await spokes.order(MUG)
    counted: list[datetime] = [recent(0.01 * (number + 1)) for number in range(10)]

    async def sold() -> int:
        try:
            await spokes.shop.place(MUG)
        except Conflict:
            return 0
        return 1

    await desk.levels("first", recent(), **{SKU: 12})  # 11, for one is promised
    told = [desk.levels(f"l{number}", when, **{SKU: 12}) for number, when in enumerate(counted)]
    results = await asyncio.gather(*(sold() for _ in range(20)), *told)
    placed = sum(result or 0 for result in results)
    on_hand, promised, _ = await stock(spokes)
    assert (promised, on_hand + promised) == (placed + 1, 12)
    assert on_hand >= 0
    assert await spokes.shop.breaches() == []


@pytest.mark.parametrize(("counted", "on_hand"), [(10, 10), (7, 10)], ids=["after it has refused", "before"])
async def test_units_that_a_vendor_lets_go_are_for_sale_once(spokes: Spokes, desk: Desk, counted: int, on_hand: int) -> None:
    await spokes.order(("acme", "mug", 2000, 3))
    await reserved(spokes, await step(spokes, "stock.reserve"))
    await spokes.shop.run()
    submit = await step(spokes, "orders.submit")
    told_at = recent(0.05)
    await desk.levels("l1", recent(0.1 if counted == 10 else 0.01), **{SKU: counted})
    assert await stock(spokes) == (counted, 3, 0)
    declined = Declined(sub_order_id=submit.subject_id, reason="out_of_stock")
    await spokes.tell(submit, "orders.declined", declined, told_at=told_at)
    assert await stock(spokes) == (on_hand, 0, 0)
    assert await spokes.shop.breaches() == []


async def test_units_that_were_never_set_aside_are_for_sale_again_whatever_was_counted_since(spokes: Spokes) -> None:
    desk, sku = Desk(spokes.database, "bolt"), "cup-2000"
    await spokes.order(("bolt", "cup", 2000, 3))
    submit = await step(spokes, "orders.submit")
    told_at = recent(0.01)
    await desk.levels("l1", recent(0.02), **{sku: 10})
    assert await stock(spokes, sku) == (7, 3, 0)
    await spokes.tell(submit, "orders.declined", Declined(sub_order_id=submit.subject_id, reason="out_of_stock"), told_at=told_at)
    assert await stock(spokes, sku) == (10, 0, 0)
    assert await spokes.shop.breaches() == []


async def test_a_count_of_another_vendors_offer_is_none(spokes: Spokes) -> None:
    await spokes.order(MUG)
    await Desk(spokes.database, "bolt").levels("l1", recent(), **{SKU: 1})
    assert (await stock(spokes))[0] > 1
    assert msgspec.json.decode(await spokes.shop.scalar("SELECT problem::text FROM feed_errors"))["type"] == "/problems/unknown_offer"
