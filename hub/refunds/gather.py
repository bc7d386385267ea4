"""Open a refund and gather its money: commission and tax from us, the vendor's part from its hold, its reserve, a reversal, its debt.

What was transferred is taken back first and the buyer refunded then, because a reversal can be undone and a refund
cannot; a reversal that is refused delays no refund: it becomes the vendor's debt, which later transfers are netted with.
"""

from hub.kernel.money import allocate
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Funding, Share
from hub.orders import store as orders
from hub.payments import store as payments
from hub.payments.store import Payment
from hub.refunds import store
from hub.refunds.reverse import reverse_step
from hub.refunds.send import send
from hub.refunds.states import RefundEvent
from hub.refunds.store import REFUND_LIFE, NewRefund, Refund
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.transfers import store as payouts
from hub.transfers.states import TransferState
from hub.transfers.store import Transfer


async def begin(tx: Tx, payment: Payment, new: NewRefund) -> Refund:
    """Open a refund of a captured payment and begin to gather. The order must be locked, and loaded under that lock."""
    for item in new.items:
        await orders.set_refunded(tx, new.sub_order_id, item.piece, item.after)
    opened = await store.open_refund(tx, payment, new)
    await gather(tx, payment, opened)
    return await store.refund(tx, opened.id)


async def go_on(tx: Tx, sub_order_id: str) -> None:
    """A transfer has arrived or was refused: gather for the refunds that waited for that."""
    for waiting in await store.requested_of(tx, sub_order_id):
        await gather(tx, await payments.of_order(tx, waiting.order_id), waiting)


async def gather(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Take each part from where it lies; while a transfer of the sub-order is just being sent, wait for it."""
    transfers = await payouts.of_sub_order(tx, refund.sub_order_id)
    if any(transfer.state is TransferState.SENDING for transfer in transfers):
        return
    sent = [transfer for transfer in transfers if transfer.state is TransferState.TRANSFERRED]
    currency, whose = refund.currency, (refund.vendor, refund.sub_order_id)
    held, reserve = await ledger.balances_now(tx, currency, recipes.held_account(*whose), recipes.reserve_account(*whose))
    reversible = sum(transfer.amount - transfer.reversed for transfer in sent)
    funding = recipes.fund(refund.share, held=held, reserve=reserve, reversible=reversible)
    moves = recipes.gather(share_of(refund), funding, refund.gathered_on, currency)
    await ledger.post(tx, "gather", order_id=refund.order_id, vendor=refund.vendor, cause=refund.id, moves=moves)
    await store.set_funding(tx, refund.id, funding)
    if funding.reversal:
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.GATHER, data={"reversal": funding.reversal})
        await _reverse(tx, refund, sent, funding)
    else:
        await send(tx, payment, refund)


async def _reverse(tx: Tx, refund: Refund, sent: list[Transfer], funding: Funding) -> None:
    left = [transfer.amount - transfer.reversed for transfer in sent]
    for transfer, amount in zip(sent, allocate(funding.reversal, left), strict=True):
        if amount:
            await payouts.add_reversed(tx, transfer.id, amount)
            reversal_id = await store.open_reversal(tx, refund, transfer.id, amount)
            await steps.add(tx, reverse_step(refund, reversal_id, transfer, amount))


def share_of(refund: Refund) -> Share:
    """Who gives what of it."""
    return Share(
        vendor=refund.vendor,
        sub_order_id=refund.sub_order_id,
        paid=refund.amount,
        discount=refund.discount,
        share=refund.share,
        commission=refund.commission,
        tax=refund.tax,
    )
