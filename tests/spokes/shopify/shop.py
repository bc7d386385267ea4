"""A Shopify shop: graphql-core runs what it is asked on Shopify's published schema, over stock and orders of its own.

How moves, keys, throttling and cancellations behave is by https://shopify.dev/docs/api/admin-graphql,
…/docs/api/usage/implementing-idempotency and …/docs/api/usage/limits.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from graphql import build_schema, graphql  # pyright: ignore[reportUnknownVariableType] - typed in part
from graphql.execution.values import get_argument_values

from tests.spokes.faulty import Faulty, serving
from tests.spokes.shopify.cut import SCHEMA

TOKEN = "shpat_1"
LOCATION = "gid://shopify/Location/1"
PUBLISHED = build_schema(SCHEMA.read_text())
Row = dict[str, Any]


class Shop(Faulty):
    """Its database."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.levels: dict[str, Row] = {}
        """By inventory item: units in each state."""
        self.variants: list[Row] = []
        self.orders: dict[str, Row] = {}
        self.keys: dict[str, tuple[Any, list[Row]]] = {}
        self.errors: list[tuple[str, str]] = []
        """(field, code) that is the next answer of a mutation."""
        self.refuses: list[Row] = []
        """Whole replies instead of the next ones."""
        self.late: dict[str, Row] = {}
        """Orders of lost calls, there from the next failed creation on."""
        self.cancels_later = False
        self.sold_elsewhere = 0
        self.defined = False
        self.unheard_of = False
        """Whether it speaks of a status that is in no schema yet."""

    def stock(self, sku: str, units: int, *, tracked: bool = True) -> None:
        item = f"gid://shopify/InventoryItem/{len(self.variants) + 1}"
        self.levels[item] = {"available": units, "reserved": 0, "committed": 0}
        self.variants.append({"id": f"gid://shopify/ProductVariant/{len(self.variants) + 1}", "sku": sku, "item": item, "tracked": tracked})

    def level(self, sku: str) -> Row:
        return self.levels[next(each["item"] for each in self.variants if each["sku"] == sku)]

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return web.Response(status=401, text=json.dumps({"errors": "[API] Invalid API key or access token"}))
        if self.refuses:
            return web.json_response(self.refuses.pop(0))
        asked = await request.json()
        root = {name: getattr(self, name) for name in dir(self) if name in ROOT}
        result = await graphql(PUBLISHED, asked["query"], root_value=root, variable_values=asked["variables"])
        text = json.dumps(result.formatted)
        return web.Response(text=text.replace('"UNFULFILLED"', '"TELEPORTED"') if self.unheard_of else text)

    def productVariants(self, _: Any, first: int, query: str, **__: Any) -> Row:  # noqa: N802 - the schema's name
        wanted = [each.removeprefix('sku:"').removesuffix('"') for each in query.split(" OR ")]
        found = [each for each in self.variants if any(word.casefold() in each["sku"].casefold() for word in wanted)]
        return {"nodes": [self._variant(each) for each in found[:first]]}

    def _variant(self, row: Row) -> Row:
        def level(_: Any, locationId: str, **__: Any) -> Row:  # noqa: N803 - the schema's name
            assert locationId == LOCATION
            return {"quantities": quantities}

        def quantities(_: Any, names: list[str]) -> list[Row]:
            return [{"quantity": self.levels[row["item"]][name]} for name in names]

        return {**row, "inventoryItem": {"id": row["item"], "tracked": row["tracked"], "inventoryLevel": level}}

    def inventoryMoveQuantities(self, info: Any, input: Row) -> Row:  # noqa: A002, N802 - the schema's names
        directive = next(each for each in info.field_nodes[0].directives or () if each.name.value == "idempotent")
        key: str = get_argument_values(PUBLISHED.get_directive("idempotent"), directive, info.variable_values)["key"]  # pyright: ignore[reportArgumentType] - the schema has it
        if key in self.keys:
            same, errors = self.keys[key]
            if same != input:
                return {"userErrors": [_error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")]}
            return {"userErrors": [_error("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")] if errors else []}
        errors = self._struck("inventoryMoveQuantities") or self._move(input)
        if not errors or errors[0]["code"] not in {"SERVICE_UNAVAILABLE", "IDEMPOTENCY_CONCURRENT_REQUEST"}:
            self.keys[key] = (input, errors)
        return {"userErrors": errors}

    def _move(self, asked: Row) -> list[Row]:
        for sku_level in self.levels.values():
            sku_level["available"] -= self.sold_elsewhere
        self.sold_elsewhere = 0
        for change in asked["changes"]:
            level, old, new = self.levels[change["inventoryItemId"]], change["from"], change["to"]
            for end in (old, new):
                assert (end["ledgerDocumentUri"] is None) == (end["name"] == "available")
                if end["changeFromQuantity"] is not None and level[end["name"]] != end["changeFromQuantity"]:
                    return [_error("CHANGE_FROM_QUANTITY_STALE")]
        for change in asked["changes"]:
            level = self.levels[change["inventoryItemId"]]
            level[change["from"]["name"]] -= change["quantity"]
            level[change["to"]["name"]] += change["quantity"]
        return []

    def orderByIdentifier(self, _: Any, identifier: Row) -> Row | None:  # noqa: N802 - the schema's name
        assert self.defined
        return self.orders.get(identifier["customId"]["value"])

    def orderCreate(self, _: Any, order: Row, options: Row) -> Row:  # noqa: N802 - the schema's name
        if errors := self._struck("orderCreate"):
            self.orders |= self.late
            return {"userErrors": errors}
        (field,) = order["metafields"]
        if field["value"] in self.orders:
            return {"userErrors": [_error("INVALID", "Value has already been taken")]}
        lines = [(self._level_of(line["variantId"]), line["quantity"]) for line in order["lineItems"]]
        if options["inventoryBehaviour"] == "DECREMENT_OBEYING_POLICY" and any(level["available"] < count for level, count in lines):
            return {"userErrors": [_error("INVENTORY_CLAIM_FAILED")]}
        for level, count in lines:
            level["available"] -= count
            level["committed"] += count
        number = len(self.orders) + 1001
        self.orders[field["value"]] = {
            "id": f"gid://shopify/Order/{number}", "name": f"#{number}", "cancelledAt": None, "canMarkAsPaid": True, "asked": order,
            "displayFulfillmentStatus": "UNFULFILLED", "fulfillments": [], "lines": lines,
        }  # fmt: skip
        return {"order": self.orders[field["value"]], "userErrors": []}

    def orderMarkAsPaid(self, _: Any, input: Row) -> Row:  # noqa: A002, N802 - the schema's names
        order = self._order(input["id"])
        if not order["canMarkAsPaid"]:
            return {"userErrors": [{"message": "Order cannot be marked as paid.", "field": ["id"]}]}
        order["canMarkAsPaid"] = False
        return {"order": order, "userErrors": []}

    def orderCancel(self, _: Any, orderId: str, restock: bool, **__: Any) -> Row:  # noqa: N802, N803 - the schema's names
        if errors := self._struck("orderCancel"):
            return {"orderCancelUserErrors": errors}
        order = self._order(orderId)
        if not self.cancels_later:
            order["cancelledAt"] = "2026-11-29T10:00:00Z"
            for level, count in order["lines"] if restock else ():
                level["committed"] -= count
                level["available"] += count
        return {"orderCancelUserErrors": []}

    def metafieldDefinitionCreate(self, _: Any, definition: Row) -> Row:  # noqa: N802 - the schema's name
        assert definition["capabilities"]["uniqueValues"]["enabled"]
        taken, self.defined = self.defined, True
        return {"userErrors": self._struck("metafieldDefinitionCreate") or ([_error("TAKEN")] if taken else [])}

    def fulfill(self, sub_order_id: str, numbers: list[str], status: str = "FULFILLED") -> Row:
        tracking = [{"company": "DHL", "number": number} for number in numbers]
        sent = {"status": "SUCCESS", "displayStatus": "IN_TRANSIT", "trackingInfo": tracking}
        order = self.orders[sub_order_id]
        order["fulfillments"].append(sent)
        order["displayFulfillmentStatus"] = status
        return sent

    def _struck(self, field: str) -> list[Row]:
        if self.errors and self.errors[0][0] == field:
            return [_error(self.errors.pop(0)[1])]
        return []

    def _order(self, order_id: str) -> Row:
        return next(each for each in self.orders.values() if each["id"] == order_id)

    def _level_of(self, variant_id: str) -> Row:
        return self.levels[next(each["item"] for each in self.variants if each["id"] == variant_id)]


ROOT = {
    "productVariants", "inventoryMoveQuantities", "orderByIdentifier", "orderCreate", "orderMarkAsPaid", "orderCancel",
    "metafieldDefinitionCreate",
}  # fmt: skip


def _error(code: str, message: str = "no") -> Row:
    return {"code": code, "message": message, "field": ["input"]}


def throttled(cost: float, available: float, rate: float) -> Row:
    """What Shopify answers when the bucket is empty."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    extensions = {"cost": {"requestedQueryCost": cost, "actualQueryCost": None, "throttleStatus": status}}
    return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": extensions}


@asynccontextmanager
async def a_shop() -> AsyncGenerator[Shop]:
    """A shop, serving at its `url`."""
    shop = Shop()

    async def handle(request: web.Request) -> web.StreamResponse:
        return await shop.serve(request, shop.answer)

    app = web.Application()
    app.add_routes([web.post("/admin/api/2026-10/graphql.json", handle)])
    async with serving(app) as shop.url:
        yield shop
