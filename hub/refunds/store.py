"""The only reader and writer of refunds, reversals and disputes (states go through their lives)."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, insert, select, update

from hub.kernel.errors import NotFound
from hub.kernel.money import Currency
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Funding
from hub.payments.facts import DisputeFacts
from hub.payments.store import Payment, moment
from hub.pricing.piece import Portion
from hub.refunds.model import Item
from hub.refunds.states import DISPUTE, REFUND, REVERSAL, DisputeState, RefundState, ReversalState
from hub.refunds.tables import disputes, refunds, reversals
from hub.runtime.database import Tx
from hub.runtime.life import Life

REFUND_LIFE = Life(REFUND, refunds, saga_column="order_id")
REVERSAL_LIFE = Life(REVERSAL, reversals, saga_column="order_id")
DISPUTE_LIFE = Life(DISPUTE, disputes, saga_column="order_id")

LOST, RETURNED = "dispute_lost", "dispute_returned"
"""What the books call it when we bear a lost dispute, and when that comes back."""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money back to the buyer for pieces of one sub-order; amounts in minor units."""

    id: str
    kind: str
    order_id: str
    payment_id: str
    sub_order_id: str
    dispute_id: str | None
    vendor: str
    state: RefundState
    amount: int
    discount: int
    share: int
    commission: int
    tax: int
    from_held: int
    from_reserve: int
    from_reversal: int
    from_debt: int
    items: list[Item]
    currency: Currency
    reason: str
    requested_by: str
    reference: str | None
    created_at: datetime

    @property
    def gathered_on(self) -> str:
        """The account of the books where its money is gathered; of a lost dispute on the dispute that has taken it already."""
        return recipes.refund_account(self.id) if self.dispute_id is None else recipes.dispute_account(self.dispute_id)


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """Transferred money on its way back to us."""

    id: str
    order_id: str
    refund_id: str
    transfer_id: str
    vendor: str
    state: ReversalState
    amount: int
    currency: str
    reference: str | None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """Money that the buyer's bank contests."""

    id: str
    order_id: str
    payment_id: str
    gateway: str
    reference: str
    state: DisputeState
    amount: int
    currency: Currency
    reason: str
    evidence_due_at: datetime | None
    created_at: datetime


_REFUND = [refunds.c[name] for name in Refund.__struct_fields__]
_REVERSAL = [reversals.c[name] for name in Reversal.__struct_fields__]
_DISPUTE = [disputes.c[name] for name in Dispute.__struct_fields__]


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go back: of which sub-order, of which pieces, and why. With `dispute_id` the buyer's bank has taken it already."""

    sub_order_id: str
    vendor: str
    items: list[Item]
    portion: Portion
    reason: str
    dispute_id: str | None = None


async def open_refund(tx: Tx, payment: Payment, new: NewRefund) -> Refund:
    """A requested refund."""
    refund_id = tx.ids.new("ref")
    portion = new.portion
    await tx.execute(
        insert(refunds).values(
            id=refund_id,
            kind="refund" if new.dispute_id is None else "dispute",
            order_id=payment.order_id,
            payment_id=payment.id,
            sub_order_id=new.sub_order_id,
            dispute_id=new.dispute_id,
            vendor=new.vendor,
            state=str(REFUND.initial),
            amount=portion.paid,
            discount=portion.discount,
            share=portion.share,
            commission=portion.commission,
            tax=portion.tax,
            items=msgspec.to_builtins(new.items),
            currency=payment.currency,
            reason=new.reason,
            requested_by=str(tx.actor),
        )
    )
    data = {"sub_order_id": new.sub_order_id, "amount": portion.paid, "reason": new.reason}
    REFUND_LIFE.born(tx, refund_id, payment.order_id, data=data)
    return await refund(tx, refund_id)


async def set_funding(tx: Tx, refund_id: str, funding: Funding) -> None:
    """Note where the vendor's part came from."""
    values = {
        "from_held": funding.held,
        "from_reserve": funding.reserve,
        "from_reversal": funding.reversal,
        "from_debt": funding.debt,
    }
    await tx.execute(update(refunds).where(refunds.c.id == refund_id).values(values))


async def reversal_became_debt(tx: Tx, refund_id: str, amount: int) -> None:
    """Note that `amount` which reversals should have brought is the vendor's debt now."""
    t = refunds.c
    await tx.execute(
        update(refunds).where(t.id == refund_id).values(from_reversal=t.from_reversal - amount, from_debt=t.from_debt + amount)
    )


async def refund(tx: Tx, refund_id: str) -> Refund:
    """One refund. Raises `NotFound`."""
    found = await tx.one(select(*_REFUND).where(refunds.c.id == refund_id), Refund)
    if found is None:
        raise NotFound("unknown_refund", f"no refund {refund_id}")
    return found


async def refunds_where(tx: Tx, *conditions: ColumnElement[bool], limit: int | None = None, newest_first: bool = False) -> list[Refund]:
    """Refunds by conditions on `tables.refunds`."""
    order = refunds.c.id.desc() if newest_first else refunds.c.id
    return await tx.all(select(*_REFUND).where(*conditions).order_by(order).limit(limit), Refund)


async def refunds_of(tx: Tx, order_id: str) -> list[Refund]:
    """An order's refunds, oldest first."""
    return await refunds_where(tx, refunds.c.order_id == order_id)


async def open_reversal(tx: Tx, whose: Refund, transfer_id: str, amount: int) -> str:
    """A reversal of part of a transfer; its id."""
    reversal_id = tx.ids.new("rev")
    await tx.execute(
        insert(reversals).values(
            id=reversal_id,
            order_id=whose.order_id,
            refund_id=whose.id,
            transfer_id=transfer_id,
            vendor=whose.vendor,
            state=str(REVERSAL.initial),
            amount=amount,
            currency=whose.currency,
        )
    )
    REVERSAL_LIFE.born(tx, reversal_id, whose.order_id, data={"refund_id": whose.id, "transfer_id": transfer_id, "amount": amount})
    return reversal_id


async def reversal(tx: Tx, reversal_id: str) -> Reversal:
    """One reversal. Raises `NotFound`."""
    found = await tx.one(select(*_REVERSAL).where(reversals.c.id == reversal_id), Reversal)
    if found is None:
        raise NotFound("unknown_reversal", f"no reversal {reversal_id}")
    return found


async def reversals_under_way(tx: Tx, refund_id: str) -> bool:
    """Whether money of a transfer is still being taken back for a refund."""
    t = reversals.c
    return bool(await tx.scalar(select(func.count()).where(t.refund_id == refund_id, t.state == ReversalState.SENDING)))


async def note_dispute(tx: Tx, payment: Payment, facts: DisputeFacts) -> Dispute:
    """The dispute of that reference, new if need be. The order is locked, so nobody else makes it meanwhile."""
    known = await tx.one(select(*_DISPUTE).where(disputes.c.gateway == payment.gateway, disputes.c.reference == facts.reference), Dispute)
    if known is not None:
        return known
    dispute_id = tx.ids.new("dsp")
    values: dict[str, Any] = {"amount": facts.amount, "currency": facts.currency, "reason": facts.reason}
    await tx.execute(
        insert(disputes).values(
            id=dispute_id,
            order_id=payment.order_id,
            payment_id=payment.id,
            gateway=payment.gateway,
            reference=facts.reference,
            state=str(DISPUTE.initial),
            evidence_due_at=moment(facts.evidence_due),
            **values,
        )
    )
    DISPUTE_LIFE.born(tx, dispute_id, payment.order_id, data=values)
    return await dispute(tx, dispute_id)


async def dispute(tx: Tx, dispute_id: str) -> Dispute:
    """One dispute. Raises `NotFound`."""
    found = await tx.one(select(*_DISPUTE).where(disputes.c.id == dispute_id), Dispute)
    if found is None:
        raise NotFound("unknown_dispute", f"no dispute {dispute_id}")
    return found


async def disputes_where(tx: Tx, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Dispute]:
    """Disputes by conditions on `tables.disputes`, newest first."""
    return await tx.all(select(*_DISPUTE).where(*conditions).order_by(disputes.c.id.desc()).limit(limit), Dispute)


async def losses(tx: Tx, payment_id: str) -> dict[str, int]:
    """What we bear ourselves of a payment's lost disputes, by dispute."""
    borne: dict[str, int] = {}
    for dispute in await disputes_where(tx, disputes.c.payment_id == payment_id):
        account = recipes.dispute_account(dispute.id)
        for kind in (LOST, RETURNED):
            moved = await ledger.moved(tx, kind, recipes.LOSSES, dispute.currency, beside=account)
            borne[dispute.id] = borne.get(dispute.id, 0) - moved
    return borne


async def contested(tx: Tx, payment_id: str, *, also_asked: bool = True) -> bool:
    """Whether a payment's dispute is open, or money of it has neither come back nor been borne by anybody yet.

    `also_asked`: an inquiry counts, so that nothing is released meanwhile; for a refund, which ends most of them, it does not.
    """
    open_states = {DisputeState.OPEN, DisputeState.INQUIRY} if also_asked else {DisputeState.OPEN}
    for dispute in await disputes_where(tx, disputes.c.payment_id == payment_id):
        account = recipes.dispute_account(dispute.id)
        if dispute.state in open_states or await ledger.balance(tx, account, dispute.currency) < 0:
            return True
    return False
