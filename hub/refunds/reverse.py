"""Take transferred money back from a vendor's connected account."""

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.payments import store as payments
from hub.payments.ports import Gateways
from hub.refunds import store
from hub.refunds.send import send
from hub.refunds.states import ReversalEvent
from hub.refunds.store import REVERSAL_LIFE, Refund
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step
from hub.transfers import store as payouts
from hub.transfers.store import Transfer

REVERSE = "refund.reverse"


def reverse_step(refund: Refund, reversal_id: str, transfer: Transfer, amount: int) -> NewStep:
    """Take `amount` of a transfer back, in the currency in which it was made."""
    payload = {"gateway": transfer.gateway, "transfer": transfer.reference, "amount": amount}
    return NewStep(kind=REVERSE, target=HUB_TARGET, saga_id=refund.order_id, subject_id=reversal_id, payload=payload, redrive=15)


async def perform_reverse(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Raises what the gateway raises."""
    del database
    asked = step.payload
    gateway = gateways[asked["gateway"]]
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the vendor from paying back twice.
    reference = await gateway.find_reversal(step.id, transfer=asked["transfer"]) if step.attempt > 1 else None
    if reference is None:
        reference = await gateway.reverse(step.id, transfer=asked["transfer"], amount=asked["amount"], order_id=step.saga_id)
    return Outcome.ok(reference=reference)


async def reversed_(tx: Tx, step: Step, outcome: Outcome) -> None:
    """Book what came back; once nothing more is under way the refund is sent."""
    reversal = await store.reversal(tx, step.subject_id)
    refund = await store.refund(tx, reversal.refund_id)
    transfer = await payouts.get(tx, reversal.transfer_id)
    reference = str(outcome.data["reference"])
    await REVERSAL_LIFE.advance(tx, reversal.id, ReversalEvent.REVERSE, values={"reference": reference})
    moves = recipes.reverse(transfer.gateway, refund.gathered_on, reversal.amount, reversal.currency)
    await ledger.post(tx, "reverse", order_id=refund.order_id, vendor=refund.vendor, cause=step.id, moves=moves, reference=reference)
    await _go_on(tx, refund)


async def reversal_refused(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The vendor's account does not give it back: it is the vendor's debt now, and the refund goes on."""
    reversal = await store.reversal(tx, step.subject_id)
    refund = await store.refund(tx, reversal.refund_id)
    await REVERSAL_LIFE.advance(tx, reversal.id, ReversalEvent.REFUSE, reason=outcome.reason)
    await payouts.add_reversed(tx, reversal.transfer_id, -reversal.amount)
    await store.reversal_became_debt(tx, refund.id, reversal.amount)
    moves = recipes.owe(refund.vendor, refund.gathered_on, reversal.amount, reversal.currency)
    await ledger.post(tx, "owe", order_id=refund.order_id, vendor=refund.vendor, cause=step.id, moves=moves)
    await _go_on(tx, refund)


async def _go_on(tx: Tx, refund: Refund) -> None:
    if not await store.reversals_under_way(tx, refund.id):
        await send(tx, await payments.get(tx, refund.payment_id), refund)
