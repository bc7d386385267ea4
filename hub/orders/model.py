"""What the buyer placed, as frozen structs: the order, its sub-orders, their lines."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from hub.orders.states import SubOrderState
from hub.pricing.charge import SHIPPING
from hub.pricing.piece import Piece, Portion


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer in a sub-order, in minor units.

    The discounts and fees are of all its units and frozen at the sale (see `Piece`); `refunded` is what was given back of its
    gross so far.
    """

    id: str
    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    shipping_price: int = 0
    """What each unit adds to its part's shipping."""
    category: str = ""
    vendor_discount: int = 0
    platform_discount: int = 0
    commission: int = 0
    commission_tax: int = 0
    kept: int = 0
    kept_tax: int = 0
    refunded: int = 0

    @property
    def piece(self) -> Piece:
        """Whose is which cent of it."""
        return Piece(
            gross=self.unit_price * self.quantity - self.vendor_discount,
            discount=self.platform_discount,
            commission=self.commission,
            tax=self.commission_tax,
            kept=self.kept,
            kept_tax=self.kept_tax,
            quantity=self.quantity,
            refunded=self.refunded,
        )


class SubOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor owes.

    `total` is what the buyer pays: goods and shipping less `discount`, of which we bear `platform_discount`. `commission` and
    `commission_tax` are sums over its pieces (lines and shipping), where they are frozen.
    """

    id: str
    order_id: str
    number: int
    vendor: str
    state: SubOrderState
    shipping_option: str
    shipping_price: int
    goods_total: int
    total: int
    commission: int
    reason: str | None
    discount: int = 0
    platform_discount: int = 0
    commission_tax: int = 0
    shipping_vendor_discount: int = 0
    shipping_platform_discount: int = 0
    shipping_commission: int = 0
    shipping_commission_tax: int = 0
    shipping_kept: int = 0
    shipping_kept_tax: int = 0
    shipping_refunded: int = 0
    vendor_country: str = ""
    vendor_bps: int | None = None
    accept_by: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    split_from: str | None = None
    """The part that these units belonged to until its vendor did not take them on."""
    replaces: str | None = None
    """The part that fell out and that another vendor takes over with this,"""
    was: int | None = None
    """and what the buyer was to pay for that."""
    capabilities: frozenset[str] = frozenset()
    """What its vendor's spoke can do now; the rest its vendor does by hand."""
    lines: list[Line] = []

    @property
    def shipping_piece(self) -> Piece:
        """Whose is which cent of the shipping."""
        return Piece(
            gross=self.shipping_price - self.shipping_vendor_discount,
            discount=self.shipping_platform_discount,
            commission=self.shipping_commission,
            tax=self.shipping_commission_tax,
            kept=self.shipping_kept,
            kept_tax=self.shipping_kept_tax,
            refunded=self.shipping_refunded,
        )

    @property
    def pieces(self) -> dict[str, Piece]:
        """All of it by the id of the line, and ``shipping``."""
        return {**{line.id: line.piece for line in self.lines}, SHIPPING: self.shipping_piece}

    @property
    def units(self) -> int:
        """How many units it holds in all."""
        return sum(line.quantity for line in self.lines)

    @property
    def share(self) -> Portion:
        """Who gets what of the sale."""
        return sum((piece.sold for piece in self.pieces.values()), Portion())


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The whole order with its parts."""

    id: str
    customer_id: str
    quote_id: str
    kind: str
    stage: str
    course: str
    state: str
    currency: str
    total: int
    address: dict[str, Any]
    payment_method: str
    on_shortage: str
    price_limit: int | None = None
    """The most that the buyer pays for all of it, should others deliver; None: no more than `total`."""
    arrive_by: date | None = None
    """When what others deliver must have arrived."""
    tax_bps: int = 0
    """The tax in the prices, at the destination when it was placed."""
    cancel_reason: str | None
    created_at: datetime
    sub_orders: list[SubOrder] = []

    @property
    def day(self) -> date:
        """The day of the sale, in UTC."""
        return self.created_at.astimezone(UTC).date()

    def part(self, sub_order_id: str) -> SubOrder:
        """One of its sub-orders."""
        return next(sub for sub in self.sub_orders if sub.id == sub_order_id)
