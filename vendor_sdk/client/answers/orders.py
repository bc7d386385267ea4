"""Sub-orders, their commission, and what goes back to buyers."""

from datetime import datetime
from typing import Any

from vendor_sdk.client.answers import Answer, Money
from vendor_sdk.client.answers.documents import Document


class Line(Answer, frozen=True):
    """Units of one offer; `total` is what the buyer pays for them. Of `discount` you bear `vendor_discount`."""

    id: str
    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    discount: Money
    total: Money
    vendor_discount: Money
    commission: Money
    commission_tax: Money


class Awaited(Answer, frozen=True):
    """What the order waits for you to say: ``acceptance``, ``shipment``, ``delivery`` or ``recall``; `by` is what you promised."""

    answer: str
    by: datetime | None


class Order(Answer, frozen=True):
    """A sub-order: the part of a buyer's order that you owe. `share` is what is yours of `total`.

    `awaits` is null where the next word is not yours: before the money is taken, and at the end.
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
    lines: list[Line]
    documents: list[Document] = []  # noqa: RUF012  # msgspec copies it


class PassedOver(Answer, frozen=True):
    """A rule that did not apply, and why."""

    rule: str
    why: str


class Fee(Answer, frozen=True):
    """One fee of the commission: by which rule, on what, and why."""

    rule: str
    group: str
    per: str
    base: Money
    bps: int
    fixed: Money
    limit: str
    whole_base: Money
    whole_fee: Money
    computed: Money
    charged: Money
    tax_bps: int
    tax: Money
    on_refund: str
    why: str
    passed_over: list[PassedOver]


class Piece(Answer, frozen=True):
    """The commission on a line, or on the part's shipping."""

    id: str
    title: str
    gross: Money
    vendor_discount: Money
    commission: Money
    commission_tax: Money
    refunded: Money
    returned: Money
    returned_tax: Money
    fees: list[Fee]


class Commission(Answer, frozen=True):
    """What was taken of a sub-order, as it was frozen at the sale, and what went back with refunds."""

    sub_order_id: str
    order_id: str
    vendor: str
    commission: Money
    commission_tax: Money
    returned: Money
    returned_tax: Money
    pieces: list[Piece]


class RefundItem(Answer, frozen=True):
    """What of a refund is of one line."""

    line_id: str
    amount: Money


class Refund(Answer, frozen=True):
    """What goes back to a buyer, or what its bank took (`kind`), and from which of your pots."""

    id: str
    order_id: str
    sub_order_id: str
    state: str
    amount: Money
    items: list[RefundItem]
    reason: str
    created_at: datetime
    kind: str
    vendor: str
    discount: Money
    share: Money
    commission: Money
    tax: Money
    from_held: Money
    from_reserve: Money
    from_reversal: Money
    from_debt: Money
    requested_by: str
    reference: str | None
