"""A vendor with a spoke answers by hand: the same fact by another road, with one effect whichever road is faster."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from hub.checkout.hear import Heard, hear
from hub.embedded.nkey import new_seed, public_of
from hub.kernel.money import Money
from hub.orders import store as orders
from hub.runtime.steps import Outcome
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from tests.checkout.test_races import HELD, PENDING, answer, cancel, capture, lawful, of, order_of, placed, sent
from tests.hub_api import ADDRESS, Api
from vendor_sdk import messages, subjects
from vendor_sdk.messages import Accepted, Declined, Message, Recalled, Shipped

BOX = {"carrier": "DHL", "tracking_number": "JD01"}


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _hand(api: Api) -> None:
    """A vendor whose spoke thinks about everything; no worker sends it anything."""
    standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
    async with api.wiring.database.tx() as tx:
        new = NewVendor(
            code="hand",
            name="Hand",
            country="DE",
            nkey_public=public_of(new_seed()),
            capabilities=["stock", "orders", "shipping"],
            shipping_options=[standard],
        )
        api.keys["hand"] = (await admit(tx, new)).api_key or ""


async def routed(api: Api, sku: str = "mug") -> tuple[str, str]:
    """An order whose vendor still thinks about it, and its one part."""
    order_id = await placed(api, ("hand", sku))
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit", PENDING)
    return order_id, (await order_of(api, order_id))["sub_orders"][0]["id"]


async def accepted(api: Api) -> tuple[str, str]:
    """The same, accepted by hand, paid, and told to be shipped."""
    order_id, part = await routed(api)
    assert (await says(api, part, "accept")).status_code == 200
    await capture(api, order_id)
    await answer(api, order_id, "shipping.ship", PENDING)
    return order_id, part


async def says(api: Api, part: str, what: str, body: Any = None) -> Any:
    return await api("hand", "POST", f"/v1/vendor/orders/{part}/{what}", body)


async def spoke_says(api: Api, order_id: str, asked: str, kind: str, body: Message) -> None:
    """The event of the vendor's spoke, as its stream has it."""
    step = (await of(api, order_id, asked))[-1]
    name = subjects.event_id(step.id, kind)
    headers = {messages.COMMAND_ID: step.id, messages.EVENT_ID: name, messages.MSG_ID: f"{name}.1"}
    subject = subjects.event("hand", kind)
    heard = Heard(vendor="hand", subject=subject, headers=headers, body=messages.encode(body), told_at=datetime.now(UTC))  # noqa: TID251  # the test stands for the broker
    await hear(api.wiring.database, api.wiring.timing, heard)


async def story(api: Api, order_id: str) -> list[str]:
    moments = (await api("olga", "GET", f"/v1/admin/orders/{order_id}/timeline")).json()
    return [f"{moment['life']}.{moment['event']}" for moment in moments]


async def test_what_is_accepted_by_hand_is_not_accepted_or_declined_again_by_the_spoke(api: Api) -> None:
    order_id, part = await routed(api)
    assert (await says(api, part, "accept")).json()["state"] == "accepted"
    before = await story(api, order_id)
    await spoke_says(api, order_id, "orders.submit", "orders.accepted", Accepted(sub_order_id=part))
    await spoke_says(api, order_id, "orders.submit", "orders.declined", Declined(sub_order_id=part, reason="out_of_stock"))
    assert await story(api, order_id) == before
    assert (await order_of(api, order_id))["sub_orders"][0]["state"] == "accepted"
    await lawful(api)


async def test_what_the_spoke_has_accepted_is_not_awaited_by_hand(api: Api) -> None:
    order_id, part = await routed(api)
    await spoke_says(api, order_id, "orders.submit", "orders.accepted", Accepted(sub_order_id=part))
    late = await says(api, part, "decline", {"reason": "out_of_stock"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/not_awaited")
    assert late.json()["facts"]["state"] == "accepted"


async def test_both_roads_at_once_accept_once(api: Api) -> None:
    order_id, part = await routed(api)
    by_hand, *_ = await asyncio.gather(
        says(api, part, "accept"),
        *(spoke_says(api, order_id, "orders.submit", "orders.accepted", Accepted(sub_order_id=part)) for _ in range(3)),
    )
    assert by_hand.status_code in {200, 409}
    assert (await story(api, order_id)).count("sub_order.accept") == 1
    await lawful(api)


async def test_an_event_that_comes_three_times_at_once_is_heard_once_and_by_all(api: Api) -> None:
    order_id, part = await routed(api)
    said = (api, order_id, "orders.submit", "orders.accepted", Accepted(sub_order_id=part))
    async with api.wiring.database.tx() as tx:
        await orders.lock(tx, order_id)
        twins = [asyncio.create_task(spoke_says(*said)) for _ in range(3)]
        await asyncio.sleep(0.3)
        assert not any(twin.done() for twin in twins), "each has found that it is news, and waits"
    await asyncio.gather(*twins)
    assert (await story(api, order_id)).count("sub_order.accept") == 1
    await lawful(api)


async def test_a_part_is_accepted_partly_and_the_rest_is_not_charged(api: Api) -> None:
    offer = await api.offer("pair", vendor="hand", stock=1000)
    cart = await api.cart()
    assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 2})).status_code == 200
    quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
    body = {"quote_id": quote["id"], "payment_method": "pm_card_visa", "on_shortage": "partial"}
    order_id = (await api("ada", "POST", "/v1/orders", body)).json()["id"]
    await answer(api, order_id, "stock.reserve")
    await answer(api, order_id, "payment.authorize", HELD)
    await answer(api, order_id, "orders.submit", PENDING)
    part = (await order_of(api, order_id))["sub_orders"][0]["id"]
    wrong = await says(api, part, "accept", {"short": [{"sku": "elsewhere", "quantity": 1}]})
    assert wrong.status_code == 422, wrong.text
    short = {"short": [{"sku": "pair", "quantity": 1, "reason": "damaged"}]}
    assert (await says(api, part, "accept", short)).json()["lines"][0]["quantity"] == 1
    parts = (await order_of(api, order_id))["sub_orders"]
    assert {(each["state"], each["lines"][0]["quantity"]) for each in parts} == {("accepted", 1), ("declined", 1)}
    await lawful(api)


async def test_each_part_says_what_it_waits_for_and_until_when(api: Api) -> None:
    order_id, part = await routed(api)

    async def awaits() -> Any:
        view = (await api("hand", "GET", f"/v1/vendor/orders/{part}")).json()
        return view["awaits"], view

    said, view = await awaits()
    assert said == {"answer": "acceptance", "by": view["accept_by"]}
    assert said["by"] is not None
    await says(api, part, "accept")
    assert (await awaits())[0] is None, "nobody is to ship what is not paid"
    await capture(api, order_id)
    said, view = await awaits()
    assert said == {"answer": "shipment", "by": view["ship_by"]}
    await says(api, part, "shipments", {"parcels": [BOX]})
    said, view = await awaits()
    assert said == {"answer": "delivery", "by": view["deliver_by"]}
    await says(api, part, "delivery")
    assert (await awaits())[0] is None


async def test_a_buyer_who_cancels_is_answered_by_hand(api: Api) -> None:
    order_id, part = await accepted(api)
    assert await cancel(api, order_id) == 200
    assert (await api("hand", "GET", f"/v1/vendor/orders/{part}")).json()["awaits"] == {"answer": "recall", "by": None}
    stopped = await says(api, part, "recall", {"stopped": True})
    assert (stopped.status_code, stopped.json()["state"]) == (200, "canceled")
    assert len(await of(api, order_id, "payment.refund")) == 1
    await spoke_says(api, order_id, "orders.recall", "orders.recalled", Recalled(sub_order_id=part))
    late = await says(api, part, "shipments", {"parcels": [BOX]})
    assert (late.status_code, late.json()["facts"]["state"]) == (409, "canceled")
    assert len(await of(api, order_id, "payment.refund")) == 1
    await lawful(api)


async def test_what_has_left_is_kept_and_shipped(api: Api) -> None:
    order_id, part = await accepted(api)
    assert await cancel(api, order_id) == 200
    kept = await says(api, part, "recall", {"stopped": False, "reason": "already_packed"})
    assert (kept.json()["state"], kept.json()["reason"]) == ("accepted", "already_packed")
    again = await says(api, part, "recall", {"stopped": True})
    assert (again.status_code, again.json()["facts"]["state"]) == (409, "accepted")
    assert (await says(api, part, "shipments", {"parcels": [BOX]})).json()["state"] == "shipped"
    assert await of(api, order_id, "payment.refund") == []
    await lawful(api)


async def test_a_recall_and_a_shipment_at_once_end_in_one_of_the_two(api: Api) -> None:
    order_id, part = await accepted(api)
    assert await cancel(api, order_id) == 200
    shipped, _ = await asyncio.gather(
        says(api, part, "shipments", {"parcels": [BOX]}),
        spoke_says(api, order_id, "orders.recall", "orders.recalled", Recalled(sub_order_id=part)),
    )
    [sub] = (await order_of(api, order_id))["sub_orders"]
    assert (shipped.status_code, sub["state"]) in {(201, "shipped"), (409, "canceled")}
    assert len(await of(api, order_id, "payment.refund")) == (sub["state"] == "canceled")
    await lawful(api)


async def test_a_shipment_told_by_both_roads_is_one(api: Api) -> None:
    order_id, part = await accepted(api)
    parcels = [messages.Parcel(carrier="DHL", tracking_number="JD01")]
    assert (await says(api, part, "shipments", {"parcels": [BOX]})).status_code == 201
    await spoke_says(api, order_id, "shipping.ship", "shipping.shipped", Shipped(sub_order_id=part, parcels=parcels))
    assert (await order_of(api, order_id))["sub_orders"][0]["parcels"] == [BOX]
    await answer(api, order_id, "shipping.track", Outcome.ok())
    assert (await says(api, part, "delivery")).status_code == 409
    await lawful(api)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("accept", None),
        ("decline", {"reason": "out_of_stock"}),
        ("shipments", {"parcels": [BOX]}),
        ("recall", {"stopped": True}),
        ("delivery", None),
    ],
)
async def test_nobody_answers_for_another_vendor(api: Api, what: str, body: Any) -> None:
    order_id, part = await routed(api)
    await sent(api)
    foreign = await api("acme", "POST", f"/v1/vendor/orders/{part}/{what}", body)
    assert (foreign.status_code, foreign.json()["type"]) == (404, "/problems/unknown_order")
    assert (await order_of(api, order_id))["sub_orders"][0]["state"] == "routed"


@pytest.mark.parametrize(
    ("body", "field"), [({}, "/stopped"), ({"stopped": "yes"}, "/stopped"), ({"stopped": False, "reason": "No Way"}, "/reason")]
)
async def test_an_answer_to_a_recall_that_is_none_names_its_field(api: Api, body: Any, field: str) -> None:
    wrong = await says(api, "sub_1", "recall", body)
    assert (wrong.status_code, wrong.json()["field"]) == (400, field)
