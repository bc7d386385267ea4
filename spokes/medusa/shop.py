"""The server's Admin API, call by call. https://docs.medusajs.com/api/admin; tried against Medusa 2.21."""

import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from spokes.medusa import model
from spokes.medusa.mapping import COMMAND, SUB_ORDER
from spokes.medusa.model import Order, Problem, Reservation, ShippingOption, Variant
from spokes.web.door import Answer, Door
from spokes.web.failures import unreadable
from vendor_sdk.errors import AdapterError, Retry

T = TypeVar("T")
BODY_BYTES_MAX = 8 * 1024 * 1024
"""A page of orders tells each item at length, whatever fields are asked for."""
PAGE = 50
PAGES_MAX = 100
SKUS_AT_ONCE = 20
"""The server's query parser takes a longer list for something else."""
CLOCKS = timedelta(hours=1)
"""So far apart the shop's clock and ours may be when we look for an order that we asked for."""

VARIANT = (
    "id,sku,title,manage_inventory,inventory_items.inventory_item_id,inventory_items.required_quantity,"
    "inventory_items.inventory.location_levels.location_id,inventory_items.inventory.location_levels.stocked_quantity,"
    "inventory_items.inventory.location_levels.reserved_quantity"
)
OFFER = (
    f"{VARIANT},product.title,product.description,product.status,product.categories.handle,prices.amount,prices.currency_code,"
    "prices.price_rules.value,prices.price_rules.attribute"
)
OPTION = (
    "id,name,price_type,rules.attribute,rules.value,prices.amount,prices.currency_code,prices.price_rules.attribute,"
    "prices.price_rules.value"
)
RESERVATION = "id,inventory_item_id,description"
ORDER = (
    "id,display_id,status,payment_status,fulfillment_status,canceled_at,metadata,total,items.id,items.quantity,items.detail.shipped_quantity,"
    "payment_collections.id,payment_collections.status,fulfillments.id,fulfillments.provider_id,fulfillments.shipped_at,"
    "fulfillments.canceled_at,fulfillments.labels.tracking_number"
)
NOT_FOUND, CONFLICT, NOT_DONE = 404, 409, 400
TOO_FEW = ("Not enough stock available", "Some variant does not have the required inventory")


class TooFew(Exception):
    """There is not enough in stock; nothing was done."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop sells."""

    currency_code: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: the one of these that was asked for."""

    variants: list[Variant] | None = None
    reservations: list[Reservation] | None = None
    orders: list[Order] | None = None
    draft_orders: list[Order] | None = None
    shipping_options: list[ShippingOption] | None = None
    reservation: Reservation | None = None
    deleted: bool | None = None

    order: Order | None = None
    draft_order: Order | None = None
    payment_collection: model.PaymentCollection | None = None
    region: Region | None = None
    inventory_item: model.Inventory | None = None


class Shop:
    """One server, with its key."""

    def __init__(self, door: Door, key: str) -> None:
        self._door = door
        credentials = base64.b64encode(f"{key}:".encode()).decode()
        self._headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}

    async def variants(self, skus: Iterable[str]) -> dict[str, Variant]:
        """The variants with these SKUs, with their stock; one that the shop does not know is not there."""
        wanted = sorted(set(skus))
        found: dict[str, Variant] = {}
        for start in range(0, len(wanted), SKUS_AT_ONCE):
            query = {f"sku[{at}]": sku for at, sku in enumerate(wanted[start : start + SKUS_AT_ONCE])}
            said = await self._ask("GET", "/admin/product-variants", {"fields": VARIANT, "limit": str(PAGE), **query})
            found |= {each.sku: each for each in _there(said.variants) if each.sku}
        return found

    async def all_variants(self, fields: str) -> AsyncIterator[Variant]:
        """Every variant, page by page."""
        offset = 0
        while True:
            said = await self._ask("GET", "/admin/product-variants", {"fields": fields, "order": "id", **_at(offset)})
            for variant in _there(said.variants):
                yield variant
            if len(_there(said.variants)) < PAGE:
                return
            offset += PAGE

    async def currency(self, region: str) -> str:
        """What is paid with in a region (ISO 4217)."""
        said = await self._ask("GET", f"/admin/regions/{region}", {"fields": "id,currency_code"})
        return _there(said.region).currency_code.upper()

    async def options(self, zone: str) -> list[ShippingOption]:
        """All ways of shipping to a service zone."""
        found: list[ShippingOption] = []
        query = {"service_zone_id": zone, "fields": OPTION, "order": "id"}
        while True:
            page = _there((await self._ask("GET", "/admin/shipping-options", {**query, **_at(len(found))})).shipping_options)
            found += page
            if len(page) < PAGE:
                return found

    async def reservations(self, command_id: str) -> list[Reservation]:
        """What a command has set aside."""
        found: list[Reservation] = []
        query = {"description": command_id, "fields": RESERVATION, "order": "id"}
        while True:
            page = _there((await self._ask("GET", "/admin/reservations", {**query, **_at(len(found))})).reservations)
            found += page
            if len(page) < PAGE:
                return found

    async def reserve(self, command_id: str, sub_order_id: str, location: str, item_id: str, units: float) -> None:
        """Set units of an inventory item aside. Raises `TooFew`. There is no idempotency key: look before."""
        reservation = {
            "location_id": location,
            "inventory_item_id": item_id,
            "quantity": units,
            "description": command_id,
            "metadata": {COMMAND: command_id, SUB_ORDER: sub_order_id},
        }
        _there((await self._ask("POST", "/admin/reservations", {"fields": RESERVATION}, reservation)).reservation)

    async def give_back(self, reservation: Reservation) -> None:
        """Delete a reservation; one that is gone is a success too."""
        _there((await self._ask("DELETE", f"/admin/reservations/{reservation.id}", gone=Said(deleted=True))).deleted)

    async def restock(self, item_id: str, location: str, stocked: float) -> None:
        """Set what lies at a location."""
        path = f"/admin/inventory-items/{item_id}/location-levels/{location}"
        _there((await self._ask("POST", path, {"fields": "id"}, {"stocked_quantity": stocked})).inventory_item)

    async def inventory(self, item_id: str) -> model.Inventory:
        """An inventory item with its levels."""
        query = {"fields": "id,location_levels.location_id,location_levels.stocked_quantity,location_levels.reserved_quantity"}
        return _there((await self._ask("GET", f"/admin/inventory-items/{item_id}", query)).inventory_item)

    async def order(self, order_id: str) -> Order | None:
        """An order or a draft; None if it was deleted."""
        gone = Said()
        said = await self._ask("GET", f"/admin/orders/{order_id}", {"fields": ORDER}, gone=gone)
        return None if said is gone else _there(said.order)

    async def find(self, sub_order_id: str, since: float) -> str | None:
        """The id of the order that was made for a sub-order at `since` (unix seconds) or later, by its metadata.

        Page by page, for the API searches no metadata. Raises `AdapterError` if there are too many orders to look through.
        """
        after = (datetime.fromtimestamp(since, UTC) - CLOCKS).strftime("%Y-%m-%dT%H:%M:%SZ")
        for path in ("/admin/draft-orders", "/admin/orders"):  # in this order: meanwhile a draft may become an order, never the reverse
            for number in range(PAGES_MAX):
                query = {"fields": "id,status,metadata", "created_at[$gte]": after, "order": "created_at", **_at(number * PAGE)}
                said = await self._ask("GET", path, query)
                orders = _there(said.orders if said.draft_orders is None else said.draft_orders)
                for order in orders:
                    if (order.metadata or {}).get(SUB_ORDER) == sub_order_id:
                        return order.id
                if len(orders) < PAGE:
                    break
            else:
                raise AdapterError(f"more than {PAGE * PAGES_MAX} orders since {after}: cannot tell whether {sub_order_id} is among them")
        return None

    async def draft(self, order: Mapping[str, Any]) -> str:
        """Draft an order; its id. Raises `TooFew`. There is no idempotency key: look before."""
        return _there((await self._ask("POST", "/admin/draft-orders", {"fields": "id,status"}, order)).draft_order).id

    async def convert(self, order_id: str) -> None:
        """Make a draft an order, which sets its units aside. Raises `TooFew`."""
        _there((await self._ask("POST", f"/admin/draft-orders/{order_id}/convert-to-order", {"fields": "id,status"}, {})).order)

    async def discard(self, order_id: str) -> None:
        """Delete a draft; one that is gone is a success too."""
        _there((await self._ask("DELETE", f"/admin/draft-orders/{order_id}", gone=Said(deleted=True))).deleted)

    async def cancel(self, order_id: str) -> None:
        """Cancel an order that has no fulfillment, which gives its units back. Refused, if it is canceled already."""
        _there((await self._ask("POST", f"/admin/orders/{order_id}/cancel", {"fields": "id,status"}, {})).order)

    async def pay(self, order: Order) -> None:
        """Mark an order paid."""
        due = [each.id for each in order.payment_collections or [] if each.status == "not_paid"]
        if not due:
            body = {"order_id": order.id, "amount": order.total}
            said = await self._ask("POST", "/admin/payment-collections", {"fields": "id,status"}, body)
            due = [_there(said.payment_collection).id]
        path = f"/admin/payment-collections/{due[0]}/mark-as-paid"
        _there((await self._ask("POST", path, {"fields": "id,status"}, {"order_id": order.id})).payment_collection)

    async def fulfill(self, order: Order, location: str) -> None:
        """Have all of an order packed."""
        items = [{"id": item.id, "quantity": item.quantity} for item in order.items]
        body = {"items": items, "location_id": location, "no_notification": True}
        _there((await self._ask("POST", f"/admin/orders/{order.id}/fulfillments", {"fields": "id,status"}, body)).order)

    async def unpack(self, order_id: str, fulfillment_id: str) -> None:
        """Cancel a fulfillment. Refused, if it was shipped or is canceled."""
        path = f"/admin/orders/{order_id}/fulfillments/{fulfillment_id}/cancel"
        _there((await self._ask("POST", path, {"fields": "id,status"}, {"no_notification": True})).order)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        gone: Said | None = None,
    ) -> Said:
        """What the server says, or `gone`, if there is no such thing."""
        encoded = None if body is None else msgspec.json.encode(body)
        answer = await self._door.send(method, path, headers=self._headers, query=query, body=encoded)
        if (error := answer.failure()) is None:
            return _read(answer)
        if gone is not None and answer.status == NOT_FOUND and _problem(answer).type == "not_found":
            return gone
        if answer.status == CONFLICT:
            raise Retry(str(error))
        if answer.status == NOT_DONE and _problem(answer).message.startswith(TOO_FEW):
            raise TooFew(str(error))
        raise error


def _at(offset: int) -> dict[str, str]:
    return {"limit": str(PAGE), "offset": str(offset)}


def _read(answer: Answer) -> Said:
    try:
        return msgspec.json.decode(answer.body, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable("the shop", error) from error


def _there(found: T | None) -> T:
    """What an answer has to hold. Raises as for an answer that cannot be read."""
    if found is None:
        raise unreadable("the shop", ValueError("what was asked for is not in it"))
    return found


def _problem(answer: Answer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem()
