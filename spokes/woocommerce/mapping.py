"""The shop's words and ours; pure. Its statuses: https://woocommerce.com/document/managing-orders/order-statuses/."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from spokes.items import units
from spokes.money import amount_text, minor_units
from spokes.woocommerce.model import Method, Order, Product, Tracking
from vendor_sdk.feeds import Price, Rate
from vendor_sdk.messages import Accepted, Address, Declined, Delivered, Item, Parcel, Pending, PricedItem, Submit

COMMAND_KEY = "_wheelwright_command"
SUB_ORDER_KEY = "_wheelwright_sub_order"
SHIPPING = "wheelwright"
ON_HOLD, PROCESSING, COMPLETED, CANCELED = "on-hold", "processing", "completed", "cancelled"
DELETED = "trash"

HELD = frozenset({ON_HOLD, PROCESSING, COMPLETED})
"""In these the shop has taken the units off its stock; entering `CANCELED` it puts them back."""
LEFT = frozenset({COMPLETED, "delivered"})
"""``delivered`` is none of WooCommerce's own; common extensions add it."""
OVER = frozenset({CANCELED, "refunded", "failed", DELETED})
COST = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,4}))?")
"""A flat rate's cost that is one amount; with the shop's decimal mark, whichever that is. Others are formulas."""
UNSENT = frozenset({ON_HOLD, "pending"})
"""A ship sets it processing from these alone: a status of the vendor's own is on its way already."""


def decision(order: Order, sub_order_id: str) -> Accepted | Declined | Pending:
    """What an order's status says of its submit. A status that we do not know is pending."""
    if order.status in HELD | LEFT:
        return Accepted(sub_order_id=sub_order_id, reference=order.number[:128])
    if order.status in OVER:
        return Declined(sub_order_id=sub_order_id, reason="canceled_by_vendor", detail=f"order {order.number} is {order.status}"[:500])
    return Pending(sub_order_id=sub_order_id)


def arrival(order: Order | None, sub_order_id: str) -> Delivered | Pending:
    """What an order's status says of its arrival."""
    arrived = order is not None and order.status == "delivered"
    return Delivered(sub_order_id=sub_order_id) if arrived else Pending(sub_order_id=sub_order_id)


def there(products: Mapping[str, Product]) -> dict[str, int | None]:
    """Units to be had of each. Backorders are no stock: nobody promised the buyer to wait."""
    return {sku: available(each) for sku, each in products.items()}


def available(product: Product) -> int | None:
    """Units to be had; None where the shop does not count and says that there are some."""
    if product.stock_quantity is not None:
        return int(product.stock_quantity)
    return None if product.stock_status == "instock" else 0


def is_oversold(items: Sequence[Item], products: dict[str, Product]) -> bool:
    """Whether the shop has promised more than it has: then somebody else was quicker."""
    return any((products[sku].stock_quantity or 0) < 0 for sku in units(items) if sku in products)


def same_items(order: Order, items: Sequence[Item]) -> bool:
    """Whether an order is of exactly these units."""
    ordered: dict[str, int] = {}
    for line in order.line_items:
        ordered[line.sku or ""] = ordered.get(line.sku or "", 0) + int(line.quantity)
    return ordered == units(items)


def held_order(sub_order_id: str, command_id: str, items: Sequence[Item], products: dict[str, Product]) -> dict[str, Any]:
    """An order on hold: it takes the units and writes to nobody, for it has no address."""
    return {
        "status": ON_HOLD,
        "set_paid": False,
        "meta_data": [{"key": COMMAND_KEY, "value": command_id}, {"key": SUB_ORDER_KEY, "value": sub_order_id}],
        "line_items": [_line(products[sku], quantity) for sku, quantity in units(items).items()],
    }


def details(command: Submit, order: Order) -> dict[str, Any]:
    """What a submit adds to the held order, the same however often it is sent: address, prices, shipping."""
    address = _address(command.ship_to)
    known = [line.id for line in order.shipping_lines if line.method_id == SHIPPING]
    shipping: dict[str, Any] = {"id": known[0]} if known else {}
    price = amount_text(command.shipping_price, command.currency)
    return {
        "currency": command.currency,
        "billing": address,
        "shipping": address,
        "line_items": _priced(command.items, order, command.currency),
        "shipping_lines": [{**shipping, "method_id": SHIPPING, "method_title": command.shipping_option, "total": price}],
    }


def parcels_of_extension(trackings: Sequence[Tracking]) -> list[Parcel]:
    """The parcels of the Shipment Tracking extension."""
    return [_parcel(each.tracking_provider, each.tracking_number) for each in trackings if each.tracking_number]


def parcels_of_meta(order: Order) -> list[Parcel]:
    """The parcel in an order's meta."""
    found = {each.key: str(each.value or "") for each in order.meta_data}
    number = found.get("_tracking_number", "")
    return [_parcel(found.get("_tracking_provider", ""), number)] if number else []


def rates(methods: Sequence[Method], currency: str, days: int) -> list[Rate]:
    """The methods that are open to every order at one price; how long they take no shop says."""
    priced = [(each, _price(each, currency)) for each in methods if each.enabled]
    return [
        Rate(
            code=f"{each.method_id}-{each.instance_id}",
            name=each.title[:200] or each.method_id,
            price=Price(amount=price, currency=currency),
            days=days,
        )
        for each, price in priced
        if price is not None
    ]


def is_genuine(secret: str, signature: str, body: bytes) -> bool:
    """Whether a webhook is the shop's: ``X-WC-Webhook-Signature`` is the base64 of the body's HMAC-SHA256.

    https://developer.woocommerce.com/docs/apis/rest-api/v3/webhooks/. There is no time in it: what is read from a webhook
    is only which order to look at.
    """
    wanted = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return bool(secret) and hmac.compare_digest(wanted, signature.encode(errors="replace"))


def _price(method: Method, currency: str) -> int | None:
    """What any parcel costs by a method, in minor units; None where that depends on what is in it, or is not known here."""
    said = {} if isinstance(method.settings, list) else {name: str(each.value or "").strip() for name, each in method.settings.items()}
    match method.method_id:
        case "free_shipping":
            return 0 if said.get("requires", "") == "" else None
        case "flat_rate":
            is_by_class = any(value for name, value in said.items() if name.startswith("class_cost_") or name == "no_class_cost")
            cost = COST.fullmatch(said.get("cost", ""))
            return None if cost is None or is_by_class else minor_units(Decimal(f"{cost[1]}.{cost[2] or 0}"), currency)
        case _:
            return None


def _parcel(carrier: str, number: str) -> Parcel:
    return Parcel(carrier=carrier[:64] or "unknown", tracking_number=number[:128])


def _line(product: Product, quantity: int) -> dict[str, Any]:
    if product.type == "variation" or product.parent_id:
        return {"product_id": product.parent_id, "variation_id": product.id, "quantity": quantity}
    return {"product_id": product.id, "quantity": quantity}


def _priced(items: Sequence[PricedItem], order: Order, currency: str) -> list[dict[str, Any]]:
    """Each line's total, as the buyer bought it."""
    totals: dict[str, int] = {}
    for item in items:
        totals[item.sku] = totals.get(item.sku, 0) + item.unit_price * item.quantity
    lines: list[dict[str, Any]] = []
    for line in order.line_items:
        total = amount_text(totals.pop(line.sku or "", 0), currency)
        lines.append({"id": line.id, "subtotal": total, "total": total})
    return lines


def _address(to: Address) -> dict[str, str]:
    """No e-mail and no telephone: the shop writes to nobody."""
    return {
        "first_name": "",
        "last_name": to.name,
        "address_1": to.line1,
        "address_2": to.line2,
        "city": to.city,
        "state": to.region,
        "postcode": to.postal_code,
        "country": to.country,
    }
