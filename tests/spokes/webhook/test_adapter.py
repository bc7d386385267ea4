"""The webhook adapter asks a vendor's server, believes what is signed, and calls each failure by its name."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from spokes.web.failures import Unsure
from spokes.webhook.adapter import Webhook
from spokes.webhook.settings import Settings
from spokes.webhook.signing import read_keys, sign
from tests.spokes.faulty import RETRY_AFTER
from tests.spokes.told import Told, key
from tests.spokes.webhook.vendor import OTHER, SECRET, Vendor, a_vendor, rate
from tests.vendor_sdk import orders
from vendor_sdk.adapter import read_config
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry
from vendor_sdk.feeds import Price, Rate
from vendor_sdk.messages import (
    Accepted,
    Delivered,
    Kept,
    Message,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Shipped,
    Shortfall,
)
from vendor_sdk.ports import ask


@pytest_asyncio.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with a_vendor() as vendor:
        vendor.stock("mug", 5)
        yield vendor


@pytest_asyncio.fixture
async def shop(vendor: Vendor, tmp_path: Path) -> AsyncIterator[Webhook]:
    shop = Webhook("acme", Settings(url=f"{vendor.url}/", secret=SECRET, allow_private=True), Told(), tmp_path)
    await shop.open()
    yield shop
    await shop.close()


async def test_a_sub_order_from_its_reservation_to_its_arrival(shop: Webhook, vendor: Vendor) -> None:
    assert await shop.reserve(orders.reserve("s1"), key("r1")) == Reserved(sub_order_id="s1", reference="R-r1")
    assert vendor.units == {"mug": 3}
    assert await shop.submit(orders.submit("s1"), key("o1")) == Accepted(sub_order_id="s1")
    shipped = Shipped(sub_order_id="s1", parcels=[Parcel(carrier="Post", tracking_number="T-h1")])
    assert await shop.ship(orders.ship("s1"), key("h1")) == shipped
    assert await shop.track(orders.track("s1"), key("t1")) == Pending(sub_order_id="s1")
    vendor.arrived.add("s1")
    assert await shop.track(orders.track("s1"), key("t1")) == Delivered(sub_order_id="s1")
    assert await shop.recall(orders.recall("s1", "o1"), key("c1")) == Kept(sub_order_id="s1")


async def test_what_is_short_is_said_and_what_is_given_back_is_free(shop: Webhook, vendor: Vendor) -> None:
    refused = await shop.reserve(orders.reserve("s1", quantity=9), key("r1"))
    assert refused == Refused(sub_order_id="s1", reason="out_of_stock", short=[Shortfall(sku="mug", quantity=4)])
    await shop.reserve(orders.reserve("s2", quantity=5), key("r2"))
    for _ in range(2):
        assert await shop.release(orders.release("s2", "r2"), key("l2")) == Released(sub_order_id="s2")
    assert vendor.units == {"mug": 5}
    assert await shop.recall(orders.recall("never", "o9"), key("c9")) == Recalled(sub_order_id="never")


async def test_asked_again_after_an_answer_that_was_not_heard_it_is_done_once(shop: Webhook, vendor: Vendor) -> None:
    for command, command_id in ((orders.reserve("s1"), "r1"), (orders.submit("s1"), "o1"), (orders.ship("s1"), "h1")):
        vendor.fault("unheard")
        with pytest.raises(Retry):
            await ask(shop, command, key(command_id))
        await ask(shop, command, key(command_id, attempt=2))
    assert vendor.effects == ["r1", "o1", "h1"]
    assert all(len(bodies) == 1 for bodies in vendor.bodies.values())


async def test_pending_is_answered_when_it_is_asked_again(shop: Webhook, vendor: Vendor) -> None:
    vendor.slow = True
    assert isinstance(await shop.submit(orders.submit("s1"), key("o1")), Pending)
    vendor.decide("s1")
    assert isinstance(await shop.submit(orders.submit("s1"), key("o1", attempt=2)), Accepted)


@pytest.mark.parametrize("said", ["orders.on_hold", "stock.reserved", ""])
async def test_an_unknown_word_is_pending_and_never_a_yes(shop: Webhook, vendor: Vendor, said: str) -> None:
    vendor.says = (200, {"type": said, "data": {"sub_order_id": "s1"}})
    assert await shop.submit(orders.submit("s1"), key("o1")) == Pending(sub_order_id="s1")
    with pytest.raises(AdapterError, match="at once") as caught:
        await shop.release(orders.release("s1", "r1"), key("l1"))
    assert caught.value.code == "failed"


async def test_202_is_pending_where_that_is_an_answer(shop: Webhook, vendor: Vendor) -> None:
    vendor.says = (202, {})
    assert isinstance(await shop.ship(orders.ship("s1"), key("h1")), Pending)
    with pytest.raises(AdapterError, match="at once"):
        await shop.reserve(orders.reserve("s1"), key("r1"))


@pytest.mark.parametrize(
    ("fault", "error", "wait"),
    [
        ("busy", Retry, RETRY_AFTER),
        ("down", Unsure, RETRY_AFTER),
        ("broken", Unsure, None),
        ("hangup", Unsure, None),
        ("unauthorized", NeedsReauth, None),
        ("forbidden", NeedsReauth, None),
        ("missing", Misconfigured, None),
        ("not_allowed", Misconfigured, None),
        ("gone", Misconfigured, None),
        ("redirect", Misconfigured, None),
        ("odd", Unsure, None),
        ("garbage", Unsure, None),
        ("oversized", AdapterError, None),
        ("packed", AdapterError, None),
    ],
)
async def test_each_failure_has_its_class(shop: Webhook, vendor: Vendor, fault: str, error: type[AdapterError], wait: float | None) -> None:
    vendor.fault(fault)
    with pytest.raises(AdapterError) as caught:
        await shop.submit(orders.submit("s1"), key("o1"))
    assert (type(caught.value), caught.value.retry_after) == (error, wait)
    assert vendor.asked == 1
    assert isinstance(await shop.submit(orders.submit("s1"), key("o1", attempt=2)), Accepted)


async def test_a_vendor_that_never_answers_holds_up_nobody_else(shop: Webhook, vendor: Vendor) -> None:
    vendor.fault("silence")
    silent = asyncio.ensure_future(shop.submit(orders.submit("s1"), key("o1")))
    await vendor.is_silent.wait()
    assert isinstance(await shop.submit(orders.submit("s2"), key("o2")), Accepted)
    assert not silent.done()
    silent.cancel()


async def test_where_nobody_listens_it_is_asked_again(tmp_path: Path) -> None:
    async with a_vendor() as vendor:
        pass
    shop = Webhook("acme", Settings(url=vendor.url, secret=SECRET, allow_private=True), Told(), tmp_path)
    await shop.open()
    with pytest.raises(Retry):
        await shop.reserve(orders.reserve("s1"), key("r1"))
    await shop.close()


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_signed_refusal_is_a_business_answer_and_an_unsigned_one_is_not(shop: Webhook, vendor: Vendor, status: int) -> None:
    vendor.says = (status, {"reason": "no_longer_sold", "detail": "since May"})
    with pytest.raises(Rejected, match="since May") as caught:
        await shop.reserve(orders.reserve("s1"), key("r1"))
    assert caught.value.reason == "no_longer_sold"
    vendor.says = (status, {"reason": "No Longer Sold!"})
    with pytest.raises(AdapterError) as odd:
        await shop.reserve(orders.reserve("s1"), key("r1"))
    assert odd.value.code == "failed"


async def test_data_of_another_form_is_no_answer(shop: Webhook, vendor: Vendor) -> None:
    vendor.says = (200, {"type": "shipping.shipped", "data": {"sub_order_id": "s1", "parcels": [{"carrier": ""}]}})
    with pytest.raises(AdapterError, match="parcels"):
        await shop.ship(orders.ship("s1"), key("h1"))


async def test_an_answer_by_a_stranger_of_yesterday_or_for_another_command_is_not_believed(shop: Webhook, vendor: Vendor) -> None:
    vendor.signs_for = "o2"
    with pytest.raises(AdapterError, match="another call"):
        await shop.submit(orders.submit("s1"), key("o1"))
    vendor.signs_for, vendor.late = None, timedelta(minutes=6)
    with pytest.raises(NeedsReauth, match="300 s"):
        await shop.submit(orders.submit("s1"), key("o1"))
    vendor.late = timedelta(minutes=-6)
    with pytest.raises(NeedsReauth, match="300 s"):
        await shop.submit(orders.submit("s1"), key("o1"))


async def test_during_a_rotation_either_side_may_be_first(tmp_path: Path) -> None:
    for secret in (SECRET, OTHER):
        async with a_vendor(secret) as vendor:
            vendor.stock("mug", 5)
            shop = Webhook("acme", Settings(url=vendor.url, secret=f"{OTHER} {SECRET}", allow_private=True), Told(), tmp_path)
            await shop.open()
            assert isinstance(await shop.submit(orders.submit("s1"), key("o1")), Accepted)
            await shop.close()


async def test_with_another_secret_neither_side_believes_the_other(vendor: Vendor, tmp_path: Path) -> None:
    shop = Webhook("acme", Settings(url=vendor.url, secret=OTHER, allow_private=True), Told(), tmp_path)
    await shop.open()
    with pytest.raises(AdapterError):
        await shop.reserve(orders.reserve("s1"), key("r1"))
    await shop.close()
    assert vendor.units == {"mug": 5}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"url": "http://shop.example.com"}, "https"),
        ({"url": "https://user:pass@shop.example.com"}, "user"),
        ({"url": "https://"}, "host"),
        ({"secret": ""}, "secret"),
        ({"secret": "whsec_äöü"}, "base64"),
        ({"secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"secrets": []}, "secrets"),
    ],
)
def test_settings_that_cannot_work_are_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named) as caught:
        read_config(Webhook, {"url": "https://shop.example.com", "secret": SECRET} | wrong)
    assert "c2hvcnQ" not in str(caught.value)


async def test_a_callback_is_told_once_and_a_strangers_never(shop: Webhook) -> None:
    body = b'{"type": "orders.accepted", "command_id": "o1", "data": {"sub_order_id": "s1"}}'
    headers = {name.title(): value for name, value in sign(read_keys(SECRET), "msg_1", int(time.time()), body).items()}
    for _ in range(2):
        await shop.hear(headers, body)
    told = shop.facts
    assert isinstance(told, Told)
    accepted: Message = Accepted(sub_order_id="s1")
    assert told.facts == {("o1", "orders.accepted"): accepted}
    with pytest.raises(NeedsReauth):
        await shop.hear(headers, body.replace(b"o1", b"o2"))
    with pytest.raises(NeedsReauth):
        await shop.hear({}, body)


@pytest_asyncio.fixture
async def rated(vendor: Vendor, tmp_path: Path) -> AsyncIterator[Webhook]:
    shop = Webhook("acme", Settings(url=vendor.url, secret=SECRET, rates=True, allow_private=True), Told(), tmp_path)
    await shop.open()
    yield shop
    await shop.close()


async def test_rates_are_asked_for_under_an_id_of_their_own(rated: Webhook, vendor: Vendor) -> None:
    vendor.rates = [rate(), rate("express", 990)]
    post, express = await rated.rates()
    assert post == Rate(code="post", name="Post", price=Price(amount=490, currency="EUR"), days=3)
    assert express.code == "express"
    await rated.rates()
    assert set.union(*vendor.bodies.values()) == {b'{"type":"shipping.rates","data":{}}'}
    assert len(vendor.bodies) == 2


async def test_who_serves_no_rates_is_not_asked_and_who_has_none_yet_tells_none(shop: Webhook, rated: Webhook, vendor: Vendor) -> None:
    assert await shop.rates() == []
    assert vendor.asked == 0
    vendor.says = (202, {})
    assert await rated.rates() == []


@pytest.mark.parametrize(
    "said",
    [
        {"type": "shipping.shipped", "data": {"rates": []}},
        {"type": "shipping.rates"},
        {"type": "shipping.rates", "data": {"rates": [{**rate(), "days": "three"}]}},
        {"type": "shipping.rates", "data": {"rates": [{**rate(), "price": {"amount": 4.9, "currency": "EUR"}}]}},
    ],
)
async def test_half_a_price_list_is_none(rated: Webhook, vendor: Vendor, said: dict[str, Any]) -> None:
    vendor.says = (200, said)
    with pytest.raises(AdapterError, match="rates") as caught:
        await rated.rates()
    assert caught.value.code == "failed"


async def test_rates_of_a_stranger_are_not_believed(rated: Webhook, vendor: Vendor) -> None:
    vendor.signs_for = "rates_of_yesterday"
    with pytest.raises(AdapterError, match="another"):
        await rated.rates()
    vendor.fault("garbage")
    with pytest.raises(Unsure):
        await rated.rates()
