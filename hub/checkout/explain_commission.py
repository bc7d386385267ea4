"""Explains a sub-order's commission: which rule took which cent of which piece, and what refunds have given back of it."""

import msgspec

from hub.kernel.money import Money
from hub.orders import store
from hub.orders.model import SubOrder
from hub.pricing.charge import Item, PassedOver
from hub.pricing.piece import Piece
from hub.runtime.database import Tx


class FeeView(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule took of one piece, and why; `rule` is empty where no rule of the group matched.

    `computed` is `bps` of `base` plus `fixed`, within the rule's `limit` if one is named. Where the fee is worked out `per`
    part, `whole_fee` of `whole_base` is that of all pieces together, and `computed` this one's part. `charged` is less only
    where more than the piece itself would have been taken.
    """

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


class PieceCommission(msgspec.Struct, frozen=True, kw_only=True):
    """A line's fees, or those of the shipping (`id` is ``shipping``); `gross` is what they are of, `refunded` what of it went back.

    `returned` and `returned_tax` are what of our commission has gone back with it.
    """

    id: str
    title: str
    gross: Money
    vendor_discount: Money
    commission: Money
    commission_tax: Money
    refunded: Money
    returned: Money
    returned_tax: Money
    fees: list[FeeView]


class CommissionView(msgspec.Struct, frozen=True, kw_only=True):
    """A sub-order's commission as it was frozen at the sale: the fees add up to it, to the cent."""

    sub_order_id: str
    order_id: str
    vendor: str
    commission: Money
    commission_tax: Money
    returned: Money
    returned_tax: Money
    pieces: list[PieceCommission]


async def explain(tx: Tx, sub_order_id: str, vendor: str | None = None) -> CommissionView:
    """The explanation. Raises `NotFound` (``unknown_order``), also for another's than the given `vendor`."""
    order = await store.load(tx, await store.order_of(tx, sub_order_id, vendor))
    sub = order.part(sub_order_id)
    items = await store.commission_items(tx, sub_order_id)
    pieces = [_piece(name, piece, sub, items, order.currency) for name, piece in sub.pieces.items()]

    def total(amounts: list[Money]) -> Money:
        return Money(amount=sum(amount.amount for amount in amounts), currency=order.currency)

    return CommissionView(
        sub_order_id=sub.id,
        order_id=sub.order_id,
        vendor=sub.vendor,
        commission=Money(amount=sub.commission, currency=order.currency),
        commission_tax=Money(amount=sub.commission_tax, currency=order.currency),
        returned=total([piece.returned for piece in pieces]),
        returned_tax=total([piece.returned_tax for piece in pieces]),
        pieces=pieces,
    )


def _piece(name: str, piece: Piece, sub: SubOrder, items: list[Item], currency: str) -> PieceCommission:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    line = next((line for line in sub.lines if line.id == name), None)
    sold, back = piece.sold, piece.returned(piece.refunded)
    return PieceCommission(
        id=name,
        title=line.title if line else sub.shipping_option,
        gross=money(piece.gross),
        vendor_discount=money(line.vendor_discount if line else sub.shipping_vendor_discount),
        commission=money(sold.commission),
        commission_tax=money(sold.tax),
        refunded=money(piece.refunded),
        returned=money(back.commission),
        returned_tax=money(back.tax),
        fees=[_fee(item, currency) for item in items if item.piece == name],
    )


def _fee(item: Item, currency: str) -> FeeView:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return FeeView(
        rule=item.rule,
        group=item.group,
        per=item.per,
        base=money(item.base),
        bps=item.bps,
        fixed=money(item.fixed),
        limit=item.limit,
        whole_base=money(item.whole_base),
        whole_fee=money(item.whole_fee),
        computed=money(item.computed),
        charged=money(item.charged),
        tax_bps=item.tax_bps,
        tax=money(item.tax),
        on_refund=item.on_refund,
        why=item.why,
        passed_over=item.passed_over,
    )
