"""Refunds and disputes over HTTP: who may ask, what is answered, what is refused."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest_asyncio

from hub.app import create_app
from hub.orders.model import Order
from hub.runtime import auth
from hub.runtime.database import Actor
from tests.hub_api import serving
from tests.shop import Shop


class Desk:
    """The API, spoken to as somebody."""

    def __init__(self, http: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._http = http
        self._keys = keys

    async def __call__(self, who: str, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self._keys[who]}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self._http.request(method, path, json=json, headers=sent)


@pytest_asyncio.fixture(scope="module")
async def desk(shop: Shop) -> AsyncGenerator[Desk]:
    """Keys for the buyer, another buyer, both vendors and an operator."""
    people = {
        "ada": shop.buyer,
        "eve": Actor("customer", "cus_eve"),
        "acme": Actor("vendor", "acme"),
        "bolt": Actor("vendor", "bolt"),
        "olga": Actor("operator", "olga"),
    }
    async with shop.wiring.database.tx() as tx:
        keys = {name: await auth.issue(tx, actor) for name, actor in people.items()}
    async with serving(create_app(shop.wiring)) as http:
        yield Desk(http, keys)


async def sold(shop: Shop) -> Order:
    return await shop.paid(("acme", "mug", 1000, 3), ("bolt", "nut", 500, 1))


async def test_a_vendor_gives_one_mug_back(shop: Shop, desk: Desk) -> None:
    order = await sold(shop)
    acme = order.sub_orders[0]
    ask = {"reason": "chipped", "items": [{"line_id": acme.lines[0].id, "quantity": 1}]}
    path = f"/v1/vendor/orders/{acme.id}/refunds"
    first = await desk("acme", "POST", path, ask, Idempotency_Key="one")
    again = await desk("acme", "POST", path, ask, Idempotency_Key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    await shop.run()
    (seen,) = (await desk("ada", "GET", f"/v1/orders/{order.id}/refunds")).json()
    assert (seen["state"], seen["amount"]) == ("succeeded", {"amount": 1000, "currency": "EUR"})
    assert "commission" not in seen
    mine = (await desk("acme", "GET", "/v1/vendor/refunds")).json()["data"][0]
    assert (mine["share"]["amount"], mine["commission"]["amount"], mine["from_held"]["amount"]) == (900, 100, 900)
    assert (await desk("bolt", "GET", "/v1/vendor/refunds")).json()["data"] == []
    whole = (await desk("ada", "GET", f"/v1/orders/{order.id}")).json()
    assert whole["payment"]["refunded"]["amount"] == 1000


async def test_nobody_gives_back_what_is_anothers(shop: Shop, desk: Desk) -> None:
    order = await sold(shop)
    acme = order.sub_orders[0]
    ask = {"reason": "mine?"}
    assert (await desk("bolt", "POST", f"/v1/vendor/orders/{acme.id}/refunds", ask)).status_code == 404
    assert (await desk("ada", "POST", f"/v1/vendor/orders/{acme.id}/refunds", ask)).status_code == 403
    assert (await desk("acme", "POST", f"/v1/admin/sub-orders/{acme.id}/refunds", ask)).status_code == 403
    assert (await desk("eve", "GET", f"/v1/orders/{order.id}/refunds")).status_code == 404
    assert await shop.refunds(order.id) == []


async def test_an_operator_gives_everything_back(shop: Shop, desk: Desk) -> None:
    order = await sold(shop)
    answer = await desk("olga", "POST", f"/v1/admin/orders/{order.id}/refunds", {"reason": "recall"})
    assert (answer.status_code, len(answer.json())) == (201, 2)
    await shop.run()
    again = await desk("olga", "POST", f"/v1/admin/orders/{order.id}/refunds", {"reason": "recall"})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "nothing_to_refund")
    one = (await desk("olga", "GET", f"/v1/admin/refunds/{answer.json()[0]['id']}")).json()
    assert one["state"] == "succeeded"
    retried = await desk("olga", "POST", f"/v1/admin/refunds/{one['id']}/retry")
    assert (retried.status_code, retried.json()["type"].rpartition("/")[2]) == (409, "not_failed")
    assert await shop.breaches() == []


async def test_what_is_asked_wrongly_is_refused_by_field(shop: Shop, desk: Desk) -> None:
    order = await sold(shop)
    acme = order.sub_orders[0]
    line = acme.lines[0].id
    path = f"/v1/admin/sub-orders/{acme.id}/refunds"
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({}, 400, "/reason"),
        ({"reason": "r", "items": []}, 400, "/items"),
        ({"reason": "r", "items": [{"line_id": line, "quantity": 4}]}, 422, "/items/0/quantity"),
        ({"reason": "r", "items": [{"line_id": line, "amount": -1}]}, 400, "/items/0/amount"),
        ({"reason": "r", "items": [{"line_id": line, "amount": 1}, {"line_id": line, "amount": 1}]}, 422, "/items/1/line_id"),
        ({"reason": "r", "items": [{"line_id": order.sub_orders[1].lines[0].id, "amount": 1}]}, 422, "/items/0/line_id"),
        ({"reason": "r", "mood": "bad"}, 400, "/mood"),
    ]
    for body, status, field in wrong:
        answer = await desk("olga", "POST", path, body)
        assert (answer.status_code, answer.json().get("field") or "") == (status, field), (body, answer.text)
    assert (await desk("olga", "POST", "/v1/admin/sub-orders/sub_none/refunds", {"reason": "r"})).status_code == 404
    assert await shop.refunds(order.id) == []


async def test_disputes_are_seen(shop: Shop, desk: Desk) -> None:
    order = await sold(shop)
    reference = await shop.dispute(order.id)
    listed = (await desk("olga", "GET", "/v1/admin/disputes")).json()["data"]
    mine = next(each for each in listed if each["reference"] == reference)
    assert (mine["state"], mine["order_id"], mine["amount"]["amount"]) == ("open", order.id, order.total)
    assert (await desk("olga", "GET", f"/v1/admin/disputes/{mine['id']}")).json() == mine
    assert (await desk("ada", "GET", f"/v1/orders/{order.id}")).json()["payment"]["disputed"]
    refused = await desk("acme", "POST", f"/v1/vendor/orders/{order.sub_orders[0].id}/refunds", {"reason": "sorry"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "disputed")
    await shop.close_dispute(reference, "won")
