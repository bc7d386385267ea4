"""Give a captured sub-order's money back to the buyer, before anything of it went to the vendor."""

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Share
from hub.payments import store
from hub.payments.ports import GatewayRefused, PaymentGateway
from hub.payments.states import RefundEvent
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step

REFUND = "payment.refund"


async def begin_refund(tx: Tx, share: Share, order_id: str) -> None:
    """Open a refund of a whole sub-order and the step that carries it out."""
    payment = await store.of_order(tx, order_id)
    refund_id = await store.open_refund(tx, payment, share.sub_order_id, share.total)
    await steps.add(
        tx, NewStep(kind=REFUND, target=HUB_TARGET, saga_id=order_id, subject_id=refund_id, payload={"amount": share.total}, redrive=15)
    )


async def perform_refund(database: Database, gateway: PaymentGateway, step: Step) -> Outcome:
    """Raises what the gateway raises."""
    async with database.reading() as tx:
        payment = await store.of_order(tx, step.saga_id)
    if payment.charge is None:
        raise GatewayRefused("never_captured", "there is no charge to refund")
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the buyer from being refunded twice.
    reference = await gateway.find_refund(step.id, charge=payment.charge) if step.attempt > 1 else None
    if reference is None:
        reference = await gateway.refund(step.id, charge=payment.charge, amount=step.payload["amount"], order_id=step.saga_id)
    return Outcome.ok(reference=reference)


async def refunded(tx: Tx, step: Step, outcome: Outcome, share: Share) -> None:
    """Book the money that went back."""
    payment = await store.of_order(tx, step.saga_id)
    await store.REFUND_LIFE.advance(tx, step.subject_id, RefundEvent.SUCCEED, values={"reference": outcome.data["reference"]})
    await ledger.post(tx, "refund", order_id=step.saga_id, cause=step.id, moves=recipes.refund(share, payment.currency))


async def refund_failed(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The provider refuses: the money is still held, and an operator hears of it through the dead letter."""
    await store.REFUND_LIFE.advance(tx, step.subject_id, RefundEvent.FAIL, reason=outcome.reason)
