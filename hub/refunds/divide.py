"""Divide a refund that could not be sent: one part covers what a buyer's bank took, the rest is still the buyer's."""

from sqlalchemy import update

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Funding
from hub.letters.keep import Given, keep
from hub.payments.store import Payment
from hub.pricing.piece import Piece, Portion
from hub.refunds import store
from hub.refunds.states import RefundEvent
from hub.refunds.store import REFUND_LIFE, NewRefund, Refund
from hub.refunds.tables import refunds
from hub.runtime.database import Tx
from hub.runtime.steps import HUB_TARGET

REASON = "rest_of_disputed"


async def divide(tx: Tx, payment: Payment, whole: Refund, amount: int) -> Refund:
    """Make a failed refund one of `amount`, and open a failed one for the rest, of which an operator hears; the first of the two.

    The order must be locked and 0 < `amount` < `whole.amount`. The items stay with the first.
    """
    piece = Piece(gross=whole.amount + whole.discount, discount=whole.discount, commission=whole.commission, tax=whole.tax)
    first = piece.step(piece.after_amount(amount))
    rest = piece.sold - first
    new = NewRefund(sub_order_id=whole.sub_order_id, vendor=whole.vendor, items=[], portion=rest, reason=f"{REASON} {whole.id}")
    opened = await store.open_refund(tx, payment, new)
    funding = _funding(whole, first.share)
    await store.set_funding(tx, opened.id, _less(whole, funding))
    await store.set_funding(tx, whole.id, funding)
    await _set_portion(tx, whole.id, first)
    moves = recipes.divide_refund(whole.id, opened.id, rest.paid + rest.discount, whole.currency)
    await ledger.post(tx, "divide", order_id=whole.order_id, vendor=whole.vendor, cause=opened.id, moves=moves)
    await REFUND_LIFE.advance(tx, opened.id, RefundEvent.SEND)
    await REFUND_LIFE.advance(tx, opened.id, RefundEvent.FAIL, reason=REASON)
    await keep(tx, _letter(opened, whole))
    return await store.refund(tx, whole.id)


async def _set_portion(tx: Tx, refund_id: str, portion: Portion) -> None:
    values = {"amount": portion.paid, "discount": portion.discount, "share": portion.share}
    values |= {"commission": portion.commission, "tax": portion.tax}
    await tx.execute(update(refunds).where(refunds.c.id == refund_id).values(values))


def _funding(whole: Refund, share: int) -> Funding:
    """Where `share` of it came from: as it was gathered, in that order."""
    return recipes.fund(share, held=whole.from_held, reserve=whole.from_reserve, reversible=whole.from_reversal)


def _less(whole: Refund, part: Funding) -> Funding:
    return Funding(
        held=whole.from_held - part.held,
        reserve=whole.from_reserve - part.reserve,
        reversal=whole.from_reversal - part.reversal,
        debt=whole.from_debt - part.debt,
    )


def _letter(opened: Refund, whole: Refund) -> Given:
    return Given(
        source="refund",
        identity=f"refund:{opened.id}",
        target=HUB_TARGET,
        kind="payment.refund",
        reason=REASON,
        detail=f"the buyer's bank took a part of {whole.id}; {opened.amount} {opened.currency} are still the buyer's",
        headers={"refund": opened.id},
        payload="{}",
        saga_id=opened.order_id,
    )
