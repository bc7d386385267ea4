"""An order as buyers, vendors and operators see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from hub.kernel.money import Money
from hub.orders.store import Line, Order, SubOrder


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer."""

    id: str
    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money


class SubOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The part one vendor owes; `reason` says why it fell out."""

    id: str
    vendor: str
    state: str
    reason: str | None
    shipping_option: str
    shipping_price: Money
    goods_total: Money
    total: Money
    lines: list[LineView]
    parcels: list[dict[str, Any]]


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer's payment; `refunded` is what has gone back."""

    id: str
    state: str
    method: str
    amount: Money
    captured: Money
    refunded: Money


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole; `state` is the roll-up of its sub-orders."""

    id: str
    state: str
    stage: str
    course: str
    total: Money
    address: dict[str, Any]
    on_shortage: str
    created_at: datetime
    sub_orders: list[SubOrderView]
    payment: PaymentView | None = None


class VendorOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order as its vendor sees it: with the address, the commission and the rule that set it, without the others' parts."""

    id: str
    order_id: str
    state: str
    reason: str | None
    shipping_option: str
    shipping_price: Money
    goods_total: Money
    total: Money
    commission: Money
    commission_rule: str
    ship_to: dict[str, Any]
    lines: list[LineView]


def order_view(order: Order, parcels: Mapping[str, list[dict[str, Any]]], payment: PaymentView | None = None) -> OrderView:
    """`parcels` by sub-order."""
    c = order.currency
    return OrderView(
        id=order.id,
        state=order.state,
        stage=order.stage,
        course=order.course,
        total=Money(amount=order.total, currency=c),
        address=order.address,
        on_shortage=order.on_shortage,
        created_at=order.created_at,
        sub_orders=[_part(sub, c, parcels.get(sub.id, [])) for sub in order.sub_orders],
        payment=payment,
    )


def vendor_order_view(sub: SubOrder, currency: str, ship_to: dict[str, Any]) -> VendorOrderView:
    """What one vendor may see."""
    return VendorOrderView(
        id=sub.id,
        order_id=sub.order_id,
        state=str(sub.state),
        reason=sub.reason,
        shipping_option=sub.shipping_option,
        shipping_price=Money(amount=sub.shipping_price, currency=currency),
        goods_total=Money(amount=sub.goods_total, currency=currency),
        total=Money(amount=sub.total, currency=currency),
        commission=Money(amount=sub.commission, currency=currency),
        commission_rule=sub.commission_rule,
        ship_to=ship_to,
        lines=_lines(sub.lines, currency),
    )


def _part(sub: SubOrder, currency: str, parcels: list[dict[str, Any]]) -> SubOrderView:
    return SubOrderView(
        id=sub.id,
        vendor=sub.vendor,
        state=str(sub.state),
        reason=sub.reason,
        shipping_option=sub.shipping_option,
        shipping_price=Money(amount=sub.shipping_price, currency=currency),
        goods_total=Money(amount=sub.goods_total, currency=currency),
        total=Money(amount=sub.total, currency=currency),
        lines=_lines(sub.lines, currency),
        parcels=parcels,
    )


def _lines(lines: Sequence[Line], currency: str) -> list[LineView]:
    return [
        LineView(
            id=line.id,
            offer_id=line.offer_id,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price=Money(amount=line.unit_price, currency=currency),
        )
        for line in lines
    ]
