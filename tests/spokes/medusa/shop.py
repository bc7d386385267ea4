"""A Medusa server as far as the adapter calls it: the answers are those of Medusa 2.21, to which `test_contract.py` holds it.

That creating a draft counts what is free and sets nothing aside, that converting it does, that a fulfillment takes the units off
the stock and its cancellation sets them aside again, are its workflows of `@medusajs/core-flows`.
"""

import base64
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.spokes.faulty import Faulty, serving

KEY = "sk_1"
LOCATION, CHANNEL, REGION, OPTION, ZONE = "sloc_1", "sc_1", "reg_1", "so_1", "serzo_1"
SETTINGS = {
    "api_key": KEY,
    "location": LOCATION,
    "sales_channel": CHANNEL,
    "region": REGION,
    "shipping_option": OPTION,
    "shipping_zone": ZONE,
    "allow_private": True,
}
Thing = dict[str, Any]
BY_STAMP = {"canceled_at": "canceled", "delivered_at": "delivered", "shipped_at": "shipped", "packed_at": "fulfilled"}


class Problem(Exception):
    """What the server answers instead."""

    def __init__(self, status: int, kind: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.answer = (status, {**more, "type": kind, "message": message})


class Shop(Faulty):
    """Its database."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.variants: dict[str, Thing] = {}
        self.levels: dict[str, Thing] = {}
        self.reservations: dict[str, Thing] = {}
        self.orders: dict[str, Thing] = {}
        self.options: list[Thing] = [option(OPTION, 4.99)]
        self.sold_elsewhere: list[tuple[str, int]] = []
        """Units that the shop's own checkout sells just before units are set aside for us."""
        self.answers: list[Any] = []
        """What is answered to the next calls instead of the truth."""

    def stock(self, sku: str, units: int | None, **more: Any) -> None:
        """A variant of one inventory item; None: it is not counted."""
        number = len(self.variants) + 1
        self.levels[f"iitem_{number}"] = {"location_id": LOCATION, "stocked_quantity": units or 0, "reserved_quantity": 0}
        self.variants[f"variant_{number}"] = {
            "id": f"variant_{number}", "sku": sku, "title": "One", "manage_inventory": units is not None,
            "parts": {f"iitem_{number}": 1},
            "product": {"title": sku.title(), "description": None, "status": "published", "categories": []},
            "prices": [{"amount": 12.5, "currency_code": "eur", "rules": {}}], **more,
        }  # fmt: skip

    def level(self, sku: str) -> Thing:
        return self.levels[next(iter(next(each for each in self.variants.values() if each["sku"] == sku)["parts"]))]

    def free(self, sku: str) -> int:
        return self.level(sku)["stocked_quantity"] - self.level(sku)["reserved_quantity"]

    @property
    def placed(self) -> list[Thing]:
        return [each for each in self.orders.values() if each["status"] != "draft"]

    def list_variants(self, query: dict[str, str], _: Thing) -> Thing:
        skus = {value for name, value in query.items() if name.startswith("sku[")}
        found = [each for each in self.variants.values() if not skus or each["sku"] in skus]
        return page("variants", query, [self._told(each) for each in found])

    def get_region(self, _: dict[str, str], __: Thing, region: str) -> Thing:
        return {"region": {"id": region, "currency_code": "eur"}}

    def list_options(self, query: dict[str, str], _: Thing) -> Thing:
        return page("shipping_options", query, [each for each in self.options if each["service_zone_id"] == query["service_zone_id"]])

    def list_reservations(self, query: dict[str, str], _: Thing) -> Thing:
        return page("reservations", query, [each for each in self.reservations.values() if each["description"] == query["description"]])

    def reserve(self, _: dict[str, str], asked: Thing) -> Thing:
        for sku, units in self.sold_elsewhere:
            self.level(sku)["stocked_quantity"] -= units
        self.sold_elsewhere = []
        return {"reservation": self._reserve(asked["inventory_item_id"], asked["quantity"], asked.get("description"))}

    def unreserve(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        if (gone := self.reservations.pop(number, None)) is not None:
            self.levels[gone["inventory_item_id"]]["reserved_quantity"] -= gone["quantity"]
        return {"id": number, "object": "reservation", "deleted": True}

    def get_inventory(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        return {"inventory_item": {"id": number, "location_levels": [self.levels[number]]}}

    def set_level(self, _: dict[str, str], asked: Thing, number: str, location: str) -> Thing:
        assert location == LOCATION
        self.levels[number]["stocked_quantity"] = asked["stocked_quantity"]
        return {"inventory_item": {"id": number}}

    def draft(self, _: dict[str, str], asked: Thing) -> Thing:
        if any(self._makes(line["variant_id"]) < line["quantity"] for line in asked["items"]):
            raise Problem(400, "not_allowed", "Some variant does not have the required inventory", code="insufficient_inventory")
        number = len(self.orders) + 1
        total = sum(Decimal(str(line["unit_price"])) * line["quantity"] for line in asked["items"])
        order: Thing = {
            "id": f"order_{number}", "display_id": number, "status": "draft", "canceled_at": None, "metadata": asked["metadata"],
            "total": float(total + sum(Decimal(str(each["amount"])) for each in asked["shipping_methods"])),
            "items": [{"id": f"ordli_{number}_{at}", "quantity": line["quantity"], "detail": {"shipped_quantity": 0}}
                      for at, line in enumerate(asked["items"])],
            "payment_collections": [], "fulfillments": [], "created_at": datetime.now(UTC).isoformat(), "asked": asked,  # noqa: TID251 - a shop lives by its own clock
        }  # fmt: skip
        self.orders[order["id"]] = order
        return {"draft_order": {"id": order["id"], "status": "draft"}}

    def list_drafts(self, query: dict[str, str], _: Thing) -> Thing:
        return page("draft_orders", query, self._since(query, lambda status: status == "draft"))

    def list_orders(self, query: dict[str, str], _: Thing) -> Thing:
        return page("orders", query, self._since(query, lambda status: status != "draft"))

    def get_order(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        return {"order": told(self._order(number))}

    def convert(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        order = self._order(number)
        if order["status"] != "draft":
            raise Problem(400, "invalid_data", f"Order {number} is not a draft order")
        lines = [(item["id"], line) for item, line in zip(order["items"], order["asked"]["items"], strict=True)]
        wanted = [
            (item_id, line["quantity"] * each, line_id)
            for line_id, line in lines
            if self.variants[line["variant_id"]]["manage_inventory"]
            for item_id, each in self.variants[line["variant_id"]]["parts"].items()
        ]
        for item_id, units, _line in wanted:
            self._must_have(item_id, units)
        for item_id, units, line_id in wanted:
            self._reserve(item_id, units, None, line_id)
        order["status"] = "pending"
        return self._said(number)

    def discard(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        if self._order(number)["status"] != "draft":
            raise Problem(500, "unknown_error", "An unknown error occurred.", code="unknown_error")
        del self.orders[number]
        return {"id": number, "object": "draft-order", "deleted": True}

    def cancel(self, _: dict[str, str], __: Thing, number: str) -> Thing:
        order = self._order(number)
        self._must_live(order)
        if any(each["canceled_at"] is None for each in order["fulfillments"]):
            raise Problem(400, "not_allowed", "All fulfillments must be canceled before canceling an order")
        for each in self._of(order):
            self.unreserve({}, {}, each["id"])
        for each in order["payment_collections"]:
            each["was"], each["status"] = each["status"], "canceled"
        order["status"], order["canceled_at"] = "canceled", "now"
        return self._said(number)

    def collect(self, _: dict[str, str], asked: Thing) -> Thing:
        collections = self._order(asked["order_id"])["payment_collections"]
        collections.append({"id": f"pay_col_{asked['order_id']}_{len(collections)}", "status": "not_paid", "amount": asked["amount"]})
        return {"payment_collection": collections[-1]}

    def pay(self, _: dict[str, str], asked: Thing, number: str) -> Thing:
        collection = next(each for each in self._order(asked["order_id"])["payment_collections"] if each["id"] == number)
        if collection["status"] != "not_paid":
            raise Problem(400, "not_allowed", "Can only mark 'not_paid' payment collection as paid")
        collection["status"] = "completed"
        return {"payment_collection": collection}

    def fulfill(self, _: dict[str, str], asked: Thing, number: str) -> Thing:
        order = self._order(number)
        self._must_live(order)
        lines = {line["id"] for line in asked["items"]}
        taken = [each for each in self._of(order) if each["line_item_id"] in lines]
        for line_id in lines - {each["line_item_id"] for each in taken}:
            line = order["asked"]["items"][int(line_id.rsplit("_", 1)[1])]
            if self.variants[line["variant_id"]]["manage_inventory"]:
                raise Problem(400, "invalid_data", f"No stock reservation found for item {line_id} - {line['title']} (One)")
        for each in taken:
            self.unreserve({}, {}, each["id"])
            self.levels[each["inventory_item_id"]]["stocked_quantity"] -= each["quantity"]
        order["fulfillments"].append(
            {"id": f"ful_{number}_{len(order['fulfillments'])}", "provider_id": "manual_manual", "packed_at": "now", "shipped_at": None,
             "delivered_at": None, "canceled_at": None, "labels": [], "taken": taken, "lines": sorted(lines)}
        )  # fmt: skip
        return self._said(number)

    def unpack(self, _: dict[str, str], __: Thing, number: str, fulfillment: str) -> Thing:
        packed = self._fulfillment(number, fulfillment)
        if packed["canceled_at"] is not None:
            raise Problem(400, "not_allowed", "The fulfillment is already canceled")
        if packed["shipped_at"] is not None:
            raise Problem(400, "not_allowed", "The fulfillment has already been shipped. Shipped fulfillments cannot be canceled")
        packed["canceled_at"] = "now"
        for each in packed["taken"]:
            self.levels[each["inventory_item_id"]]["stocked_quantity"] += each["quantity"]
            self._reserve(each["inventory_item_id"], each["quantity"], None, each["line_item_id"])
        return self._said(number)

    def send(self, _: dict[str, str], asked: Thing, number: str, fulfillment: str) -> Thing:
        packed, order = self._fulfillment(number, fulfillment), self._order(number)
        packed["shipped_at"], packed["labels"] = "now", asked.get("labels", [])
        for item in order["items"]:
            if item["id"] in packed["lines"]:
                item["detail"]["shipped_quantity"] = item["quantity"]
        return self._said(number)

    def deliver(self, _: dict[str, str], __: Thing, number: str, fulfillment: str) -> Thing:
        self._fulfillment(number, fulfillment)["delivered_at"] = "now"
        return self._said(number)

    async def answer(self, request: web.Request, handle: Callable[..., Thing]) -> web.Response:
        if request.headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:".encode()).decode():
            return web.json_response({"message": "Unauthorized"}, status=401)
        asked: Thing = await request.json() if request.can_read_body else {}
        if self.answers:
            return web.json_response(self.answers.pop(0))
        try:
            return web.json_response(handle(dict(request.query), asked, *request.match_info.values()))
        except Problem as problem:
            return web.json_response(problem.answer[1], status=problem.answer[0])

    def _order(self, number: str) -> Thing:
        if number not in self.orders:
            raise Problem(404, "not_found", f"Order id not found: {number}")
        return self.orders[number]

    def _said(self, number: str) -> Thing:
        return {"order": {"id": number, "status": self._order(number)["status"]}}

    def _fulfillment(self, number: str, fulfillment: str) -> Thing:
        return next(each for each in self._order(number)["fulfillments"] if each["id"] == fulfillment)

    def _of(self, order: Thing) -> list[Thing]:
        lines = {item["id"] for item in order["items"]}
        return [each for each in self.reservations.values() if each["line_item_id"] in lines]

    def _since(self, query: dict[str, str], wanted: Callable[[str], bool]) -> list[Thing]:
        after = query["created_at[$gte]"].removesuffix("Z")
        return [told(each) for each in self.orders.values() if wanted(each["status"]) and each["created_at"] >= after]

    def _must_live(self, order: Thing) -> None:
        if order["status"] == "canceled":
            raise Problem(400, "invalid_data", f"Order with id {order['id']} has been canceled.")

    def _must_have(self, item_id: str, units: float) -> None:
        if self.levels[item_id]["stocked_quantity"] - self.levels[item_id]["reserved_quantity"] < units:
            raise Problem(400, "not_allowed", f"Not enough stock available for item {item_id} at location {LOCATION}")

    def _reserve(self, item_id: str, units: float, description: str | None, line_id: str | None = None) -> Thing:
        self._must_have(item_id, units)
        self.levels[item_id]["reserved_quantity"] += units
        number = f"resitem_{len(self.reservations)}_{self.asked}_{item_id}_{line_id}"
        self.reservations[number] = {
            "id": number, "inventory_item_id": item_id, "quantity": units, "description": description, "line_item_id": line_id
        }  # fmt: skip
        return self.reservations[number]

    def _makes(self, variant: str) -> float:
        found = self.variants[variant]
        if not found["manage_inventory"]:
            return float("inf")
        levels = [(self.levels[item_id], each) for item_id, each in found["parts"].items()]
        return min((level["stocked_quantity"] - level["reserved_quantity"]) // each for level, each in levels)

    def _told(self, variant: Thing) -> Thing:
        parts = [
            {"inventory_item_id": each, "required_quantity": units, "inventory": {"id": each, "location_levels": [self.levels[each]]}}
            for each, units in variant["parts"].items()
        ]
        return {**{name: value for name, value in variant.items() if name != "parts"}, "inventory_items": parts}


def page(name: str, query: dict[str, str], found: list[Thing]) -> Thing:
    limit, offset = int(query["limit"]), int(query.get("offset", "0"))
    return {name: found[offset : offset + limit], "count": len(found), "offset": offset, "limit": limit}


def told(order: Thing) -> Thing:
    """With the statuses that the server makes up of payments and fulfillments, as its `aggregate-status`; what was `set` comes before."""
    collections = {each["status"] for each in order["payment_collections"]}
    paid = {"payment_status": "captured" if collections == {"completed"} else "canceled" if collections == {"canceled"} else "not_paid"}
    return {**order, **paid, "fulfillment_status": fulfillment_status(order), **order.get("set", {})}


def option(number: str, *amounts: float, **more: Any) -> Thing:
    """A way of shipping, at such prices in euros; without rules it is open to every order."""
    prices: list[Thing] = [{"amount": amount, "currency_code": "eur", "price_rules": []} for amount in amounts]
    return {"id": number, "name": "Post", "price_type": "flat", "service_zone_id": ZONE, "rules": [], "prices": prices, **more}


def fulfillment_status(order: Thing) -> str:
    kinds = [next(word for stamp, word in BY_STAMP.items() if each[stamp]) for each in order["fulfillments"]]
    live = [kind for kind in kinds if kind != "canceled"]
    packed = {line for each in order["fulfillments"] if each["canceled_at"] is None for line in each["lines"]}
    is_whole = packed == {item["id"] for item in order["items"]}
    for kind in ("delivered", "shipped", "fulfilled"):
        if kind in live:
            return kind if is_whole and set(live) == {kind} else f"partially_{kind}"
    return "canceled" if kinds else "not_fulfilled"


def routes(shop: Shop) -> Iterable[tuple[str, str, Callable[..., Thing]]]:
    order, packed = "/admin/orders/{id}", "/admin/orders/{id}/fulfillments/{fulfillment}"
    return [
        ("GET", "/admin/product-variants", shop.list_variants),
        ("GET", "/admin/regions/{id}", shop.get_region),
        ("GET", "/admin/shipping-options", shop.list_options),
        ("GET", "/admin/reservations", shop.list_reservations),
        ("POST", "/admin/reservations", shop.reserve),
        ("DELETE", "/admin/reservations/{id}", shop.unreserve),
        ("GET", "/admin/inventory-items/{id}", shop.get_inventory),
        ("POST", "/admin/inventory-items/{id}/location-levels/{location}", shop.set_level),
        ("GET", "/admin/draft-orders", shop.list_drafts),
        ("POST", "/admin/draft-orders", shop.draft),
        ("DELETE", "/admin/draft-orders/{id}", shop.discard),
        ("POST", "/admin/draft-orders/{id}/convert-to-order", shop.convert),
        ("GET", "/admin/orders", shop.list_orders),
        ("GET", order, shop.get_order),
        ("POST", f"{order}/cancel", shop.cancel),
        ("POST", f"{order}/fulfillments", shop.fulfill),
        ("POST", f"{packed}/cancel", shop.unpack),
        ("POST", f"{packed}/shipments", shop.send),
        ("POST", f"{packed}/mark-as-delivered", shop.deliver),
        ("POST", "/admin/payment-collections", shop.collect),
        ("POST", "/admin/payment-collections/{id}/mark-as-paid", shop.pay),
    ]


@asynccontextmanager
async def a_shop(kind: type[Shop] = Shop) -> AsyncGenerator[Shop]:
    """A shop, serving at its `url`."""
    shop = kind()
    app = web.Application()
    for method, path, handle in routes(shop):

        async def serve(request: web.Request, handle: Callable[..., Thing] = handle) -> web.StreamResponse:
            return await shop.serve(request, lambda request: shop.answer(request, handle))

        app.router.add_route(method, path, serve)
    async with serving(app) as shop.url:
        yield shop
