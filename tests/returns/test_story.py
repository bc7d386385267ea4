"""Bought, delivered, sent back, refunded and for sale again: over HTTP, the broker and the provider's sandbox."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import text

from tests.world import ALL, Building, World


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """One vendor whose spoke does returns, one that works by hand."""
    folder = scratch / f"returns-{database_url.rsplit('/', 1)[1]}"
    async with Building(database_url, folder, {"acme": (*ALL, "returns"), "dora": ()}) as built:
        yield built


async def bought(world: World, vendor: str, sku: str, quantity: int) -> dict[str, Any]:
    """An order that has arrived and is settled."""
    placed = await world.place((vendor, sku, quantity))
    for act, body in (("accept", {}), ("shipments", {"parcels": [{"carrier": "post", "tracking_number": "1"}]}), ("delivery", None)):
        if vendor == "dora":
            await by_hand(world, placed["sub_orders"][0]["id"], act, body)
    return await world.until(placed["id"], "completed")


async def by_hand(world: World, sub_order_id: str, act: str, body: Any) -> None:
    """The vendor says it, as soon as it is awaited."""
    deadline = time.monotonic() + 15
    while True:
        answer = await world("dora", "POST", f"/v1/vendor/orders/{sub_order_id}/{act}", body)
        if answer.status_code != 409:
            return
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.05)


async def ask(world: World, order: dict[str, Any], quantity: int, reason: str, **headers: str) -> Any:
    """The buyer wants to send units of the only line back."""
    line = order["sub_orders"][0]["lines"][0]["id"]
    body = {"lines": [{"line_id": line, "quantity": quantity, "reason": reason}], "note": "sorry"}
    return await world("ada", "POST", f"/v1/orders/{order['id']}/returns", body, **headers)


async def until(world: World, order_id: str, state: str) -> dict[str, Any]:
    """The order's only return once it is in that state."""
    deadline = time.monotonic() + 15
    while True:
        [it] = (await world("ada", "GET", f"/v1/orders/{order_id}/returns")).json()
        if it["state"] == state:
            return it
        assert time.monotonic() < deadline, f"still {it['state']}: {await world.story(order_id)}"
        await asyncio.sleep(0.05)


async def in_stock(world: World, vendor: str, sku: str) -> int:
    return (await world(vendor, "GET", f"/v1/vendor/offers/{sku}")).json()["stock"]


async def provider_holds(world: World) -> int:
    return sum(movement["net"] for movement in world.sandbox.store.find("balance_transaction", "", []))


async def test_bought_three_returned_two_one_damaged(world: World) -> None:
    order = await bought(world, "acme", "fragile", 3)
    sold, held = await in_stock(world, "acme", "fragile"), await provider_holds(world)
    asked = await ask(world, order, 2, "not_as_described", idempotency_key="back-1")
    again = await ask(world, order, 2, "not_as_described", idempotency_key="back-1")
    assert (asked.status_code, again.headers["idempotent-replayed"], again.json()) == (201, "true", asked.json())
    [it] = asked.json()
    assert (it["state"], it["pays_shipping"], it["vendor"]) == ("requested", "vendor", "acme")
    it = await until(world, order["id"], "refunded")
    assert it["reference"].startswith("RMA-")
    assert [(line["good"], line["damaged"], line["rejected"]) for line in it["lines"]] == [(1, 1, 0)]
    await world.settled(order["id"])
    [refund] = (await world("olga", "GET", "/v1/admin/refunds")).json()["data"]
    said = {name: refund[name]["amount"] for name in ("amount", "share", "commission", "from_reversal", "from_debt")}
    assert (refund["id"], refund["state"]) == (it["refund_id"], "succeeded")
    assert said == {"amount": 2000, "share": 1800, "commission": 200, "from_reversal": 1800, "from_debt": 0}
    assert await provider_holds(world) == held - 2000 + 1800
    assert (await world("ada", "GET", f"/v1/orders/{order['id']}")).json()["payment"]["refunded"]["amount"] == 2000
    assert await in_stock(world, "acme", "fragile") == sold + 1
    assert await restocked(world, order["id"]) == [("done", [{"sku": "fragile", "quantity": 1}])]
    assert await world.breaches() == []
    rest = await ask(world, order, 2, "changed_mind")
    assert (rest.status_code, rest.json()["type"], rest.json()["field"]) == (409, "/problems/too_many", "/lines/0/quantity")


async def restocked(world: World, order_id: str) -> list[Any]:
    """What the vendor was told to count again, and whether it has answered."""
    async with world.wiring.database.reading() as tx:
        rows = await tx.rows(text("SELECT state, payload FROM steps WHERE saga_id = :id AND kind = 'stock.restock'"), {"id": order_id})
    return [(row.state, row.payload["items"]) for row in rows]


async def test_a_vendor_without_a_spoke_does_it_by_hand(world: World) -> None:
    order = await bought(world, "dora", "vase", 1)
    sold = await in_stock(world, "dora", "vase")
    [it] = (await ask(world, order, 1, "changed_mind")).json()
    [seen] = (await world("dora", "GET", "/v1/vendor/returns?state=requested")).json()["data"]
    assert (seen["id"], seen["note"], seen["pays_shipping"]) == (it["id"], "sorry", "buyer")
    assert (await world("acme", "GET", f"/v1/vendor/returns/{it['id']}")).status_code == 404
    assert (await world("acme", "POST", f"/v1/vendor/returns/{it['id']}/refuse", {"reason": "mine"})).status_code == 404
    agreed = await world("dora", "POST", f"/v1/vendor/returns/{it['id']}/authorize", {"instructions": "to the shop"})
    assert (agreed.status_code, agreed.json()["state"], agreed.json()["instructions"]) == (200, "authorized", "to the shop")
    parcel = {"parcel": {"carrier": "post", "tracking_number": "7"}}
    assert (await world("bob", "POST", f"/v1/orders/{order['id']}/returns/{it['id']}/shipment", parcel)).status_code == 404
    sent = await world("ada", "POST", f"/v1/orders/{order['id']}/returns/{it['id']}/shipment", parcel)
    assert (sent.status_code, sent.json()["state"]) == (201, "in_transit")
    wrong = await world("dora", "POST", f"/v1/vendor/returns/{it['id']}/receive", {"items": [{"sku": "vase", "good": 2}]})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "/items/0")
    received = await world("dora", "POST", f"/v1/vendor/returns/{it['id']}/receive", {"items": [{"sku": "vase", "good": 1}]})
    assert (received.status_code, received.json()["state"]) == (200, "received")
    await until(world, order["id"], "refunded")
    await world.settled(order["id"])
    assert (await world("ada", "GET", f"/v1/orders/{order['id']}")).json()["payment"]["refunded"]["amount"] == 1490
    assert await in_stock(world, "dora", "vase") == sold + 1
    assert await restocked(world, order["id"]) == []
    assert await world.breaches() == []


async def test_what_is_wrong_is_named(world: World) -> None:
    order = await bought(world, "acme", "mug", 1)
    line = order["sub_orders"][0]["lines"][0]["id"]
    for lines, status, field in (
        ([], 400, "/lines"),
        ([{"line_id": "line_none", "quantity": 1, "reason": "damaged"}], 422, "/lines/0/line_id"),
        ([{"line_id": line, "quantity": 1, "reason": "damaged"}] * 2, 422, "/lines/1/line_id"),
        ([{"line_id": line, "quantity": 0, "reason": "damaged"}], 400, "/lines/0/quantity"),
        ([{"line_id": line, "quantity": 1, "reason": "no idea"}], 400, "/lines/0/reason"),
        ([{"line_id": line, "quantity": 2, "reason": "damaged"}], 409, "/lines/0/quantity"),
    ):
        answer = await world("ada", "POST", f"/v1/orders/{order['id']}/returns", {"lines": lines})
        assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert (await ask(world, order, 1, "damaged")).status_code == 201
    assert (await world("bob", "GET", f"/v1/orders/{order['id']}/returns")).status_code == 404
