"""The only reader and writer of refunds, reversals and disputes (states go through their lives)."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, bindparam, func, insert, select, update

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
_DISPUTE_OF = select(*_DISPUTE).where(disputes.c.gateway == bindparam("gateway"), disputes.c.reference == bindparam("reference"))
_ONE_DISPUTE = select(*_DISPUTE).where(disputes.c.id == bindparam("dispute_id"))


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go back: of which sub-order, of which pieces, and why. With `dispute_id` the buyer's bank has taken it already."""

    sub_order_id: str
    vendor: str
    items: list[Item]
    portion: Portion
    reason: str
    dispute_id: str | None = None


_OPEN = insert(refunds).returning(*_REFUND)


async def open_refund(tx: Tx, payment: Payment, new: NewRefund) -> Refund:
    """A requested refund."""
    refund_id = tx.ids.new("ref")
    portion = new.portion
    values: dict[str, Any] = {
        "id": refund_id,
        "kind": "refund" if new.dispute_id is None else "dispute",
        "order_id": payment.order_id,
        "payment_id": payment.id,
        "sub_order_id": new.sub_order_id,
        "dispute_id": new.dispute_id,
        "vendor": new.vendor,
        "state": str(REFUND.initial),
        "amount": portion.paid,
        "discount": portion.discount,
        "share": portion.share,
        "commission": portion.commission,
        "tax": portion.tax,
        "items": msgspec.to_builtins(new.items),
        "currency": payment.currency,
        "reason": new.reason,
        "requested_by": str(tx.actor),
    }
    opened = await tx.one(_OPEN, Refund, values)
    assert opened is not None, "it was just written"
    data = {"sub_order_id": new.sub_order_id, "amount": portion.paid, "reason": new.reason}
    REFUND_LIFE.born(tx, refund_id, payment.order_id, data=data)
    return opened


_NOTE = update(refunds).where(refunds.c.id == bindparam("refund_id"))


async def set_funding(tx: Tx, refund_id: str, funding: Funding) -> None:
    """Note where the vendor's part came from."""
    values = {
        "from_held": funding.held,
        "from_reserve": funding.reserve,
        "from_reversal": funding.reversal,
        "from_debt": funding.debt,
    }
    await tx.execute(_NOTE, {"refund_id": refund_id, **values})


_missing = bindparam("missing", type_=BigInteger)
_BECAME_DEBT = _NOTE.values(from_reversal=refunds.c.from_reversal - _missing, from_debt=refunds.c.from_debt + _missing)


async def reversal_became_debt(tx: Tx, refund_id: str, amount: int) -> None:
    """Note that `amount` which reversals should have brought is the vendor's debt now."""
    await tx.execute(_BECAME_DEBT, {"refund_id": refund_id, "missing": amount})


_ONE = select(*_REFUND).where(refunds.c.id == bindparam("refund_id"))


async def refund(tx: Tx, refund_id: str) -> Refund:
    """One refund. Raises `NotFound`."""
    found = await tx.one(_ONE, Refund, {"refund_id": refund_id})
    if found is None:
        raise NotFound("unknown_refund", f"no refund {refund_id}")
    return found


async def refunds_where(tx: Tx, *conditions: ColumnElement[bool], limit: int | None = None, newest_first: bool = False) -> list[Refund]:
    """Refunds by conditions on `tables.refunds`."""
    order = refunds.c.id.desc() if newest_first else refunds.c.id
    return await tx.all(select(*_REFUND).where(*conditions).order_by(order).limit(limit), Refund)


_OF_ORDER = select(*_REFUND).where(refunds.c.order_id == bindparam("order_id")).order_by(refunds.c.id)
_OF_SUB_ORDER = select(*_REFUND).where(refunds.c.sub_order_id == bindparam("sub_order_id")).order_by(refunds.c.id)
_REQUESTED = _OF_SUB_ORDER.where(refunds.c.state == RefundState.REQUESTED)


async def refunds_of(tx: Tx, order_id: str) -> list[Refund]:
    """An order's refunds, oldest first."""
    return await tx.all(_OF_ORDER, Refund, {"order_id": order_id})


async def requested_of(tx: Tx, sub_order_id: str) -> list[Refund]:
    """A sub-order's refunds for which nothing is gathered yet, oldest first."""
    return await tx.all(_REQUESTED, Refund, {"sub_order_id": sub_order_id})


_OPEN_REVERSAL = insert(reversals)


async def open_reversal(tx: Tx, whose: Refund, transfer_id: str, amount: int) -> str:
    """A reversal of part of a transfer; its id."""
    reversal_id = tx.ids.new("rev")
    values = {
        "id": reversal_id,
        "order_id": whose.order_id,
        "refund_id": whose.id,
        "transfer_id": transfer_id,
        "vendor": whose.vendor,
        "state": str(REVERSAL.initial),
        "amount": amount,
        "currency": whose.currency,
    }
    await tx.execute(_OPEN_REVERSAL, values)
    REVERSAL_LIFE.born(tx, reversal_id, whose.order_id, data={"refund_id": whose.id, "transfer_id": transfer_id, "amount": amount})
    return reversal_id


_ONE_REVERSAL = select(*_REVERSAL).where(reversals.c.id == bindparam("reversal_id"))


async def reversal(tx: Tx, reversal_id: str) -> Reversal:
    """One reversal. Raises `NotFound`."""
    found = await tx.one(_ONE_REVERSAL, Reversal, {"reversal_id": reversal_id})
    if found is None:
        raise NotFound("unknown_reversal", f"no reversal {reversal_id}")
    return found


_UNDER_WAY = select(func.count()).where(reversals.c.refund_id == bindparam("refund_id"), reversals.c.state == ReversalState.SENDING)


async def reversals_under_way(tx: Tx, refund_id: str) -> bool:
    """Whether money of a transfer is still being taken back for a refund."""
    return bool(await tx.scalar(_UNDER_WAY, {"refund_id": refund_id}))


async def note_dispute(tx: Tx, payment: Payment, facts: DisputeFacts) -> Dispute:
    """The dispute of that reference, new if need be. The order is locked, so nobody else makes it meanwhile."""
    known = await tx.one(_DISPUTE_OF, Dispute, {"gateway": payment.gateway, "reference": facts.reference})
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
    found = await tx.one(_ONE_DISPUTE, Dispute, {"dispute_id": dispute_id})
    if found is None:
        raise NotFound("unknown_dispute", f"no dispute {dispute_id}")
    return found


async def disputes_where(tx: Tx, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Dispute]:
    """Disputes by conditions on `tables.disputes`, newest first."""
    return await tx.all(select(*_DISPUTE).where(*conditions).order_by(disputes.c.id.desc()).limit(limit), Dispute)


_DISPUTES_OF = select(*_DISPUTE).where(disputes.c.payment_id == bindparam("payment_id")).order_by(disputes.c.id.desc())


async def losses(tx: Tx, payment_id: str) -> dict[str, int]:
    """What we bear ourselves of a payment's lost disputes, by dispute."""
    borne: dict[str, int] = {}
    for dispute in await tx.all(_DISPUTES_OF, Dispute, {"payment_id": payment_id}):
        for kind in (LOST, RETURNED):
            moved = await ledger.moved(tx, kind, recipes.LOSSES, dispute.currency, beside=recipes.dispute_account(dispute.id))
            borne[dispute.id] = borne.get(dispute.id, 0) - moved
    return borne


async def contested(tx: Tx, payment_id: str, *, also_asked: bool = True) -> bool:
    """Whether a payment's dispute is open, or money of it has neither come back nor been borne by anybody yet.

    `also_asked`: an inquiry counts, so that nothing is released meanwhile; for a refund, which ends most of them, it does not.
    """
    open_states = {DisputeState.OPEN, DisputeState.INQUIRY} if also_asked else {DisputeState.OPEN}
    for dispute in await tx.all(_DISPUTES_OF, Dispute, {"payment_id": payment_id}):
        if dispute.state in open_states or await ledger.balance(tx, recipes.dispute_account(dispute.id), dispute.currency) < 0:
            return True
    return False
