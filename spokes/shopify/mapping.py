"""The shop's words and ours; pure. Its enums are of the Admin API 2026-10."""

from collections.abc import Mapping, Sequence
from typing import Any

from spokes.items import units
from spokes.money import amount_text
from spokes.shopify.model import Fulfillment, Order, TrackingInfo, Variant
from vendor_sdk.messages import Accepted, Address, Declined, Delivered, Item, Parcel, Pending, PricedItem, Submit

NAMESPACE, KEY = "wheelwright", "sub_order"
DEFINITION: dict[str, Any] = {
    "namespace": NAMESPACE,
    "key": KEY,
    "name": "Wheelwright sub-order",
    "type": "id",
    "ownerType": "ORDER",
    "capabilities": {"uniqueValues": {"enabled": True}},
}
"""The metafield that makes an order ours: the shop lets no two orders have one value, so it is our idempotency key."""

SENT = frozenset({"FULFILLED", "PARTIALLY_FULFILLED"})
ALL_SENT = "FULFILLED"
NOT_SENT = frozenset(
    ["FULFILLMENT_NOT_REQUIRED", "IN_PROGRESS", "ON_HOLD", "OPEN", "PENDING_FULFILLMENT", "REQUEST_DECLINED", "RESTOCKED", "SCHEDULED",
     "UNFULFILLED"]
)  # fmt: skip
"""Of the order's fulfillment; any status that we do not know is as one of these, and pending."""
SUCCESS = "SUCCESS"
ARRIVED = frozenset({"DELIVERED", "PICKED_UP"})
NOT_ARRIVED = frozenset(
    ["ATTEMPTED_DELIVERY", "CANCELED", "CARRIER_PICKED_UP", "CONFIRMED", "DELAYED", "FAILURE", "FULFILLED", "IN_TRANSIT", "LABEL_PRINTED",
     "LABEL_PURCHASED", "LABEL_VOIDED", "MARKED_AS_FULFILLED", "NOT_DELIVERED", "OUT_FOR_DELIVERY", "READY_FOR_PICKUP", "SUBMITTED"]
)  # fmt: skip
"""Of a fulfillment; any that we do not know is as one of these."""


def search(skus: Sequence[str]) -> str:
    """The variants with these SKUs, in the shop's search syntax; what is found is compared again."""
    return " OR ".join(f'sku:"{_escaped(sku)}"' for sku in skus)


def available(variant: Variant) -> int | None:
    """Units at our location; None where the shop does not count."""
    item = variant.inventory_item
    if not item.tracked:
        return None
    return item.inventory_level.quantities[0].quantity if item.inventory_level and item.inventory_level.quantities else 0


def there(variants: Mapping[str, Variant]) -> dict[str, int | None]:
    """Units of each at our location."""
    return {sku: available(each) for sku, each in variants.items()}


def setting_aside(sub_order_id: str, location: str, items: Sequence[Item], variants: Mapping[str, Variant]) -> dict[str, Any]:
    """The move from available to reserved of what is counted. It fails if what is available has changed since we looked.

    https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states.
    """
    changes = [
        _change(variants[sku].inventory_item.id, quantity, _available(location, there), _reserved(location, sub_order_id))
        for sku, quantity in units(items).items()
        if (there := available(variants[sku])) is not None
    ]
    return _move("reservation_created", sub_order_id, changes)


def giving_back(sub_order_id: str, location: str, moved: Mapping[str, Any]) -> dict[str, Any]:
    """The move back of what `moved` set aside."""
    changes = [
        _change(each["inventoryItemId"], each["quantity"], _reserved(location, sub_order_id), _available(location, None))
        for each in moved["changes"]
    ]
    return _move("reservation_deleted", sub_order_id, changes)


def new_order(command: Submit, variants: Mapping[str, Variant], *, is_set_aside: bool) -> dict[str, Any]:
    """The variables of `orderCreate`. What is set aside is claimed whatever the shop's stock says: it is given back right after."""
    currency = command.currency
    return {
        "order": {
            "metafields": [{"namespace": NAMESPACE, "key": KEY, "type": "id", "value": command.sub_order_id}],
            "sourceIdentifier": command.sub_order_id,
            "tags": ["wheelwright"],
            "currency": currency,
            "financialStatus": "PENDING",
            "shippingAddress": _address(command.ship_to),
            "lineItems": [_line(item, variants[item.sku], currency) for item in command.items],
            "shippingLines": [
                {"title": command.shipping_option or "shipping", "priceSet": {"shopMoney": _money(command.shipping_price, currency)}}
            ],
        },
        "options": {
            "inventoryBehaviour": "DECREMENT_IGNORING_POLICY" if is_set_aside else "DECREMENT_OBEYING_POLICY",
            "sendReceipt": False,
            "sendFulfillmentReceipt": False,
        },
    }


def decision(order: Order, sub_order_id: str) -> Accepted | Declined | Pending:
    """What an order says of its submit. A status that we do not know is pending."""
    if order.cancelled_at is not None:
        return Declined(sub_order_id=sub_order_id, reason="canceled_by_vendor", detail=f"order {order.name} is canceled"[:500])
    if order.display_fulfillment_status not in SENT | NOT_SENT:
        return Pending(sub_order_id=sub_order_id)
    return Accepted(sub_order_id=sub_order_id, reference=order.name[:128])


def parcels(order: Order, carrier: str | None) -> list[Parcel]:
    """The parcels of an order that is sent as a whole; none before. Without any number, one of `carrier` if that is given."""
    if order.display_fulfillment_status != ALL_SENT:
        return []
    found = [_parcel(each) for sent in _successes(order) for each in sent.tracking_info if each.number]
    if not found and carrier is not None:
        return [Parcel(carrier=carrier, tracking_number=order.name[:128])]
    return found


def arrival(order: Order | None, sub_order_id: str) -> Delivered | Pending:
    """Whether all that was sent has arrived."""
    sent = [] if order is None or order.display_fulfillment_status != ALL_SENT else _successes(order)
    arrived = bool(sent) and all(each.display_status in ARRIVED for each in sent)
    return Delivered(sub_order_id=sub_order_id) if arrived else Pending(sub_order_id=sub_order_id)


def _successes(order: Order) -> list[Fulfillment]:
    return [each for each in order.fulfillments if each.status == SUCCESS]


def _parcel(info: TrackingInfo) -> Parcel:
    return Parcel(carrier=(info.company or "unknown")[:64], tracking_number=(info.number or "")[:128])


def _move(reason: str, sub_order_id: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"reason": reason, "referenceDocumentUri": _document(sub_order_id), "changes": changes}


def _change(item_id: str, quantity: int, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {"inventoryItemId": item_id, "quantity": quantity, "from": old, "to": new}


def _available(location: str, seen: int | None) -> dict[str, Any]:
    return {"locationId": location, "name": "available", "ledgerDocumentUri": None, "changeFromQuantity": seen}


def _reserved(location: str, sub_order_id: str) -> dict[str, Any]:
    return {"locationId": location, "name": "reserved", "ledgerDocumentUri": _document(sub_order_id), "changeFromQuantity": None}


def _document(sub_order_id: str) -> str:
    return f"gid://wheelwright/SubOrder/{sub_order_id}"


def _line(item: PricedItem, variant: Variant, currency: str) -> dict[str, Any]:
    price = {"shopMoney": _money(item.unit_price, currency)}
    return {"variantId": variant.id, "quantity": item.quantity, "requiresShipping": True, "priceSet": price}


def _money(amount: int, currency: str) -> dict[str, str]:
    return {"amount": amount_text(amount, currency), "currencyCode": currency}


def _address(to: Address) -> dict[str, Any]:
    return {
        "lastName": to.name,
        "address1": to.line1,
        "address2": to.line2 or None,
        "city": to.city,
        "zip": to.postal_code,
        "provinceCode": to.region or None,
        "countryCode": to.country,
    }


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
