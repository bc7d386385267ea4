"""A refund and a dispute as buyers, vendors and operators see them."""

from datetime import datetime

import msgspec

from hub.kernel.money import Money
from hub.refunds.model import Item
from hub.refunds.store import Dispute, Refund


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back of a line, or of the shipping."""

    line_id: str
    amount: Money


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way to the buyer."""

    id: str
    order_id: str
    sub_order_id: str
    state: str
    amount: Money
    items: list[ItemView]
    reason: str
    created_at: datetime


class SettledRefundView(RefundView, frozen=True, kw_only=True):
    """The same with who bears it: `share` the vendor (out of where), `commission` and `tax` we; `discount` comes back to us."""

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


class DisputeView(msgspec.Struct, frozen=True, kw_only=True):
    """Money that the buyer's bank contests."""

    id: str
    order_id: str
    state: str
    amount: Money
    reason: str
    reference: str
    evidence_due_at: datetime | None
    created_at: datetime


def refund_view(refund: Refund) -> RefundView:
    """For the buyer."""
    return RefundView(
        id=refund.id,
        order_id=refund.order_id,
        sub_order_id=refund.sub_order_id,
        state=str(refund.state),
        amount=Money(amount=refund.amount, currency=refund.currency),
        items=_items(refund.items, refund.currency),
        reason=refund.reason,
        created_at=refund.created_at,
    )


def settled_view(refund: Refund) -> SettledRefundView:
    """For its vendor, and for operators."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=refund.currency)

    seen = refund_view(refund)
    return SettledRefundView(
        id=seen.id,
        order_id=seen.order_id,
        sub_order_id=seen.sub_order_id,
        state=seen.state,
        amount=seen.amount,
        items=seen.items,
        reason=seen.reason,
        created_at=seen.created_at,
        kind=refund.kind,
        vendor=refund.vendor,
        requested_by=refund.requested_by,
        reference=refund.reference,
        discount=money(refund.discount),
        share=money(refund.share),
        commission=money(refund.commission),
        tax=money(refund.tax),
        from_held=money(refund.from_held),
        from_reserve=money(refund.from_reserve),
        from_reversal=money(refund.from_reversal),
        from_debt=money(refund.from_debt),
    )


def dispute_view(dispute: Dispute) -> DisputeView:
    """For operators, and for vendors whose sale it is about."""
    return DisputeView(
        id=dispute.id,
        order_id=dispute.order_id,
        state=str(dispute.state),
        amount=Money(amount=dispute.amount, currency=dispute.currency),
        reason=dispute.reason,
        reference=dispute.reference,
        evidence_due_at=dispute.evidence_due_at,
        created_at=dispute.created_at,
    )


def _items(items: list[Item], currency: str) -> list[ItemView]:
    return [ItemView(line_id=item.piece, amount=Money(amount=item.paid, currency=currency)) for item in items]
