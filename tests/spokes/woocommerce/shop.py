"""A WooCommerce shop as its REST API v3 documents it: products that are counted, orders that take units and put them back.

https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/; that on-hold, processing and completed take units off the stock
and pending and canceled put them back is `wc_maybe_reduce_stock_levels` and `wc_maybe_increase_stock_levels` of WooCommerce.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.spokes.faulty import Faulty, serving

KEY, SECRET, WEBHOOK_SECRET = "ck_1", "cs_1", "hush"
ZONE = 5
TAKES = {"on-hold", "processing", "completed", "delivered"}
GIVES = {"cancelled", "pending"}
Order = dict[str, Any]


class Shop(Faulty):
    """Its database."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.products: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, Order] = {}
        self.trackings: dict[int, list[dict[str, str]]] = {}
        self.methods: list[dict[str, Any]] = []
        """Of shipping zone `ZONE`."""
        self.has_extension = True
        self.refuses = ""
        """The code of the problem that is answered to the next order."""
        self.sold_elsewhere: list[tuple[str, int]] = []
        """Units that the shop's own checkout sells just before it creates our next order."""

    def stock(self, sku: str, units: int | None, **more: Any) -> None:
        self.products[len(self.products) + 101] = {
            "id": len(self.products) + 101, "sku": sku, "parent_id": 0, "type": "simple", "price": "12.50", "backorders": "no",
            "manage_stock": units is not None, "stock_quantity": units, "stock_status": "instock", **more,
        }  # fmt: skip

    def units(self, sku: str) -> int:
        return next(each["stock_quantity"] for each in self.products.values() if each["sku"] == sku)

    def set_status(self, order: Order, status: str) -> None:
        before, order["status"] = order["status"], status
        if status in TAKES and not order["taken"]:
            self._move(order, -1)
        if status in GIVES and order["taken"] and before not in GIVES:
            self._move(order, 1)

    def webhook(self, body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": signature}

    def _move(self, order: Order, sign: int) -> None:
        order["taken"] = sign < 0
        for line in order["line_items"]:
            product = self.products[line["variation_id"] or line["product_id"]]
            if product["stock_quantity"] is not None:
                product["stock_quantity"] += sign * line["quantity"]

    async def list_products(self, request: web.Request) -> web.Response:
        skus = set(request.query["sku"].split(","))
        return web.json_response([each for each in self.products.values() if each["sku"] in skus])

    async def list_orders(self, request: web.Request) -> web.Response:
        size, page = int(request.query["per_page"]), int(request.query["page"])
        assert size <= 100
        assert request.query["dates_are_gmt"] == "true"
        found = [each for each in self.orders.values() if each["date_created_gmt"] > request.query["after"]]
        return web.json_response(found[(page - 1) * size : page * size])

    async def get_order(self, request: web.Request) -> web.Response:
        order = self.orders.get(int(request.match_info["id"]))
        return problem(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.") if order is None else web.json_response(order)

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if self.refuses:
            code, self.refuses = self.refuses, ""
            return problem(400, code, "No.")
        for sku, units in self.sold_elsewhere:
            next(each for each in self.products.values() if each["sku"] == sku)["stock_quantity"] -= units
        self.sold_elsewhere = []
        order = self.make(asked["line_items"], asked.get("meta_data", []))
        self.set_status(order, asked.get("status", "pending"))
        return web.json_response(order, status=201)

    def make(self, lines: list[dict[str, Any]], meta: list[dict[str, Any]] | None = None) -> Order:
        number = 700 + len(self.orders)
        order: Order = {"id": number, "number": str(number), "status": "pending", "taken": False, "line_items": [], "shipping_lines": []}
        order |= {"date_created_gmt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "meta_data": meta or []}  # noqa: TID251 - a shop lives by its own clock
        self.orders[number] = order
        for line in lines:
            product = self.products[line.get("variation_id") or line["product_id"]]
            order["line_items"].append({"variation_id": 0, **line, "id": len(order["line_items"]) + 1, "sku": product["sku"], "total": "0"})
        return order

    async def update(self, request: web.Request) -> web.Response:
        order, asked = self.orders[int(request.match_info["id"])], await request.json()
        for part in ("billing", "shipping", "currency"):
            if part in asked:
                order[part] = asked[part]
        for part in ("line_items", "shipping_lines"):
            for line in asked.get(part, []):
                known = [each for each in order[part] if each["id"] == line.get("id")]
                if known:
                    known[0].update(line)
                else:
                    order[part].append({**line, "id": len(order[part]) + 50})
        if "status" in asked:
            self.set_status(order, asked["status"])
        return web.json_response(order)

    async def list_trackings(self, request: web.Request) -> web.Response:
        if not self.has_extension:
            return problem(404, "rest_no_route", "No route was found matching the URL and request method.")
        return web.json_response(self.trackings.get(int(request.match_info["id"]), []))

    async def list_methods(self, request: web.Request) -> web.Response:
        if int(request.match_info["zone"]) != ZONE:
            return problem(404, "woocommerce_rest_shipping_zone_invalid", "Invalid shipping zone ID.")
        return web.json_response(self.methods)

    async def current_currency(self, _: web.Request) -> web.Response:
        return web.json_response({"code": "EUR", "name": "Euro", "symbol": "&euro;"})

    async def serve_signed(self, request: web.Request, handle: Any) -> web.StreamResponse:
        if request.headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode():
            return problem(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        return await self.serve(request, handle)


def method(instance_id: int, method_id: str, *, enabled: bool = True, has_settings: bool = True, **settings: str) -> dict[str, Any]:
    """A shipping method of a zone. PHP writes settings that are none as an empty list."""
    return {
        "instance_id": instance_id, "title": method_id.replace("_", " ").title(), "order": 1, "enabled": enabled, "method_id": method_id,
        "method_title": method_id, "method_description": "", "settings": {
            name: {"id": name, "label": "", "description": "", "type": "text", "value": value, "default": "", "tip": "", "placeholder": ""}
            for name, value in settings.items()
        } if has_settings else [],
    }  # fmt: skip


def problem(status: int, code: str, message: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"code": code, "message": message, "data": {"status": status}}))


@asynccontextmanager
async def a_shop() -> AsyncGenerator[Shop]:
    """A shop, serving at its `url`."""
    shop = Shop()
    app = web.Application()
    api = "/wp-json/wc/v3"
    for method, path, handle in (
        ("GET", f"{api}/products", shop.list_products),
        ("GET", f"{api}/orders", shop.list_orders),
        ("POST", f"{api}/orders", shop.create),
        ("GET", f"{api}/orders/{{id}}", shop.get_order),
        ("PUT", f"{api}/orders/{{id}}", shop.update),
        ("GET", f"{api}/shipping/zones/{{zone}}/methods", shop.list_methods),
        ("GET", f"{api}/data/currencies/current", shop.current_currency),
        ("GET", "/wp-json/wc-shipment-tracking/v3/orders/{id}/shipment-trackings", shop.list_trackings),
    ):

        async def serve(request: web.Request, handle: Any = handle) -> web.StreamResponse:
            return await shop.serve_signed(request, handle)

        app.router.add_route(method, path, serve)
    async with serving(app) as shop.url:
        yield shop
