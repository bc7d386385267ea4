"""What we read of the server's answers; other fields are let be. The forms are those of `@medusajs/types` 2.21, `dist/http`."""

from decimal import Decimal
from typing import Any

import msgspec


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What of an inventory item lies at one location."""

    location_id: str
    stocked_quantity: float = 0
    reserved_quantity: float = 0


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """An inventory item."""

    id: str
    location_levels: list[Level] | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of an inventory item make one of a variant."""

    inventory_item_id: str
    required_quantity: float = 1
    inventory: Inventory | None = None


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """Where a product stands in the shop."""

    handle: str


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant is one of."""

    title: str
    status: str = ""
    description: str | None = None
    categories: list[Category] | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A price in major units; one with `rules` is not everybody's."""

    amount: Decimal
    currency_code: str
    rules: dict[str, Any] | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be so for a price, or a way of shipping, to be had."""

    attribute: str
    value: Any = None


class OptionPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price of a way of shipping, in major units."""

    amount: Decimal
    currency_code: str
    price_rules: list[Rule] | None = None


class ShippingOption(msgspec.Struct, frozen=True, kw_only=True):
    """A way of shipping."""

    id: str
    name: str
    price_type: str
    rules: list[Rule] | None = None
    prices: list[OptionPrice] | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold under a SKU. What is not managed is not counted."""

    id: str
    sku: str | None = None
    title: str | None = None
    manage_inventory: bool = True
    inventory_items: list[Part] | None = None
    product: Product | None = None
    prices: list[Price] | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an inventory item set aside; `description` is the command that asked for it."""

    id: str
    inventory_item_id: str
    description: str | None = None


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """How far an order's item is."""

    shipped_quantity: float = 0


class OrderItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of an order."""

    id: str
    quantity: float
    detail: Detail | None = None


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What sticks on a parcel."""

    tracking_number: str | None = None


class Fulfillment(msgspec.Struct, frozen=True, kw_only=True):
    """Some of an order, packed together."""

    id: str
    provider_id: str | None = None
    shipped_at: str | None = None
    canceled_at: str | None = None
    labels: list[Label] | None = None


class PaymentCollection(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid for an order."""

    id: str
    status: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order, or the draft of one. `total` is in major units, handed back as it came."""

    id: str
    status: str
    payment_status: str = ""
    fulfillment_status: str = ""
    display_id: int | None = None
    canceled_at: str | None = None
    metadata: dict[str, Any] | None = None
    total: msgspec.Raw = msgspec.Raw(b"0")
    items: list[OrderItem] = []
    payment_collections: list[PaymentCollection] | None = None
    fulfillments: list[Fulfillment] | None = None

    @property
    def number(self) -> str:
        """What the shop's people know it by."""
        return self.id if self.display_id is None else str(self.display_id)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error of the Admin API."""

    type: str = ""
    code: str = ""
    message: str = ""
