"""The shop's words and ours; pure. Its statuses are the types of `@medusajs/types` 2.21, `dist/http/order/common.d.ts`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from spokes.items import units
from spokes.medusa.model import Inventory, OptionPrice, Order, ShippingOption, Variant
from spokes.medusa.settings import Settings
from spokes.money import amount_text, decimals, minor_units
from vendor_sdk.feeds import Described, Level, Offered, Rate
from vendor_sdk.feeds import Price as OfferPrice
from vendor_sdk.messages import Accepted, Address, Declined, Delivered, Item, Parcel, Pending, PricedItem, Submit

SUB_ORDER, COMMAND = "wheelwright_sub_order", "wheelwright_command"
DRAFT, UNTOUCHED = "draft", "not_fulfilled"

CATEGORY = re.compile(r"[a-z0-9_-]{1,64}")
"""What the hub takes for a category."""

FOR_EVERY_ORDER = {"is_return": "false", "enabled_in_store": "true"}
"""The rules of a shipping option that keep no order from it."""

Standing = Literal["taken", "done", "over", "open"]
Way = Literal["here", "leaving", "left", "arrived", "unknown"]

ORDER_STATUSES: Mapping[str, Standing] = {
    "pending": "taken",
    "completed": "done",
    "archived": "done",
    "canceled": "over",
    "draft": "open",
    "requires_action": "open",
}
"""What an order's status says of it; any other is `open`: nobody knows yet."""
FULFILLMENT_STATUSES: Mapping[str, Way] = {
    "not_fulfilled": "here",
    "partially_fulfilled": "here",
    "fulfilled": "here",
    "canceled": "here",
    "partially_shipped": "leaving",
    "shipped": "left",
    "partially_delivered": "leaving",
    "delivered": "arrived",
}
"""Where the goods are; any other is `unknown`. ``fulfilled`` is packed, no more."""
PAYMENT_STATUSES: Mapping[str, bool] = {
    "not_paid": True,
    "awaiting": False,
    "authorized": False,
    "partially_authorized": False,
    "captured": False,
    "partially_captured": False,
    "partially_refunded": False,
    "refunded": False,
    "canceled": False,
    "requires_action": False,
}
"""Whether a ship marks the order paid; in any other status somebody is at it, or nobody knows."""


def standing(order: Order) -> Standing:
    """How an order stands; a canceled one that was archived is over."""
    return "over" if order.canceled_at is not None else ORDER_STATUSES.get(order.status, "open")


def way(order: Order) -> Way:
    """Where an order's goods are. ``partially_delivered`` is `left` if all of it was shipped."""
    found = FULFILLMENT_STATUSES.get(order.fulfillment_status, "unknown")
    is_all_sent = bool(order.items) and all(
        item.detail is not None and item.detail.shipped_quantity >= item.quantity for item in order.items
    )
    return "left" if found == "leaving" and is_all_sent else found


def decision(order: Order, sub_order_id: str) -> Accepted | Declined | Pending:
    """What an order's status says of its submit."""
    match standing(order):
        case "taken" | "done":
            return Accepted(sub_order_id=sub_order_id, reference=order.number[:128])
        case "over":
            return Declined(sub_order_id=sub_order_id, reason="canceled_by_vendor", detail=f"order {order.number} is canceled")
        case "open":
            return Pending(sub_order_id=sub_order_id)


def arrival(order: Order | None, sub_order_id: str) -> Delivered | Pending:
    """What an order's status says of its arrival."""
    arrived = order is not None and standing(order) in {"taken", "done"} and way(order) == "arrived"
    return Delivered(sub_order_id=sub_order_id) if arrived else Pending(sub_order_id=sub_order_id)


def parcels(order: Order, settings: Settings) -> list[Parcel]:
    """The parcels of an order that has left; none of one that is here, or whose numbers are not known yet."""
    if standing(order) not in {"taken", "done"} or way(order) not in {"left", "arrived"}:
        return []
    sent = [each for each in order.fulfillments or [] if each.shipped_at is not None and each.canceled_at is None]
    found = [
        Parcel(carrier=(settings.carrier or each.provider_id or "unknown")[:64], tracking_number=label.tracking_number[:128])
        for each in sent
        for label in each.labels or []
        if label.tracking_number
    ]
    if not found and settings.untracked:
        return [Parcel(carrier=settings.carrier or "Untracked", tracking_number=order.number)]
    return found


def needs(items: Sequence[Item], variants: Mapping[str, Variant]) -> dict[str, float]:
    """Units by inventory item; what the shop does not count needs none."""
    found: dict[str, float] = {}
    for sku, quantity in units(items).items():
        variant = variants.get(sku)
        for part in (variant.inventory_items or []) if variant is not None and variant.manage_inventory else []:
            found[part.inventory_item_id] = found.get(part.inventory_item_id, 0) + quantity * part.required_quantity
    return found


def available(variant: Variant, location: str) -> int | None:
    """Units to be had at a location; None of what the shop does not count. Backorders are no stock: nobody promised to wait."""
    if not variant.manage_inventory:
        return None
    return max(0, min((_made_of(part.inventory, part.required_quantity, location) for part in variant.inventory_items or []), default=0))


def _made_of(inventory: Inventory | None, required: float, location: str) -> int:
    levels = [each for each in (inventory.location_levels if inventory else None) or [] if each.location_id == location]
    return int(sum(each.stocked_quantity - each.reserved_quantity for each in levels) // max(required, 1))


def there(variants: Mapping[str, Variant], location: str) -> dict[str, int | None]:
    """Units to be had of each at a location."""
    return {sku: available(each, location) for sku, each in variants.items()}


def draft(command: Submit, command_id: str, variants: Mapping[str, Variant], settings: Settings) -> dict[str, Any]:
    """The draft of an order, in major units. Without an e-mail address the shop writes to nobody."""
    address = _address(command.ship_to)
    shipping = {
        "name": command.shipping_option or "Shipping",
        "shipping_option_id": settings.shipping_option,
        "amount": amount_text(command.shipping_price, command.currency),
    }
    return {
        "region_id": settings.region,
        "sales_channel_id": settings.sales_channel,
        "currency_code": command.currency.lower(),
        "no_notification_order": True,
        "items": [_line(item, variants[item.sku], command.currency) for item in command.items],
        "shipping_address": address,
        "billing_address": address,
        "shipping_methods": [shipping],
        "metadata": {SUB_ORDER: command.sub_order_id, COMMAND: command_id},
    }


def level(variant: Variant, location: str) -> Level | None:
    """What new orders could have; None of what is not counted or has no SKU."""
    there = available(variant, location)
    return None if there is None or not variant.sku else Level(sku=variant.sku, stock=there)


def offer(variant: Variant, currency: str, settings: Settings) -> Offered | None:
    """What is sold, at everybody's price in the region's currency (ISO 4217, upper case); None without SKU or such a price."""
    prices = [each for each in variant.prices or [] if each.currency_code.upper() == currency and not each.rules]
    if not variant.sku or not prices or variant.product is None:
        return None
    product = variant.product
    return Offered(
        sku=variant.sku,
        price=OfferPrice(amount=int(prices[0].amount.scaleb(decimals(currency)).to_integral_value()), currency=currency),
        product=Described(title=product.title, category=_category(variant, settings), description=product.description or ""),
        state="active" if product.status == "published" else "paused",
    )


def rates(options: Sequence[ShippingOption], region: str, currency: str, days: int) -> list[Rate]:
    """The ways that are open to every order at one price in the region's currency; how long they take no shop says."""
    priced = [(each, _price(each, region, currency)) for each in options if _is_for_all(each)]
    return [
        Rate(code=each.id.lower(), name=each.name[:200], price=OfferPrice(amount=price, currency=currency), days=days)
        for each, price in priced
        if price is not None
    ]


def _is_for_all(option: ShippingOption) -> bool:
    rules = [(rule.attribute, str(rule.value).lower()) for rule in option.rules or []]
    return option.price_type == "flat" and all(FOR_EVERY_ORDER.get(name) == value for name, value in rules)


def _price(option: ShippingOption, region: str, currency: str) -> int | None:
    """The region's own price before the currency's; one with other conditions is not everybody's."""

    def rules(price: OptionPrice) -> list[tuple[str, Any]]:
        return [(rule.attribute, rule.value) for rule in price.price_rules or []]

    here = [each for each in option.prices or [] if each.currency_code.upper() == currency]
    found = [each for wanted in ([("region_id", region)], []) for each in here if rules(each) == wanted]
    return minor_units(found[0].amount, currency) if found else None


def _category(variant: Variant, settings: Settings) -> str:
    handles = [each.handle for each in (variant.product.categories if variant.product else None) or []]
    return next((handle for handle in handles if CATEGORY.fullmatch(handle)), settings.category)


def _line(item: PricedItem, variant: Variant, currency: str) -> dict[str, Any]:
    price = amount_text(item.unit_price, currency)
    return {"variant_id": variant.id, "title": item.title or item.sku, "quantity": item.quantity, "unit_price": price}


def _address(to: Address) -> dict[str, str]:
    return {
        "first_name": "",
        "last_name": to.name,
        "address_1": to.line1,
        "address_2": to.line2,
        "city": to.city,
        "province": to.region,
        "postal_code": to.postal_code,
        "country_code": to.country.lower(),
    }
