"""An order as buyers, vendors and operators see it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from hub.kernel.money import Money
from hub.orders.documents import FOR_BUYERS
from hub.orders.model import Line, Order, SubOrder
from hub.orders.states import FALLEN, SubOrderState
from hub.pricing.tax import included
from vendor_sdk.messages import Document


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer; `total` is what the buyer pays for them, after `discount`."""

    id: str
    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    discount: Money
    total: Money


class VendorLineView(LineView, frozen=True, kw_only=True):
    """The same for its vendor: how much of `discount` it bears itself, and what we take."""

    vendor_discount: Money
    commission: Money
    commission_tax: Money


class SubOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The part one vendor owes; `reason` says why it fell out. `total` is goods and shipping less `discount`.

    `accept_by`, `ship_by` and `deliver_by` are what its vendor has promised; each is null until the vendor is asked.

    What its vendor did not take on became a part of its own, `split_from` it. A part that `replaces` one that fell out is
    another vendor's; `was` is what the buyer was to pay for that. Of its vendor's `documents` a buyer sees the invoice and customs papers.
    """

    id: str
    vendor: str
    state: str
    reason: str | None
    accept_by: datetime | None
    ship_by: datetime | None
    deliver_by: datetime | None
    split_from: str | None
    replaces: str | None
    was: Money | None
    shipping_option: str
    shipping_price: Money
    shipping_discount: Money
    goods_total: Money
    discount: Money
    total: Money
    lines: list[LineView]
    parcels: list[dict[str, Any]]
    documents: list[Document] = []


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer's payment; `refunded` is what has gone back.

    ``pending`` and ``waiting`` mean that the order waits for it, within its time; waiting, `action` tells the buyer what to
    do: authenticate with the bank (`client_secret`), or send a bank transfer with a `reference`.
    """

    id: str
    state: str
    method: str
    amount: Money
    captured: Money
    refunded: Money
    disputed: bool
    action: dict[str, Any] | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole; `state` is the roll-up of its sub-orders.

    `total` is what it came to when it was placed, `payable` what the parts that stand come to; `tax_included` is in that.
    """

    id: str
    state: str
    stage: str
    course: str
    discount: Money
    total: Money
    payable: Money
    tax_included: Money
    address: dict[str, Any]
    on_shortage: str
    price_limit: Money | None
    arrive_by: date | None
    created_at: datetime
    sub_orders: list[SubOrderView]
    payment: PaymentView | None = None


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """What a sub-order waits for its vendor to say: whether it takes it on, that it has left, that it has arrived, whether it can stop.

    `by` is what it has promised: later is late, not lost, but for an ``acceptance``. A ``recall`` has no time of its own.
    """

    answer: Literal["acceptance", "shipment", "delivery", "recall"]
    by: datetime | None


class VendorOrderView(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order as its vendor sees it: with the address and what we take, without the others' parts.

    `total` is what the buyer pays. The vendor bears `vendor_discount` of `discount` (its part of shipping's is
    `shipping_vendor_discount`), we the rest; `share` is what is the vendor's: `total` + our part of the discount -
    `commission` - `commission_tax`. `accept_by`, `ship_by` and `deliver_by` are what the vendor has promised, each from when it is asked.
    `awaits` is null where the next word is not the vendor's: before the money is taken, and at the end.
    """

    id: str
    order_id: str
    state: str
    reason: str | None
    accept_by: datetime | None
    ship_by: datetime | None
    deliver_by: datetime | None
    awaits: Awaited | None
    split_from: str | None
    shipping_option: str
    shipping_price: Money
    shipping_discount: Money
    shipping_vendor_discount: Money
    goods_total: Money
    discount: Money
    vendor_discount: Money
    total: Money
    commission: Money
    commission_tax: Money
    share: Money
    ship_to: dict[str, Any]
    lines: list[VendorLineView]
    documents: list[Document] = []


class Sent(msgspec.Struct, frozen=True):
    """What is known of what has left, by sub-order."""

    parcels: Mapping[str, list[dict[str, Any]]] = {}
    documents: Mapping[str, list[Document]] = {}

    def for_buyer(self) -> "Sent":
        """Without what only its vendor and operators may see."""
        mine = {sub_id: [each for each in found if each.kind in FOR_BUYERS] for sub_id, found in self.documents.items()}
        return Sent(self.parcels, mine)


def order_view(order: Order, sent: Sent, payment: PaymentView | None = None) -> OrderView:
    """The order, with all that is in `sent`."""
    c = order.currency
    payable = sum(sub.total for sub in order.sub_orders if sub.state not in FALLEN)
    return OrderView(
        id=order.id,
        state=order.state,
        stage=order.stage,
        course=order.course,
        discount=Money(amount=sum(sub.discount for sub in order.sub_orders), currency=c),
        total=Money(amount=order.total, currency=c),
        payable=Money(amount=payable, currency=c),
        tax_included=Money(amount=included(payable, order.tax_bps), currency=c),
        address=order.address,
        on_shortage=order.on_shortage,
        price_limit=None if order.price_limit is None else Money(amount=order.price_limit, currency=c),
        arrive_by=order.arrive_by,
        created_at=order.created_at,
        sub_orders=[_part(sub, c, sent) for sub in order.sub_orders],
        payment=payment,
    )


def vendor_order_view(sub: SubOrder, currency: str, ship_to: dict[str, Any], documents: Sequence[Document] = ()) -> VendorOrderView:
    """What one vendor may see; `documents` are those of this sub-order."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return VendorOrderView(
        id=sub.id,
        order_id=sub.order_id,
        state=str(sub.state),
        reason=sub.reason,
        accept_by=sub.accept_by,
        ship_by=sub.ship_by,
        deliver_by=sub.deliver_by,
        awaits=awaits(sub),
        split_from=sub.split_from,
        shipping_option=sub.shipping_option,
        shipping_price=money(sub.shipping_price),
        shipping_discount=money(sub.shipping_vendor_discount + sub.shipping_platform_discount),
        shipping_vendor_discount=money(sub.shipping_vendor_discount),
        goods_total=money(sub.goods_total),
        discount=money(sub.discount),
        vendor_discount=money(sub.discount - sub.platform_discount),
        total=money(sub.total),
        commission=money(sub.commission),
        commission_tax=money(sub.commission_tax),
        share=money(sub.total + sub.platform_discount - sub.commission - sub.commission_tax),
        ship_to=ship_to,
        lines=[_vendor_line(line, money) for line in sub.lines],
        documents=list(documents),
    )


def awaits(sub: SubOrder) -> Awaited | None:
    """What the next word of a sub-order's vendor is to be about, if it is the vendor's turn."""
    match sub.state:
        case SubOrderState.ROUTED:
            return Awaited(answer="acceptance", by=sub.accept_by)
        case SubOrderState.ACCEPTED if sub.ship_by is not None:
            return Awaited(answer="shipment", by=sub.ship_by)
        case SubOrderState.RECALLING:
            return Awaited(answer="recall", by=None)
        case SubOrderState.SHIPPED:
            return Awaited(answer="delivery", by=sub.deliver_by)
        case _:
            return None


def _part(sub: SubOrder, currency: str, sent: Sent) -> SubOrderView:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return SubOrderView(
        id=sub.id,
        vendor=sub.vendor,
        state=str(sub.state),
        reason=sub.reason,
        accept_by=sub.accept_by,
        ship_by=sub.ship_by,
        deliver_by=sub.deliver_by,
        split_from=sub.split_from,
        replaces=sub.replaces,
        was=None if sub.was is None else money(sub.was),
        shipping_option=sub.shipping_option,
        shipping_price=money(sub.shipping_price),
        shipping_discount=money(sub.shipping_vendor_discount + sub.shipping_platform_discount),
        goods_total=money(sub.goods_total),
        discount=money(sub.discount),
        total=money(sub.total),
        lines=[_line(line, money) for line in sub.lines],
        parcels=sent.parcels.get(sub.id, []),
        documents=sent.documents.get(sub.id, []),
    )


def _line(line: Line, money: Callable[[int], Money]) -> LineView:
    return LineView(
        id=line.id,
        offer_id=line.offer_id,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        unit_price=money(line.unit_price),
        discount=money(line.vendor_discount + line.platform_discount),
        total=money(line.piece.paid),
    )


def _vendor_line(line: Line, money: Callable[[int], Money]) -> VendorLineView:
    sold = line.piece.sold
    return VendorLineView(
        **msgspec.structs.asdict(_line(line, money)),
        vendor_discount=money(line.vendor_discount),
        commission=money(sold.commission),
        commission_tax=money(sold.tax),
    )
