"""The same conversation with a real hub and with the emulator: the same statuses, the same shapes, the same refusals."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.shop import Shop, open_shop
from tests.vendor_sdk.emulator.markets import PRICE, SKU, VENDOR, Market, of_the_emulator, of_the_hub

OFFER = {"price": {"amount": PRICE, "currency": "EUR"}, "stock": 100, "product": {"title": "A mug", "category": "test"}}
PARCELS = {"parcels": [{"carrier": "post", "tracking_number": "T-1"}]}
NUMBER = f"{SKU}-{PRICE}"
KNOWN = "/a state that is none/field"
"""The hub calls the parameter by the name that it has in its own code."""
ENDPOINT = {"url": "http://127.0.0.1:9/hook"}


@pytest_asyncio.fixture
async def shop(database_url: str) -> AsyncGenerator[Shop]:
    shop = await open_shop(database_url, VENDOR, settings={"WHEELWRIGHT__NOTIFICATIONS__ALLOW_PRIVATE": "true"})
    yield shop
    await shop.close()


class Talk:
    """What a vendor's software asks, and how it is answered, by what it was about."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.heard: dict[str, Any] = {}

    async def __call__(self, about: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The body of the answer; of the whole, the shape is kept."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.market.http.request(method, f"/v1/vendor/{path}", json=body, headers=sent)
        found = answer.json()
        heard = {"status": answer.status_code, "type": answer.headers["content-type"].partition(";")[0], "etag": "etag" in answer.headers}
        heard["replayed"] = answer.headers.get("idempotent-replayed")
        if answer.status_code >= 400:
            heard |= {name: found.get(name) for name in ("type", "title", "status", "field")} | {"facts": sorted(found.get("facts", {}))}
        else:
            heard["shape"] = shape(found)
        assert about not in self.heard
        self.heard[about] = heard
        if method == "POST":
            await self.market.tell()
        return found


def shape(value: Any) -> Any:
    """The names and types of an answer; of a list that of its first element."""
    kind = type(value).__name__
    if kind == "dict":
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value[:1]] if kind == "list" else kind


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path."""
    kind = type(value).__name__
    named: Any = value.items() if kind == "dict" else enumerate(value) if kind == "list" else ()
    return {name: leaf for key, each in named for name, leaf in flat(each, f"{path}/{key}").items()} or {path: value}


def different(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Where the two are not the same."""
    names = sorted({*theirs, *ours})
    return [f"{name}: {theirs.get(name)} there, {ours.get(name)} here" for name in names if theirs.get(name) != ours.get(name)]


async def offers(talk: Talk) -> None:
    await talk("no offer yet", "GET", f"offers/{NUMBER}")
    await talk("an offer", "PUT", f"offers/{NUMBER}", OFFER)
    await talk("the same", "GET", f"offers/{NUMBER}")
    await talk("a stale edit", "PUT", f"offers/{NUMBER}", OFFER, If_Match='"77"')
    await talk("a wrong type", "PUT", f"offers/{NUMBER}", OFFER | {"stock": "many"})
    await talk("a wrong type within", "PUT", f"offers/{NUMBER}", OFFER | {"price": {"amount": -1, "currency": "EUR"}})
    await talk("an unknown field", "PUT", f"offers/{NUMBER}", OFFER | {"size": "large"})
    await talk("a product missing", "PUT", "offers/new", {"price": OFFER["price"], "stock": 1})
    await talk("a count", "PUT", f"offers/{NUMBER}/stock", {"stock": 50})
    await talk("a count of nothing", "PUT", "offers/none/stock", {"stock": 50})
    await talk("many", "POST", "offers", {"offers": [OFFER | {"sku": "a"}, OFFER | {"sku": "b"}]})
    await talk("one twice", "POST", "offers", {"offers": [OFFER | {"sku": "a"}, OFFER | {"sku": "a"}]})
    await talk("all", "GET", "offers")


async def reading(talk: Talk) -> None:
    await talk("no orders", "GET", "orders")
    await talk("no balance", "GET", "balance")
    await talk("an unknown order", "GET", "orders/sub_none")
    await talk("no limit", "GET", "orders?limit=0")
    await talk("a limit that is none", "GET", "orders?limit=ten")
    await talk("a cursor that is none", "GET", "orders?cursor=%21")
    await talk("a state that is none", "GET", "orders?state=lost")
    await talk("nothing there", "GET", "elsewhere")
    await talk("a wrong method", "DELETE", "orders")
    talk.market.http.headers["Authorization"], key = "Bearer nobody", talk.market.http.headers["Authorization"]
    await talk("a wrong key", "GET", "orders")
    talk.market.http.headers["Authorization"] = key


async def an_order(talk: Talk) -> None:
    sub = await talk.market.order(2)
    await talk("asked", "GET", f"orders/{sub}")
    await talk("those that are asked", "GET", "orders?state=routed")
    await talk("those that are due", "GET", "orders?due_within=100000")
    await talk("too early to ship", "POST", f"orders/{sub}/shipments", PARCELS)
    await talk("short of what was not ordered", "POST", f"orders/{sub}/accept", {"short": [{"sku": "x", "quantity": 1}]})
    await talk("short of too many", "POST", f"orders/{sub}/accept", {"short": [{"sku": NUMBER, "quantity": 9}]})
    await talk("taken on", "POST", f"orders/{sub}/accept", {}, Idempotency_Key="one")
    await talk("taken on again", "POST", f"orders/{sub}/accept", {}, Idempotency_Key="one")
    await talk("another with the same key", "POST", f"orders/{sub}/decline", {"reason": "no"}, Idempotency_Key="one")
    await talk("a bad key", "POST", f"orders/{sub}/accept", {}, Idempotency_Key="x" * 300)
    await talk("nobody asks any more", "POST", f"orders/{sub}/accept", {})
    await talk.market.settle()
    await talk("to be sent", "GET", f"orders/{sub}")
    await talk("sent in no box", "POST", f"orders/{sub}/shipments", {"parcels": []})
    await talk(
        "sent with a paper that is none", "POST", f"orders/{sub}/shipments", PARCELS | {"documents": [{"kind": "label", "url": "x"}]}
    )
    label = {"kind": "label", "url": "https://acme.example/l.pdf", "name": "Label"}
    await talk("sent", "POST", f"orders/{sub}/shipments", PARCELS | {"documents": [label]})
    await talk("arrived", "POST", f"orders/{sub}/delivery")
    await talk.market.settle()
    await talk("at its end", "GET", f"orders/{sub}")
    await money(talk, sub)


async def money(talk: Talk, sub: str) -> None:
    line = (await talk("its lines", "GET", f"orders/{sub}"))["lines"][0]["id"]
    await talk("its ledger", "GET", f"orders/{sub}/ledger")
    await talk("a balance", "GET", "balance")
    await talk("a statement", "GET", "statements?limit=1")
    await talk("a refund of no line", "POST", f"orders/{sub}/refunds", {"reason": "r", "items": [{"line_id": "x", "quantity": 1}]})
    await talk("of too much", "POST", f"orders/{sub}/refunds", {"reason": "r", "items": [{"line_id": line, "quantity": 9}]})
    await talk("of neither", "POST", f"orders/{sub}/refunds", {"reason": "r", "items": [{"line_id": line}]})
    await talk("of one unit", "POST", f"orders/{sub}/refunds", {"reason": "r", "items": [{"line_id": line, "quantity": 1}]})
    await talk.market.settle()
    await talk("of the rest", "POST", f"orders/{sub}/refunds", {"reason": "r"})
    await talk.market.settle()
    await talk("of nothing", "POST", f"orders/{sub}/refunds", {"reason": "r"})
    await talk("all refunds", "GET", "refunds")


async def others(talk: Talk) -> None:
    declined, part = await talk.market.order(1), await talk.market.order(5)
    await talk("not taken on", "POST", f"orders/{declined}/decline", {"reason": "out_of_stock"})
    await talk("a reason that is none", "POST", f"orders/{declined}/decline", {"reason": "Out of stock!"})
    await talk("no recall is asked", "POST", f"orders/{declined}/recall", {"stopped": True})
    await talk("a refund of what was not paid", "POST", f"orders/{declined}/refunds", {"reason": "r"})
    await talk("taken on in part", "POST", f"orders/{part}/accept", {"short": [{"sku": NUMBER, "quantity": 2}]})
    await talk.market.settle()
    page = await talk("the first page", "GET", "orders?limit=1")
    await talk("the next", "GET", f"orders?limit=1&cursor={page['next_cursor']}")


async def returned(talk: Talk) -> None:
    http = talk.market.http
    hook = (await http.post("/v1/vendor/webhook-endpoints", json=ENDPOINT)).json()["endpoint"]["id"]
    sub = await delivered(talk.market, 4)
    await talk("no returns", "GET", "returns")
    await talk("an unknown return", "GET", "returns/ret_none")
    await talk("an answer about none", "POST", "returns/ret_none/authorize")
    refused = f"returns/{await talk.market.ask_return(sub, 1)}"
    await talk("asked for", "GET", refused)
    await talk("those that are asked for", "GET", "returns?state=requested")
    await talk("back before it was agreed to", "POST", f"{refused}/receive", {"items": [{"sku": NUMBER, "good": 1}]})
    await talk("refused for no reason", "POST", f"{refused}/refuse", {})
    await talk("refused for no word", "POST", f"{refused}/refuse", {"reason": "No, thanks"})
    await talk("refused", "POST", f"{refused}/refuse", {"reason": "not_returnable"}, Idempotency_Key="refused")
    await talk("refused with the same key", "POST", f"{refused}/refuse", {"reason": "not_returnable"}, Idempotency_Key="refused")
    await talk("refused again", "POST", f"{refused}/refuse", {"reason": "not_returnable"})
    await talk("agreed to after all", "POST", f"{refused}/authorize")
    await talk("not taken back", "POST", f"{refused}/receive", {"items": [{"sku": NUMBER, "rejected": 1, "reason": "worn"}]})
    await received(talk, f"returns/{await talk.market.ask_return(sub, 2)}")
    await talk.market.settle()
    page = await talk("a page of returns", "GET", "returns?limit=1")
    await talk("the next page of returns", "GET", f"returns?limit=1&cursor={page['next_cursor']}")
    talk.heard["what was told"] = await told(talk.market)
    await http.delete(f"/v1/vendor/webhook-endpoints/{hook}")


async def received(talk: Talk, it: str) -> None:
    await talk("agreed to with too much", "POST", f"{it}/authorize", {"reference": "x" * 200})
    await talk("agreed to", "POST", f"{it}/authorize", {"reference": "RMA 7", "instructions": "1 Way"})
    await talk("agreed to again", "POST", f"{it}/authorize")
    await talk("refused too late", "POST", f"{it}/refuse", {"reason": "not_returnable"})
    await talk("nothing told", "POST", f"{it}/receive", {"items": []})
    await talk("nothing back", "POST", f"{it}/receive", {"items": [{"sku": NUMBER}]})
    await talk("something else back", "POST", f"{it}/receive", {"items": [{"sku": "x", "good": 1}]})
    await talk("more back than asked", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": 2, "damaged": 1}]})
    await talk("back twice", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": 1}] * 2})
    await talk("less than nothing back", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": -1}]})
    before = await talk.market.http.get(f"/v1/vendor/offers/{NUMBER}")
    await talk("back", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": 1, "damaged": 1}]}, Idempotency_Key="back")
    await talk(
        "back with the same key", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": 1, "damaged": 1}]}, Idempotency_Key="back"
    )
    await talk("back again", "POST", f"{it}/receive", {"items": [{"sku": NUMBER, "good": 1}]})
    after = await talk.market.http.get(f"/v1/vendor/offers/{NUMBER}")
    talk.heard["for sale again"] = after.json()["stock"] - before.json()["stock"]
    await talk.market.settle()
    found = await talk("given back", "GET", it)
    talk.heard["its state"] = found["state"]
    [refund] = [one for one in (await talk.market.http.get("/v1/vendor/refunds")).json()["data"] if one["id"] == found["refund_id"]]
    talk.heard["its refund"] = {name: refund[name] for name in ("amount", "share", "commission", "requested_by")}


async def delivered(market: Market, units: int) -> str:
    """An order that has arrived."""
    sub = await market.order(units)
    for what, body in (("accept", {}), ("shipments", PARCELS), ("delivery", None)):
        answer = await market.http.post(f"/v1/vendor/orders/{sub}/{what}", json=body)
        assert answer.status_code < 300, answer.text
        await market.settle()
    return sub


async def told(market: Market) -> dict[str, Any]:
    """The bodies of webhooks about returns, by their types."""
    found: dict[str, Any] = {}
    for one in reversed((await market.http.get("/v1/vendor/webhook-deliveries?limit=100")).json()["data"]):
        if one["type"].startswith("return."):
            body = json.loads((await market.http.get(f"/v1/vendor/webhook-deliveries/{one['id']}")).json()["body"])
            says = {"state": body["data"]["state"], "reason": body["data"]["reason"], "lines": body["data"]["object"]["lines"]}
            for line in says["lines"]:
                del line["line_id"]
            found.setdefault(one["type"], []).append(says | {"shape": shape(body)})
    return found


async def webhooks(talk: Talk) -> None:
    made = await talk("an endpoint", "POST", "webhook-endpoints", ENDPOINT, Idempotency_Key="hook")
    await talk("its secret is shown once", "POST", "webhook-endpoints", ENDPOINT, Idempotency_Key="hook")
    endpoint = f"webhook-endpoints/{made['endpoint']['id']}"
    await talk("no URL", "POST", "webhook-endpoints", {"url": "ftp://x"})
    await talk("no such type", "POST", "webhook-endpoints", ENDPOINT | {"types": ["order.lost"]})
    await talk("endpoints", "GET", "webhook-endpoints")
    await talk("changed", "PATCH", endpoint, {"types": ["test"]})
    await talk("changed by another", "PATCH", endpoint, {"types": []}, If_Match='"99"')
    test = await talk("a test", "POST", f"{endpoint}/test")
    await talk("deliveries", "GET", "webhook-deliveries")
    await talk("a delivery", "GET", f"webhook-deliveries/{test['id']}")
    await talk("delivered again", "POST", f"webhook-deliveries/{test['id']}/replay")
    await talk("no delivery", "GET", "webhook-deliveries/whd_none")
    await talk("disabled", "PATCH", endpoint, {"state": "disabled"})
    await talk("a test of what is disabled", "POST", f"{endpoint}/test")
    await talk("removed", "DELETE", endpoint)
    await talk("not there any more", "GET", endpoint)


async def conversation(market: Market) -> dict[str, Any]:
    talk = Talk(market)
    for part in (reading, offers, an_order, others, returned, webhooks):
        await part(talk)
    return talk.heard


async def test_the_emulator_answers_as_the_hub_does(shop: Shop, tmp_path: Path) -> None:
    async with of_the_hub(shop) as hub:
        theirs = await conversation(hub)
    async with of_the_emulator(tmp_path) as emulator:
        ours = await conversation(emulator)
    found = [line for line in different(flat(theirs), flat(ours)) if not line.startswith(KNOWN)]
    assert found == [], "\n".join(found)
