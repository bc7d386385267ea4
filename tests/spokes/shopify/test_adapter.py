"""A Shopify shop sets units aside, makes an unpaid order of them and sends what is paid; nothing twice, and never more than it has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from spokes.shopify.adapter import Shopify
from spokes.web.failures import Unsure
from tests.spokes.faulty import RETRY_AFTER
from tests.spokes.shopify.shop import LOCATION, TOKEN, Shop, a_shop, throttled
from tests.spokes.told import key, opener
from tests.vendor_sdk import orders
from vendor_sdk.adapter import read_config
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry
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

Open = Callable[..., Awaitable[Shopify]]


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    async with a_shop() as shop:
        shop.stock("mug", 5)
        yield shop


@pytest_asyncio.fixture
async def open_spoke(shop: Shop, tmp_path: Path) -> AsyncIterator[Open]:
    async with opener(Shopify, {"url": shop.url, "access_token": TOKEN, "location": LOCATION, "allow_private": True}, tmp_path) as opening:
        yield opening


def level(available: int, reserved: int, committed: int) -> dict[str, int]:
    return {"available": available, "reserved": reserved, "committed": committed}


async def test_a_sub_order_from_its_reservation_to_its_arrival(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1")), Reserved)
    assert shop.level("mug") == level(3, 2, 0)
    assert await spoke.submit(orders.submit("s1"), key("o1")) == Accepted(sub_order_id="s1", reference="#1001")
    assert shop.level("mug") == level(3, 0, 2)
    asked = shop.orders["s1"]["asked"]
    money = {"amount": "12.50", "currencyCode": "EUR"}
    assert (asked["financialStatus"], asked["lineItems"][0]["priceSet"]["shopMoney"]) == ("PENDING", money)
    assert (asked["shippingAddress"]["lastName"], asked["shippingAddress"]["countryCode"]) == ("Ada Buyer", "PT")
    assert await spoke.ship(orders.ship("s1"), key("h1")) == Pending(sub_order_id="s1")
    assert not shop.orders["s1"]["canMarkAsPaid"]
    sent = shop.fulfill("s1", ["T1", "T2"])
    parcels = [Parcel(carrier="DHL", tracking_number=number) for number in ("T1", "T2")]
    assert await spoke.ship(orders.ship("s1"), key("h1", attempt=2)) == Shipped(sub_order_id="s1", parcels=parcels)
    assert await spoke.track(orders.track("s1"), key("t1")) == Pending(sub_order_id="s1")
    assert await spoke.recall(orders.recall("s1", "o1"), key("c1")) == Kept(sub_order_id="s1")
    sent["displayStatus"] = "DELIVERED"
    assert await spoke.track(orders.track("s1"), key("t1")) == Delivered(sub_order_id="s1")


async def test_what_is_short_or_unknown_is_said_and_what_is_given_back_is_free(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.stock("mug deluxe", 9)
    shop.stock("endless", 0, tracked=False)
    refused = await spoke.reserve(orders.reserve("s1", quantity=9), key("r1"))
    assert refused == Refused(sub_order_id="s1", reason="out_of_stock", short=[Shortfall(sku="mug", quantity=4)])
    for odd in ("hat", 'x" OR sku:"mug', "mug delux"):
        refused = await spoke.reserve(orders.reserve("s2", sku=odd), key("r2"))
        assert isinstance(refused, Refused)
        assert refused.reason == "unknown_sku"
    assert isinstance(await spoke.reserve(orders.reserve("s3", sku="endless", quantity=99), key("r3")), Reserved)
    await spoke.reserve(orders.reserve("s4", quantity=5), key("r4"))
    for _ in range(2):
        assert await spoke.release(orders.release("s4", "r4"), key("l4")) == Released(sub_order_id="s4")
    assert await spoke.release(orders.release("s9", "r9"), key("l9")) == Released(sub_order_id="s9")
    assert shop.level("mug") == level(5, 0, 0)


async def test_the_last_units_go_to_one_also_when_others_sell_meanwhile(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.sold_elsewhere = 1
    answers = await asyncio.gather(*(spoke.reserve(orders.reserve(f"s{n}"), key(f"r{n}")) for n in range(4)))
    assert sum(isinstance(answer, Reserved) for answer in answers) == 2
    assert shop.level("mug") == level(0, 4, 0)


@pytest.mark.parametrize("restarted", [False, True])
async def test_asked_again_at_any_call_it_is_done_once(shop: Shop, open_spoke: Open, restarted: bool) -> None:
    """Each call in turn is done and not heard of, also with a restart after it."""
    spoke = await open_spoke()
    for name, ask, times in (("r1", orders.reserve, 3), ("o1", orders.submit, 5), ("h1", orders.ship, 3)):
        for at in range(times):
            shop.recover()
            shop.fault("unheard", after=at)
            spoke = await _reopened(open_spoke, shop, at) if restarted else spoke
            verb: Any = {"r1": spoke.reserve, "o1": spoke.submit, "h1": spoke.ship}[name]
            try:
                await verb(ask("s1"), key(name, attempt=at + 1))
            except Unsure:
                continue
    assert shop.level("mug") == level(3, 0, 2)
    assert len(shop.orders) == 1


async def _reopened(open_spoke: Open, shop: Shop, at: int) -> Shopify:
    shop.recover()
    spoke = await open_spoke()
    shop.fault("unheard", after=at)
    return spoke


async def test_what_may_have_been_set_aside_is_given_back(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    for fault in ("unheard", "hangup"):
        shop.fault(fault, after=1)
        with pytest.raises(Unsure):
            await spoke.reserve(orders.reserve("s1"), key(f"r-{fault}"))
        await spoke.release(orders.release("s1", f"r-{fault}"), key(f"l-{fault}"))
        assert shop.level("mug") == level(5, 0, 0)


async def test_an_order_that_a_lost_call_made_is_not_made_twice(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.late, shop.orders = shop.orders, {}
    shop.errors = [("orderCreate", "INVALID")]
    assert await spoke.submit(orders.submit("s1"), key("o1", attempt=2)) == Accepted(sub_order_id="s1", reference="#1001")


async def test_without_a_reservation_the_order_claims_what_is_there_and_no_more(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    assert isinstance(await spoke.submit(orders.submit("s1", quantity=5), key("o1")), Accepted)
    with pytest.raises(Rejected) as caught:
        await spoke.submit(orders.submit("s2", quantity=1), key("o2"))
    assert caught.value.reason == "out_of_stock"
    assert isinstance(await spoke.submit(orders.submit("s3", sku="hat"), key("o3")), Declined)
    assert shop.level("mug") == level(0, 0, 5)


async def test_a_reservation_that_nobody_gave_back_makes_room_when_it_is_over(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.reserve(replace(orders.reserve("s1", quantity=5), expires_at=orders.later(0.05)), key("r1"))
    await asyncio.sleep(0.1)
    assert isinstance(await spoke.reserve(orders.reserve("s2"), key("r2")), Reserved)
    assert shop.level("mug") == level(3, 2, 0)
    assert isinstance(await spoke.submit(orders.submit("s1", quantity=3), key("o1")), Accepted)
    assert shop.level("mug") == level(0, 2, 3)


async def test_a_recall_cancels_and_what_was_canceled_is_not_sent(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.cancels_later = True
    with pytest.raises(Retry, match="canceling"):
        await spoke.recall(orders.recall("s1", "o1"), key("c1"))
    shop.cancels_later = False
    for _ in range(2):
        assert await spoke.recall(orders.recall("s1", "o1"), key("c1")) == Recalled(sub_order_id="s1")
    assert shop.level("mug") == level(5, 0, 0)
    assert await spoke.recall(orders.recall("never", "o9"), key("c9")) == Recalled(sub_order_id="never")
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), Declined)
    for name in ("s1", "never"):
        with pytest.raises(Rejected):
            await spoke.ship(orders.ship(name), key("h1"))


async def test_a_status_that_nobody_has_heard_of_is_no_yes(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.unheard_of = True
    assert isinstance(await spoke.submit(orders.submit("s1"), key("o1", attempt=2)), Pending)
    assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    assert isinstance(await spoke.track(orders.track("s1"), key("t1")), Pending)


@pytest.mark.parametrize("status", ["UNFULFILLED", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "PARTIALLY_FULFILLED", "REQUEST_DECLINED"])
async def test_what_is_not_sent_as_a_whole_is_pending(shop: Shop, open_spoke: Open, status: str) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.fulfill("s1", ["T1"], status)["displayStatus"] = "DELIVERED"
    assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    assert isinstance(await spoke.track(orders.track("s1"), key("t1")), Pending)
    kept = status == "PARTIALLY_FULFILLED"
    assert isinstance(await spoke.recall(orders.recall("s1", "o1"), key("c1")), Kept if kept else Recalled)


async def test_a_parcel_without_a_number_is_waited_for_or_not_as_the_settings_say(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.submit(orders.submit("s1"), key("o1"))
    shop.fulfill("s1", ["T0"])["status"] = "CANCELLED"
    shop.fulfill("s1", [])
    assert isinstance(await spoke.ship(orders.ship("s1"), key("h1")), Pending)
    spoke = await open_spoke(untracked=True, carrier="Bike")
    parcels = [Parcel(carrier="Bike", tracking_number="#1001")]
    assert await spoke.ship(orders.ship("s1"), key("h1")) == Shipped(sub_order_id="s1", parcels=parcels)


@pytest.mark.parametrize(
    ("cost", "available", "rate", "seconds"), [(752, 652, 50, 2.0), (10, 666, 50, 0.1), (10, 0, 0, 1.0), (1e9, 0, 1, 3600.0)]
)
async def test_throttled_it_says_how_long_the_bucket_takes(
    shop: Shop, open_spoke: Open, cost: float, available: float, rate: float, seconds: float
) -> None:
    spoke = await open_spoke()
    shop.refuses = [throttled(cost, available, rate)]
    with pytest.raises(Retry, match="THROTTLED") as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert caught.value.retry_after == seconds
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1")), Reserved)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}, NeedsReauth),
        ({"errors": [{"message": "no", "extensions": {"code": "SHOP_INACTIVE"}}]}, Misconfigured),
        ({"errors": [{"message": "no", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, Unsure),
        ({"errors": [{"message": "no", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}, AdapterError),
        ({"errors": [{"message": "no"}]}, AdapterError),
        ({"errors": []}, AdapterError),
        ({"data": None}, Unsure),
        ({"data": {}}, Unsure),
        ({"data": {"productVariants": {"nodes": [{"id": 7}]}}}, Unsure),
    ],
)
async def test_a_query_that_is_not_run_has_its_class(
    shop: Shop, open_spoke: Open, reply: dict[str, Any], error: type[AdapterError]
) -> None:
    spoke = await open_spoke()
    shop.refuses = [reply]
    with pytest.raises(AdapterError) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SERVICE_UNAVAILABLE", Retry),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", Retry),
        ("MOVE_QUANTITIES_FAILED", Retry),
        ("INVALID_LOCATION", Misconfigured),
        ("INVALID_REASON", AdapterError),
    ],
)
async def test_a_move_that_fails_has_its_class_and_is_made_when_asked_again(
    shop: Shop, open_spoke: Open, code: str, error: type[AdapterError]
) -> None:
    spoke = await open_spoke()
    shop.errors = [("inventoryMoveQuantities", code)]
    with pytest.raises(AdapterError, match=code) as caught:
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert type(caught.value) is error
    assert isinstance(await spoke.reserve(orders.reserve("s1"), key("r1", attempt=2)), Reserved)
    assert shop.level("mug") == level(3, 2, 0)


async def test_what_changes_faster_than_we_look_is_asked_again(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.errors = [("inventoryMoveQuantities", "CHANGE_FROM_QUANTITY_STALE")] * 4
    with pytest.raises(Retry, match="faster"):
        await spoke.reserve(orders.reserve("s1"), key("r1"))
    assert isinstance(await spoke.reserve(orders.reserve("s1", quantity=3), key("r1")), Reserved)


async def test_what_could_not_be_given_back_is_given_back_once_that_is_mended(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    await spoke.reserve(orders.reserve("s1"), key("r1"))
    for _ in range(2):
        shop.errors = [("inventoryMoveQuantities", "INVALID_LOCATION")]
        with pytest.raises(Misconfigured):
            await spoke.release(orders.release("s1", "r1"), key("l1"))
    shop.fault("unheard")
    with pytest.raises(Unsure):
        await spoke.release(orders.release("s1", "r1"), key("l1"))
    await spoke.release(orders.release("s1", "r1"), key("l1"))
    assert shop.level("mug") == level(5, 0, 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("busy", Retry), ("down", Unsure), ("broken", Unsure), ("unauthorized", NeedsReauth), ("missing", Misconfigured),
     ("redirect", Misconfigured), ("garbage", Unsure), ("oversized", AdapterError)],
)  # fmt: skip
async def test_each_failure_has_its_class(shop: Shop, open_spoke: Open, fault: str, error: type[AdapterError]) -> None:
    spoke = await open_spoke()
    shop.fault(fault)
    with pytest.raises(AdapterError) as caught:
        await spoke.ship(orders.ship("s1"), key("h1"))
    assert type(caught.value) is error
    assert caught.value.retry_after == (RETRY_AFTER if fault in {"busy", "down"} else None)
    assert TOKEN not in str(caught.value)


async def test_it_does_not_open_with_another_token_and_opens_twice_with_its_own(shop: Shop, open_spoke: Open) -> None:
    with pytest.raises(NeedsReauth):
        await open_spoke(access_token="stale")
    for _ in range(2):
        await open_spoke()
    shop.errors = [("metafieldDefinitionCreate", "RESOURCE_TYPE_LIMIT_EXCEEDED")]
    with pytest.raises(Misconfigured):
        await open_spoke()


async def test_two_variants_of_one_sku_are_a_mistake_of_the_shop(shop: Shop, open_spoke: Open) -> None:
    spoke = await open_spoke()
    shop.stock("mug", 1)
    with pytest.raises(Misconfigured, match="mug"):
        await spoke.reserve(orders.reserve("s1"), key("r1"))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"url": "http://acme.example"}, "url"),
        ({"location": "1"}, "location"),
        ({"access_token": ""}, "access_token"),
        ({"shop": "x"}, "shop"),
    ],
)
def test_settings_that_cannot_work_are_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        read_config(Shopify, {"url": "https://acme.example", "access_token": TOKEN, "location": LOCATION} | wrong)
