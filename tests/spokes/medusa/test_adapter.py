"""A Medusa shop holds units by reservations, sends what is paid and packed, and does nothing twice."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from spokes.medusa.adapter import Medusa
from spokes.medusa.mapping import FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES
from spokes.web.failures import Unsure
from tests.spokes.faulty import RETRY_AFTER
from tests.spokes.medusa.shop import KEY, REGION, SETTINGS, Shop, a_shop, option, told
from tests.spokes.told import key, opener
from tests.vendor_sdk import orders
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Item,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Reserved,
    Restock,
    Shipped,
    Shortfall,
)

Open = Callable[..., Awaitable[Medusa]]


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with a_shop() as shop:
        shop.stock("mug", 5)
        yield shop


@pytest_asyncio.fixture
async def open_spoke(shop: Shop, tmp_path: Path) -> AsyncIterator[Open]:
    async with opener(Medusa, {"url": shop.url, "settle": 0, **SETTINGS}, tmp_path) as opening:
        yield opening


async def test_an_order_is_of_what_the_buyer_bought_and_writes_to_nobody(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    assert await spoke.submit(orders.submit("s1"), key("o1")) == Accepted(sub_order_id="s1", reference="1")
    asked = shop.orders["order_1"]["asked"]
    assert (asked["currency_code"], asked["items"][0]["unit_price"], asked["shipping_methods"][0]["amount"]) == ("eur", "12.50", "4.99")
    assert (asked["shipping_address"]["last_name"], asked["shipping_address"]["country_code"]) == ("Ada Buyer", "pt")
    assert asked["metadata"] == {"wheelwright_sub_order": "s1", "wheelwright_command": "o1"}
    assert (asked["no_notification_order"], "email" in asked) == (True, False)


async def test_what_is_short_or_unknown_is_said_and_nothing_of_it_is_held(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    refused = await spoke.reserve(orders.reserve("s1", quantity=9), key("r1"))
    assert refused == Refused(sub_order_id="s1", reason="out_of_stock", short=[Shortfall(sku="mug", quantity=4)])
    both = replace(orders.reserve("s1"), items=[Item(sku="mug", quantity=1), Item(sku="hat", quantity=2)])
    refused = await spoke.reserve(both, key("r2"))
    assert refused == Refused(sub_order_id="s1", reason="unknown_sku", short=[Shortfall(sku="hat", quantity=2, reason="unknown_sku")])
    assert isinstance(await spoke.submit(orders.submit("s2", sku="hat"), key("o2")), Declined)
    assert (shop.free("mug"), shop.orders) == (5, {})


async def test_when_the_shops_own_checkout_was_quicker_nothing_is_held(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.stock("cup", 5)
    shop.sold_elsewhere = [("cup", 4)]
    both = replace(orders.reserve("s1"), items=[Item(sku="mug", quantity=2), Item(sku="cup", quantity=2)])
    for attempt in (1, 2):
        assert isinstance(await spoke.reserve(both, key("r1", attempt)), Refused)
    assert (shop.free("mug"), shop.free("cup"), shop.reservations) == (5, 1, {})


async def test_units_are_counted_by_what_a_variant_is_made_of(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.stock("free", None)
    shop.stock("pair", 0, parts={"iitem_1": 2})
    assert isinstance(await spoke.reserve(orders.reserve("s1", sku="free", quantity=999), key("r1")), Reserved)
    assert isinstance(await spoke.reserve(orders.reserve("s2", sku="pair", quantity=3), key("r2")), Refused)
    assert isinstance(await spoke.reserve(orders.reserve("s3", sku="pair", quantity=2), key("r3")), Reserved)
    assert shop.free("mug") == 1
    assert {level.sku: level.stock async for level in spoke.levels()} == {"mug": 1, "pair": 0}


async def test_the_last_units_go_to_one(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    answers = await asyncio.gather(*(spoke.reserve(orders.reserve(f"s{n}"), key(f"r{n}")) for n in range(5)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 2
    assert shop.free("mug") == 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_reservation_that_was_made_and_not_heard_of_is_found_again(shop: Shop, open_spoke: Open, restarted: bool) -> None:
    spoke = await open_spoke(settle=60)
    shop.fault("unheard", after=1)
    with pytest.raises(Unsure):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    spoke = await open_spoke(settle=60) if restarted else spoke
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)
    assert (shop.free("mug"), len(shop.reservations)) == (3, 1)


async def test_a_reservation_that_may_be_made_still_is_waited_for(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(settle=60)
    shop.fault("hangup", after=1)
    for _ in range(2):
        with pytest.raises(Retry):
            await spoke.reserve(orders.reserve("s1"), key("r1"))
    with pytest.raises(Retry):
        await spoke.release(orders.release("s1", "r1"), key("l1"))
    assert isinstance(await (await open_spoke()).reserve(orders.reserve("s1"), key("r1")), Reserved)
    shop.unreserve({}, {}, next(iter(shop.reservations)))
    for _ in range(2):
        shop.reserve({}, {"inventory_item_id": "iitem_1", "quantity": 2, "description": "r1"})
    assert isinstance(await (await open_spoke()).reserve(orders.reserve("s1"), key("r1")), Reserved), "the one that came late is given back"
    assert shop.free("mug") == 3


async def test_a_busy_shop_has_surely_made_nothing(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(settle=60)
    shop.fault("busy", after=1)
    with pytest.raises(Retry) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert caught.value.retry_after == RETRY_AFTER
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("units", [5, 2])
async def test_asked_again_at_any_call_it_is_done_once(shop: Shop, open_spoke: Open, units: int, restarted: bool) -> None:
    """Each call in turn is done and not heard of, with room for order and reservation beside each other and without."""
    shop.level("mug")["stocked_quantity"] = units
    spoke = await open_spoke()
    for name, body in (("reserve", orders.reserve("s1")), ("submit", orders.submit("s1")), ("ship", orders.ship("s1"))):
        for at in range(16):
            shop.recover()
            shop.fault("unheard", after=at)
            spoke = await open_spoke() if restarted else spoke
            try:
                await getattr(spoke, name)(body, key(name, attempt=at + 1))
            except Unsure:
                continue
    shop.recover()
    (order,) = shop.placed
    assert len(shop.orders) == 1
    assert (len(order["payment_collections"]), len(order["fulfillments"])) == (1, 1)
    assert (shop.level("mug")["stocked_quantity"], shop.level("mug")["reserved_quantity"]) == (units - 2, 0)
    for at in range(16):
        shop.recover()
        shop.fault("unheard", after=at)
        try:
            await spoke.recall(orders.recall("s1", "submit"), key("c1"))
        except Unsure:
            continue
    assert shop.free("mug") == units


async def test_an_order_is_found_among_many(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    for other in range(60):
        shop.draft({}, {"items": [], "shipping_methods": [], "metadata": None if other % 2 else {"wheelwright_sub_order": "other"}})
    shop.fault("unheard", after=1)
    with pytest.raises(Unsure):
        await spoke.submit(orders.submit("s1"), key("o1"))
    assert await spoke.submit(orders.submit("s1"), key("o1", attempt=2)) == Accepted(sub_order_id="s1", reference="61")


async def test_a_reservation_that_nobody_gave_back_makes_room_when_it_is_over(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.reserve(replace(orders.reserve("s1", quantity=5), expires_at=orders.later(0.05)), key("r1"))
    await asyncio.sleep(0.1)
    assert isinstance(await spoke.reserve(orders.reserve("s2"), key("r2")), Reserved)
    assert shop.free("mug") == 3


async def test_an_order_that_cannot_be_made_leaves_no_draft(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.reserve(orders.reserve("s1", quantity=5), key("r1"))
    shop.level("mug")["stocked_quantity"] = 4
    assert isinstance(await spoke.submit(orders.submit("s1", quantity=5), key("o1")), Declined)
    assert (shop.orders, shop.reservations) == ({}, {})


@pytest.mark.parametrize("status", [*ORDER_STATUSES, "on_the_moon"])
async def test_every_order_status_means_something_and_an_unknown_one_nothing_yet(shop: Shop, open_spoke: Open, status: str) -> None:
    answers = {"pending": Accepted, "completed": Accepted, "archived": Accepted, "canceled": Declined}
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    order = shop.orders["order_1"]
    if status == "draft":
        order["status"], shop.reservations = "draft", {}
        assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
        assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Recalled)
        assert shop.orders == {}
        return
    order["set"] = {"status": status}
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), answers.get(status, Pending))
    if status == "canceled":
        with pytest.raises(Rejected, match="canceled"):
            await spoke.ship(orders.ship("s1"), key("h1"))
    else:
        assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    assert bool(order["payment_collections"]) == bool(order["fulfillments"]) == (status == "pending"), "others are left as they are"
    kept = status in {"completed", "archived"}
    assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Kept if kept else Recalled)


async def test_a_canceled_order_that_was_archived_is_over(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.orders["order_1"]["set"] = {"status": "archived", "canceled_at": "2026-11-01T00:00:00Z"}
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), Declined)
    assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Recalled)


@pytest.mark.parametrize("status", [*FULFILLMENT_STATUSES, "on_the_moon"])
async def test_every_fulfillment_status_means_something(shop: Shop, open_spoke: Open, status: str) -> None:
    spoke = await open_spoke(fulfill=False)
    await spoke.submit(orders.submit("s1"), key("o1"))
    order = shop.orders["order_1"]
    sent = {"id": "ful_1", "provider_id": "dhl_dhl", "shipped_at": "now", "canceled_at": None, "labels": [{"tracking_number": "T1"}]}
    has_left = status in {"shipped", "delivered", "partially_shipped", "partially_delivered"}
    order["set"] = {"fulfillment_status": status, "fulfillments": [sent] if has_left else []}
    parcels = [Parcel(carrier="dhl_dhl", tracking_number="T1")]
    shipped = Shipped(sub_order_id="s1", parcels=parcels) if status in {"shipped", "delivered"} else Pending(sub_order_id="s1")
    assert await spoke.ship(orders.ship("s1"), key("h1")) == shipped
    assert isinstance(await spoke.track(orders.track("s1"), key("t1")), Delivered if status == "delivered" else Pending)
    assert order["fulfillments"] == []
    if status == "partially_delivered":
        order["items"][0]["detail"]["shipped_quantity"] = 2
        assert await spoke.ship(orders.ship("s1"), key("h1")) == Shipped(sub_order_id="s1", parcels=parcels)
    assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Kept if has_left else Recalled)


@pytest.mark.parametrize("status", [*PAYMENT_STATUSES, "on_the_moon"])
async def test_only_what_is_not_paid_is_marked_paid(shop: Shop, open_spoke: Open, status: str) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    order = shop.orders["order_1"]
    order["set"] = {"payment_status": status}
    await spoke.ship(orders.ship("s1"), key("h1"))
    assert [each["status"] for each in order["payment_collections"]] == (["completed"] if status == "not_paid" else [])


async def test_parcels_without_numbers_wait_unless_the_settings_say_otherwise(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    await spoke.ship(orders.ship("s1"), key("h1"))
    shop.send({}, {"labels": []}, "order_1", "ful_order_1_0")
    assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    spoke = await open_spoke(untracked=True, carrier="Bike")
    answer = await spoke.ship(orders.ship("s1"), key("h1"))
    assert answer == Shipped(sub_order_id="s1", parcels=[Parcel(carrier="Bike", tracking_number="1")])


@pytest.mark.parametrize("quicker", ["sent", "canceled", "nobody"])
async def test_a_recall_that_the_shops_people_outran_looks_again(shop: Shop, open_spoke: Open, quicker: str) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    await spoke.ship(orders.ship("s1"), key("h1"))
    before = copy.deepcopy(told(shop.orders["order_1"]))
    if quicker == "sent":
        shop.send({}, {"labels": []}, "order_1", "ful_order_1_0")
    else:
        shop.unpack({}, {}, "order_1", "ful_order_1_0")
    if quicker == "canceled":
        shop.cancel({}, {}, "order_1")
    shop.answers.append({"order": before})
    recall = spoke.recall(orders.recall("s1", "o1"), key("c1"))
    if quicker == "nobody":
        with pytest.raises(AdapterError, match="already canceled"):
            await recall
    else:
        assert isinstance(await recall, Kept if quicker == "sent" else Recalled)


async def test_what_may_have_been_counted_is_not_counted_again(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    restock = Restock(sub_order_id="s1", return_id="r1", items=[Item(sku="mug", quantity=2)])
    shop.fault("unheard", after=2)
    with pytest.raises(Unsure):
        await spoke.restock(restock, key("b1"))
    shop.level("mug")["stocked_quantity"] -= 1
    await spoke.restock(restock, key("b1", attempt=2))
    assert shop.level("mug")["stocked_quantity"] == 6
    await (await open_spoke(restock=False)).restock(restock, key("b2"))
    assert shop.level("mug")["stocked_quantity"] == 6


async def test_the_whole_catalog_is_told_page_by_page(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    for number in range(60):
        shop.stock(f"cup-{number}", 1)
    shop.stock("", 1)
    shop.stock(
        "dear", 1, prices=[{"amount": 9, "currency_code": "usd", "rules": {}}, {"amount": 8, "currency_code": "eur", "rules": {"x": "y"}}]
    )
    product = {"title": "Hat", "status": "draft", "description": "Warm", "categories": [{"handle": "Köpfe"}, {"handle": "head"}]}
    shop.stock("hat", 1, product=product)
    offers = {offer.sku: offer async for offer in spoke.full()}
    assert len(offers) == 62
    hat = offers["hat"]
    assert hat.product is not None
    assert (hat.state, hat.product.category, hat.product.description, hat.price.amount) == ("paused", "head", "Warm", 1250)
    assert len([level async for level in spoke.levels()]) == 63


@pytest.mark.parametrize(
    ("fault", "error"),
    [("broken", Unsure), ("down", Unsure), ("unauthorized", NeedsReauth), ("missing", Misconfigured), ("redirect", Misconfigured),
     ("garbage", Unsure), ("oversized", Unsure), ("packed", AdapterError), ("odd", AdapterError)],
)  # fmt: skip
async def test_each_failure_has_its_class(shop: Shop, open_spoke: Open, fault: str, error: type[AdapterError]) -> None:
    spoke = await open_spoke()
    shop.fault(fault)
    with pytest.raises(AdapterError) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert type(caught.value) is error
    assert KEY not in str(caught.value)
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1")), Reserved)


@pytest.mark.parametrize("said", [{}, {"order": None}, {"order": {"id": "order_1"}}, {"order": {"id": 1, "status": "pending"}}, []])
async def test_an_answer_without_what_was_asked_for_is_none(shop: Shop, open_spoke: Open, said: Any) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.answers.append(said)
    with pytest.raises(Unsure, match="answer is none"):
        await spoke.ship(orders.ship("s1"), key("h1"))


async def test_another_key_is_refused(open_spoke: Open) -> None:
    spoke = await open_spoke(api_key="sk_stale")
    with pytest.raises(NeedsReauth, match="Unauthorized"):
        await spoke.reserve(orders.reserve("s1"), key("r1"))


def priced(amount: float, **rules: Any) -> dict[str, Any]:
    return {"amount": amount, "currency_code": "eur", "price_rules": [{"attribute": name, "value": value} for name, value in rules.items()]}


def ruled(**rules: str) -> dict[str, Any]:
    return {"rules": [{"attribute": name, "operator": "eq", "value": value} for name, value in rules.items()]}


@pytest.mark.parametrize(
    ("each", "price"),
    [
        (option("so_A1", 4.99), 499),
        (option("so_A1", 0), 0),
        (option("so_A1", 4.99, **ruled(is_return="false", enabled_in_store="true")), 499),
        (option("so_A1", prices=[priced(5), priced(4, region_id=REGION), priced(0, item_total=50), priced(3, region_id="reg_2")]), 400),
        (option("so_A1", prices=[priced(5, item_total=50)]), None),
        (option("so_A1", prices=[priced(4, region_id=REGION, item_total=50)]), None),
        (option("so_A1", prices=[priced(5) | {"currency_code": "usd"}]), None),
        (option("so_A1", 4.999), None),
        (option("so_A1", 4.99, price_type="calculated"), None),
        (option("so_A1", 4.99, **ruled(is_return="true")), None),
        (option("so_A1", 4.99, **ruled(enabled_in_store="false")), None),
        (option("so_A1", 4.99, **ruled(customer_group="cusgroup_1")), None),
        (option("so_A1", 4.99, service_zone_id="serzo_2"), None),
        (option("so_A1", prices=None, rules=None), None),
    ],
)
async def test_a_way_that_is_open_to_every_order_at_one_price_is_a_rate(
    shop: Shop, open_spoke: Open, each: dict[str, Any], price: int | None
) -> None:
    shop.options = [each]
    rates = await (await open_spoke()).rates()
    assert [(rate.code, rate.price.amount) for rate in rates] == ([] if price is None else [("so_a1", price)])


async def test_rates_are_read_to_the_end_and_without_a_zone_not_at_all(shop: Shop, open_spoke: Open) -> None:
    shop.options = [option(f"so_{number}", 1) for number in range(60)]
    assert len(await (await open_spoke()).rates()) == 60
    asked = shop.asked
    assert await (await open_spoke(shipping_zone="")).rates() == []
    assert shop.asked == asked
