"""Take the buyer's money once, for what the vendors accepted; from here on money goes back only as a refund."""

from collections.abc import Sequence

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Share
from hub.payments import store
from hub.payments.ports import GatewayRefused, PaymentGateway
from hub.payments.states import PaymentEvent
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step

CAPTURE = "payment.capture"


def capture_step(order_id: str, payment_id: str, amount: int) -> NewStep:
    """Capture `amount`, frozen in the step."""
    return NewStep(kind=CAPTURE, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload={"amount": amount}, redrive=15)


async def perform_capture(database: Database, gateway: PaymentGateway, step: Step) -> Outcome:
    """Raises what the gateway raises."""
    async with database.reading() as tx:
        payment = await store.of_order(tx, step.saga_id)
    if payment.reference is None:
        raise GatewayRefused("never_authorized", "there is no authorization to capture")
    taken = await gateway.capture(step.id, payment.reference, step.payload["amount"])
    return Outcome.ok(charge=taken.charge, amount=taken.amount, fee=taken.fee)


async def captured(tx: Tx, step: Step, outcome: Outcome, shares: Sequence[Share]) -> None:
    """Book the money and share it out among the vendors that accepted."""
    payment = await store.of_order(tx, step.saga_id)
    amount, fee = int(outcome.data["amount"]), int(outcome.data["fee"])
    values = {"captured": amount, "fee": fee, "charge": outcome.data["charge"]}
    await store.PAYMENT_LIFE.advance(tx, payment.id, PaymentEvent.CAPTURE, data={"amount": amount, "fee": fee}, values=values)
    moves = recipes.capture(step.saga_id, amount, fee, payment.currency)
    await ledger.post(tx, "capture", order_id=step.saga_id, cause=step.id, moves=moves)
    await ledger.post(tx, "allocate", order_id=step.saga_id, cause=step.id, moves=recipes.allocate(step.saga_id, shares, payment.currency))
