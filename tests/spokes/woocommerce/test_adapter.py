"""A WooCommerce shop holds units by an order on hold, sends what is set processing, and does nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from spokes.web.failures import Unsure
from spokes.woocommerce.adapter import WooCommerce
from tests.spokes.faulty import RETRY_AFTER
from tests.spokes.told import Told, key, opener
from tests.spokes.woocommerce.shop import KEY, SECRET, WEBHOOK_SECRET, ZONE, Shop, a_shop, method
from tests.vendor_sdk import orders
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry
from vendor_sdk.feeds import Price, Rate
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Shipped,
    Shortfall,
)

KEYS = {"consumer_key": KEY, "consumer_secret": SECRET, "webhook_secret": WEBHOOK_SECRET}
Open = Callable[..., Awaitable[WooCommerce]]


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with a_shop() as shop:
        shop.stock("mug", 5)
        yield shop


@pytest_asyncio.fixture
async def open_spoke(shop: Shop, tmp_path: Path) -> AsyncIterator[Open]:
    async with opener(WooCommerce, {"url": shop.url, "allow_private": True, "settle": 0, **KEYS}, tmp_path) as opening:
        yield opening


async def test_a_sub_order_from_its_reservation_to_its_arrival(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    assert await spoke.reserve(orders.reserve("s1"), key("r1")) == Reserved(sub_order_id="s1", reference="700")
    assert (shop.units("mug"), shop.orders[700]["status"]) == (3, "on-hold")
    assert "billing" not in shop.orders[700]
    assert await spoke.submit(orders.submit("s1"), key("o1")) == Accepted(sub_order_id="s1", reference="700")
    order = shop.orders[700]
    assert (order["line_items"][0]["total"], order["shipping_lines"][0]["total"], order["currency"]) == ("25.00", "4.99", "EUR")
    assert (order["shipping"]["last_name"], order["shipping"]["postcode"]) == ("Ada Buyer", "1000-001")
    assert await spoke.ship(orders.ship("s1"), key("h1")) == Pending(sub_order_id="s1")
    assert order["status"] == "processing"
    shop.trackings[700] = [{"tracking_provider": "DHL", "tracking_number": "T1"}, {"tracking_provider": "DHL", "tracking_number": "T2"}]
    shop.set_status(order, "completed")
    parcels = [Parcel(carrier="DHL", tracking_number=number) for number in ("T1", "T2")]
    assert await spoke.ship(orders.ship("s1"), key("h1", attempt=2)) == Shipped(sub_order_id="s1", parcels=parcels)
    assert await spoke.track(orders.track("s1"), key("t1")) == Pending(sub_order_id="s1")
    assert await spoke.recall(orders.recall("s1", "o1"), key("c1")) == Kept(sub_order_id="s1")
    shop.set_status(order, "delivered")
    assert await spoke.track(orders.track("s1"), key("t1")) == Delivered(sub_order_id="s1")
    assert len(shop.orders) == 1


async def test_what_is_short_or_unknown_is_said_and_what_is_given_back_is_free(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    refused = await spoke.reserve(orders.reserve("s1", quantity=9), key("r1"))
    assert refused == Refused(sub_order_id="s1", reason="out_of_stock", short=[Shortfall(sku="mug", quantity=4)])
    refused = await spoke.reserve(orders.reserve("s1", sku="hat"), key("r2"))
    assert refused == Refused(sub_order_id="s1", reason="unknown_sku", short=[Shortfall(sku="hat", quantity=2, reason="unknown_sku")])
    assert isinstance(await spoke.reserve(orders.reserve("s1", sku="a,b"), key("r3")), Refused)
    await spoke.reserve(orders.reserve("s2", quantity=5), key("r4"))
    for _ in range(2):
        assert await spoke.release(orders.release("s2", "r4"), key("l4")) == Released(sub_order_id="s2")
    assert await spoke.release(orders.release("s9", "r9"), key("l9")) == Released(sub_order_id="s9")
    assert shop.units("mug") == 5


async def test_units_are_counted_where_the_shop_counts(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.stock("free", None)
    shop.stock("gone", None, stock_status="outofstock")
    shop.stock("late", 0, stock_status="onbackorder", backorders="yes")
    shop.stock("red", 2, type="variation", parent_id=101)
    assert isinstance(await spoke.reserve(orders.reserve("s1", sku="free", quantity=999), key("r1")), Reserved)
    assert isinstance(await spoke.reserve(orders.reserve("s2", sku="gone"), key("r2")), Refused)
    assert isinstance(await spoke.reserve(orders.reserve("s3", sku="late"), key("r3")), Refused)
    assert isinstance(await spoke.reserve(orders.reserve("s4", sku="red"), key("r4")), Reserved)
    assert shop.units("red") == 0


async def test_the_last_units_go_to_one(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    answers = await asyncio.gather(*(spoke.reserve(orders.reserve(f"s{n}"), key(f"r{n}")) for n in range(5)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 2
    assert shop.units("mug") == 1


async def test_when_the_shops_own_checkout_was_quicker_nothing_is_held(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.sold_elsewhere = [("mug", 4)]
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1")), Refused)
    assert (shop.units("mug"), shop.orders[700]["status"]) == (1, "cancelled")
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Refused)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_order_that_was_made_and_not_heard_of_is_found_again(shop: Shop, open_spoke: Open, restarted: bool) -> None:
    spoke = await open_spoke()
    for _ in range(130):
        shop.make([])
    shop.fault("unheard", after=1)
    with pytest.raises(Unsure):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    spoke = await open_spoke() if restarted else spoke
    assert await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)) == Reserved(sub_order_id="s1", reference="830")
    assert len(shop.orders) == 131
    assert shop.units("mug") == 3


async def test_an_order_that_the_shop_may_still_be_making_is_waited_for(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(settle=60)
    shop.fault("hangup", after=1)
    with pytest.raises(Unsure):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    with pytest.raises(Retry, match="still") as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2))
    assert 50 < (caught.value.retry_after or 0) <= 60
    spoke = await open_spoke()
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)
    assert len(shop.orders) == 1


async def test_a_busy_shop_has_surely_made_nothing(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(settle=60)
    shop.fault("busy", after=1)
    with pytest.raises(Retry) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert caught.value.retry_after == RETRY_AFTER
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)


@pytest.mark.parametrize("fault", ["packed", "oversized", "garbage", "no_http", "spent", "walled", "unheard"])
async def test_an_order_that_was_made_is_found_again_whatever_was_answered(shop: Shop, open_spoke: Open, fault: str) -> None:
    spoke = await open_spoke()
    shop.fault(fault, after=1)
    with pytest.raises(AdapterError):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)) == Reserved(sub_order_id="s1", reference="700")
    assert (len(shop.orders), shop.units("mug")) == (1, 3)


async def test_an_order_that_is_found_canceled_is_no_reservation(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.fault("unheard", after=1)
    with pytest.raises(Unsure):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    shop.set_status(shop.orders[700], "cancelled")
    for attempt in (2, 3):
        assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=attempt)), Refused)
    assert len(shop.orders) == 1


async def test_a_refusal_of_the_shops_own_has_surely_made_nothing(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(settle=60)
    shop.refuses = "woocommerce_rest_invalid_product_id"
    with pytest.raises(AdapterError, match="woocommerce_rest_invalid_product_id"):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)


async def test_of_two_orders_of_one_command_one_is_left(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.fault("hangup", after=1)
    with pytest.raises(Unsure):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    for _ in range(2):
        late = shop.make([{"product_id": 101, "quantity": 2}], [{"key": "_wheelwright_command", "value": "r1"}])
        shop.set_status(late, "on-hold")
    assert await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)) == Reserved(sub_order_id="s1", reference="700")
    assert [order["status"] for order in shop.orders.values()] == ["on-hold", "cancelled"]
    assert shop.units("mug") == 3


async def test_asked_again_at_any_call_it_is_done_once(shop: Shop, open_spoke: Open) -> None:
    """Each call in turn is done and not heard of; at the end there is one order, with one shipping line."""
    spoke = await open_spoke()
    for command, name in ((spoke.reserve, "r1"), (spoke.submit, "o1"), (spoke.ship, "h1")):
        body: Any = {"r1": orders.reserve, "o1": orders.submit, "h1": orders.ship}[name]("s1")
        for at in range(4):
            shop.recover()
            shop.fault("unheard", after=at)
            try:
                await command(body, key(name, attempt=at + 1))
            except Unsure:
                continue
    (order,) = shop.orders.values()
    assert (order["status"], len(order["shipping_lines"]), shop.units("mug")) == ("processing", 1, 3)


async def test_a_reservation_that_nobody_gave_back_makes_room_when_it_is_over(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.reserve(replace(orders.reserve("s1", quantity=5), expires_at=orders.later(0.05)), key("r1"))
    await asyncio.sleep(0.1)
    assert isinstance(await spoke.reserve(orders.reserve("s2"), key("r2")), Reserved)
    assert shop.orders[700]["status"] == "cancelled"
    await spoke.submit(orders.submit("s2"), key("o2"))
    await spoke.release(orders.release("s2", "r2"), key("l2"))
    assert shop.orders[701]["status"] == "on-hold"


async def test_a_submit_without_or_beside_its_reservation_holds_its_own(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1")), Accepted)
    await spoke.reserve(orders.reserve("s2", quantity=3), key("r2"))
    for _ in range(2):
        assert isinstance(await spoke.submit(orders.submit("s2", quantity=1), key("o2")), Accepted)
    assert [order["status"] for order in shop.orders.values()] == ["on-hold", "cancelled", "on-hold"]
    assert shop.units("mug") == 2
    assert isinstance(await spoke.submit(orders.submit("s3", quantity=3), key("o3")), Declined)


async def test_an_order_that_the_vendor_has_edited_is_left_as_it_is(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.orders[700]["line_items"][0]["quantity"] = 1
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), Accepted)
    assert [order["status"] for order in shop.orders.values()] == ["on-hold"]


async def test_a_recall_cancels_and_what_was_canceled_is_not_sent(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    await spoke.ship(orders.ship("s1"), key("h1"))
    for _ in range(2):
        assert await spoke.recall(orders.recall("s1", "o1"), key("c1")) == Recalled(sub_order_id="s1")
    assert await spoke.recall(orders.recall("never", "o9"), key("c9")) == Recalled(sub_order_id="never")
    assert (shop.units("mug"), shop.orders[700]["status"]) == (5, "cancelled")
    with pytest.raises(Rejected):
        await spoke.ship(orders.ship("s1"), key("h1"))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("on-hold", Accepted),
        ("processing", Accepted),
        ("completed", Accepted),
        ("delivered", Accepted),
        ("cancelled", Declined),
        ("refunded", Declined),
        ("failed", Declined),
        ("trash", Declined),
        ("pending", Pending),
        ("checkout-draft", Pending),
        ("wc-packing", Pending),
    ],
)
async def test_every_status_means_something_and_an_unknown_one_nothing_yet(
    shop: Shop, open_spoke: Open, status: str, answer: type[object]
) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.orders[700]["status"] = status
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), answer)
    if answer is Declined:
        with pytest.raises(Rejected, match=status):
            await spoke.ship(orders.ship("s1"), key("h1"))
    else:
        assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
        assert shop.orders[700]["status"] == ("processing" if status in {"on-hold", "pending"} else status)


async def test_parcels_are_read_where_the_settings_say(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(tracking="meta")
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.set_status(shop.orders[700], "completed")
    assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    shop.orders[700]["meta_data"] += [{"key": "_tracking_number", "value": "T9"}, {"key": "_tracking_provider", "value": "GLS"}]
    assert await spoke.ship(orders.ship("s1"), key("h1")) == Shipped(
        sub_order_id="s1", parcels=[Parcel(carrier="GLS", tracking_number="T9")]
    )
    spoke = await open_spoke(tracking="none", carrier="Bike")
    assert await spoke.ship(orders.ship("s1"), key("h1")) == Shipped(
        sub_order_id="s1", parcels=[Parcel(carrier="Bike", tracking_number="700")]
    )
    shop.has_extension = False
    spoke = await open_spoke()
    with pytest.raises(Misconfigured, match="rest_no_route"):
        await spoke.ship(orders.ship("s1"), key("h1"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [("broken", Unsure), ("down", Unsure), ("unauthorized", NeedsReauth), ("missing", Misconfigured), ("redirect", Misconfigured),
     ("garbage", Unsure), ("oversized", AdapterError), ("odd", AdapterError)],
)  # fmt: skip
async def test_each_failure_has_its_class(shop: Shop, open_spoke: Open, fault: str, error: type[AdapterError]) -> None:
    spoke = await open_spoke()
    shop.fault(fault)
    with pytest.raises(AdapterError) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1")), Reserved)


async def test_other_keys_are_refused(open_spoke: Open) -> None:
    spoke = await open_spoke(consumer_secret="stale")
    with pytest.raises(NeedsReauth, match="woocommerce_rest_cannot_view"):
        await spoke.reserve(orders.reserve("s1"), key("r1"))


async def test_an_order_deleted_for_good_is_gone(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    del shop.orders[700]
    with pytest.raises(Rejected, match="no order"):
        await spoke.ship(orders.ship("s1"), key("h1"))
    assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Recalled)


async def test_a_webhook_makes_us_look_and_a_strangers_does_not(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    await spoke.ship(orders.ship("s1"), key("h1"))
    told = spoke.facts
    assert isinstance(told, Told)
    lie = b'{"id": 700, "status": "completed"}'
    await spoke.hear(shop.webhook(lie), lie)
    assert told.facts == {}
    shop.set_status(shop.orders[700], "completed")
    shop.trackings[700] = [{"tracking_provider": "DHL", "tracking_number": "T1"}]
    for headers in ({}, shop.webhook(lie, "other"), {"X-WC-Webhook-Signature": "ü"}):
        with pytest.raises(NeedsReauth):
            await spoke.hear(headers, lie)
    for _ in range(2):
        await spoke.hear(shop.webhook(lie), lie)
    assert list(told.facts) == [("h1", "shipping.shipped")]
    for odd in (b'{"id": 1}', b'{"webhook_id": 7}'):
        if odd == b'{"id": 1}':
            await spoke.hear(shop.webhook(odd), odd)
        else:
            with pytest.raises(AdapterError):
                await spoke.hear(shop.webhook(odd), odd)
    assert len(told.facts) == 1


async def test_the_methods_of_one_zone_are_its_rates(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke(shipping_zone=ZONE, shipping_days=3)
    shop.methods = [
        method(26, "flat_rate", cost="4,90", class_cost_92="", no_class_cost=""),
        method(27, "free_shipping", requires="", min_amount="0"),
        method(28, "flat_rate", cost="12"),
    ]
    assert await spoke.rates() == [
        Rate(code="flat_rate-26", name="Flat Rate", price=Price(amount=490, currency="EUR"), days=3),
        Rate(code="free_shipping-27", name="Free Shipping", price=Price(amount=0, currency="EUR"), days=3),
        Rate(code="flat_rate-28", name="Flat Rate", price=Price(amount=1200, currency="EUR"), days=3),
    ]


@pytest.mark.parametrize(
    "each",
    [
        method(1, "flat_rate", cost="4.90", enabled=False),
        method(1, "flat_rate", cost=""),
        method(1, "flat_rate", cost="10.00 * [qty]"),
        method(1, "flat_rate", cost="4.905"),
        method(1, "flat_rate", cost="1.234,50"),
        method(1, "flat_rate", cost="-1"),
        method(1, "flat_rate", cost="4.90", class_cost_92="2"),
        method(1, "flat_rate", cost="4.90", no_class_cost="2"),
        method(1, "free_shipping", requires="min_amount", min_amount="50"),
        method(1, "local_pickup", cost="0"),
        method(1, "table_rate", has_settings=False),
    ],
)
async def test_what_has_no_one_price_for_every_order_is_no_rate(shop: Shop, open_spoke: Open, each: dict[str, Any]) -> None:
    shop.methods = [each]
    assert await (await open_spoke(shipping_zone=ZONE)).rates() == []


async def test_without_a_zone_nothing_is_asked_and_a_zone_that_is_not_there_is_named(shop: Shop, open_spoke: Open) -> None:
    assert await (await open_spoke()).rates() == []
    assert shop.asked == 0
    with pytest.raises(Misconfigured, match="shipping zone"):
        await (await open_spoke(shipping_zone=ZONE + 1)).rates()
