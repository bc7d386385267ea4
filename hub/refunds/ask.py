"""Somebody wants money of a paid sub-order to go back: all that is left of it, or pieces."""

from collections.abc import Sequence

from hub.kernel.errors import Conflict
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.orders import store as orders
from hub.orders.model import Order, SubOrder
from hub.orders.states import FALLEN
from hub.payments import store as payments
from hub.payments.states import PaymentState
from hub.payments.store import Payment
from hub.refunds import gather, model, store
from hub.refunds.model import Asked, Cut
from hub.refunds.store import NewRefund, Refund
from hub.runtime.database import Tx


async def refund_whole(tx: Tx, payment: Payment, sub: SubOrder, reason: str) -> None:
    """All that is left of a sub-order that falls out after it was paid. The order must be locked.

    Where the buyer's bank has taken it already and we bore that, what is gathered makes our loss good.
    """
    cut = model.whole(sub.pieces)
    if not cut.items:
        return
    paid, lost = cut.portion.paid, await store.losses(tx, payment.id)
    dispute_id = next((dispute_id for dispute_id, borne in lost.items() if 0 < paid <= borne), None)
    begun = await _begin(tx, payment, sub, cut, reason, dispute_id=dispute_id)
    if dispute_id is not None:
        moves = recipes.unlose(dispute_id, paid, payment.currency)
        await ledger.post(tx, store.RETURNED, order_id=payment.order_id, vendor=sub.vendor, cause=begun.id, moves=moves)


async def ask_refund(tx: Tx, order_id: str, sub_order_id: str, asked: Sequence[Asked] | None, reason: str) -> Refund:
    """Refund pieces of a sub-order; with `asked` None all that is left of it.

    Raises `NotFound`; `Invalid` naming the item; `Conflict`: ``not_paid``, ``disputed``, ``nothing_to_refund``.
    """
    order, payment = await _paid(tx, order_id)
    sub = order.part(sub_order_id)
    if sub.state in FALLEN:
        raise Conflict("not_paid", f"the sub-order is {sub.state}: nothing was paid for it, or all of it went back", state=str(sub.state))
    wanted = model.whole(sub.pieces) if asked is None else model.cut(sub.pieces, asked)
    await _still_here(tx, payment, wanted.portion.paid)
    return await _begin(tx, payment, sub, wanted, reason)


async def ask_what_is_left(tx: Tx, order_id: str, sub_order_id: str, asked: Sequence[Asked], reason: str) -> Refund:
    """Refund pieces of a sub-order as far as no dispute that we bore has given their buyer that money. Raises as `ask_refund`."""
    order, payment = await _paid(tx, order_id)
    sub = order.part(sub_order_id)
    wanted, left = model.cut(sub.pieces, asked), await _left(tx, payment)
    if not 0 < left < wanted.portion.paid:
        return await ask_refund(tx, order_id, sub_order_id, asked, reason)
    return await _begin(tx, payment, sub, model.less(sub.pieces, wanted, left), reason)


async def ask_refund_of_all(tx: Tx, order_id: str, reason: str) -> list[Refund]:
    """Refund all that is left of an order, one refund for each sub-order. Raises as `ask_refund`."""
    order, payment = await _paid(tx, order_id)
    left = [sub for sub in order.sub_orders if sub.state not in FALLEN and model.whole(sub.pieces).items]
    if not left:
        raise Conflict("nothing_to_refund", "all of it has been given back")
    await _still_here(tx, payment, sum(model.left_to_refund(sub.pieces) for sub in left))
    return [await _begin(tx, payment, sub, model.whole(sub.pieces), reason) for sub in sorted(left, key=lambda sub: sub.vendor)]


async def _begin(tx: Tx, payment: Payment, sub: SubOrder, cut: Cut, reason: str, *, dispute_id: str | None = None) -> Refund:
    if not cut.items:
        raise Conflict("nothing_to_refund", "all of that has been given back")
    new = NewRefund(sub_order_id=sub.id, vendor=sub.vendor, items=cut.items, portion=cut.portion, reason=reason, dispute_id=dispute_id)
    return await gather.begin(tx, payment, new)


async def _still_here(tx: Tx, payment: Payment, amount: int) -> None:
    if amount > await _left(tx, payment):
        raise Conflict("disputed", "the buyer's bank has taken this money: the dispute was lost")


async def _left(tx: Tx, payment: Payment) -> int:
    """What we bore of a lost dispute is noted on no piece: it must not be taken from a vendor for a buyer who has it already."""
    given = sum(refund.amount for refund in await store.refunds_of(tx, payment.order_id))
    return payment.captured - given - sum((await store.losses(tx, payment.id)).values())


async def _paid(tx: Tx, order_id: str) -> tuple[Order, Payment]:
    await orders.lock(tx, order_id)
    order = await orders.load(tx, order_id)
    payment = await payments.of_order(tx, order_id)
    if payment.state is not PaymentState.CAPTURED:
        raise Conflict("not_paid", f"the payment is {payment.state}: there is nothing to give back", state=str(payment.state))
    if payment.disputed and await store.contested(tx, payment.id, also_asked=False):
        raise Conflict("disputed", "the buyer's bank contests this payment: the dispute decides")
    return order, payment
