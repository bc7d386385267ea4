"""Take the buyer's money, once, for what was accepted; after that money goes back only as a refund."""

from collections.abc import Sequence

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import Share
from hub.payments import store
from hub.payments.authorize import AUTHORIZE, void_step
from hub.payments.ports import GatewayRefused, Gateways
from hub.payments.states import PaymentEvent
from hub.payments.store import Payment
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step

CAPTURE = "payment.capture"


def capture_step(order_id: str, payment_id: str, amount: int) -> NewStep:
    """Capture `amount` minor units of the payment."""
    return NewStep(kind=CAPTURE, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload={"amount": amount}, redrive=15)


async def perform_capture(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Raises what the gateway raises."""
    async with database.reading() as tx:
        payment = await store.get(tx, step.subject_id)
    if payment.reference is None:
        raise GatewayRefused("never_authorized", "there is no authorization to capture")
    gateway = gateways[payment.gateway]
    taken = await gateway.capture(step.id, payment.reference, step.payload["amount"])
    return Outcome.ok(charge=taken.charge, amount=taken.amount, fee=taken.fee, held=gateway.abilities.holds)


async def captured(tx: Tx, step: Step, outcome: Outcome, shares: Sequence[Share]) -> None:
    """Book the money and share it out among the vendors that accepted."""
    payment = await store.get(tx, step.subject_id)
    amount, fee, charge = int(outcome.data["amount"]), int(outcome.data["fee"]), str(outcome.data["charge"])
    data = {"amount": amount, "fee": fee}
    await store.advance(tx, payment, PaymentEvent.CAPTURE, data=data, captured=amount, fee=fee, charge=charge)
    if outcome.data["held"]:
        moves = recipes.capture(payment.gateway, payment.order_id, amount, fee, payment.currency)
    else:
        moves = recipes.capture_received(payment.id, payment.order_id, amount, payment.currency)
    await ledger.post(tx, "capture", order_id=payment.order_id, cause=step.id, moves=moves, reference=charge)
    await _allocate(tx, payment, step.id, shares)


async def authorized_nothing(tx: Tx, payment: Payment) -> None:
    """The buyer pays nothing (a discount of ours bears it all): there is nothing to ask a provider."""
    await store.advance(tx, payment, PaymentEvent.AUTHORIZE, reason="nothing_to_pay")


async def captured_nothing(tx: Tx, payment: Payment, shares: Sequence[Share]) -> None:
    """What was accepted costs the buyer nothing: share out what we bear; an authorization for what was not accepted is given back."""
    if payment.reference is not None:
        asked = [step for step in await steps.of_saga(tx, payment.order_id) if step.subject_id == payment.id and step.kind == AUTHORIZE]
        await steps.add(tx, void_step(payment.order_id, payment.id, undoes=asked[-1].id, reason="nothing_to_pay"))
    await store.advance(tx, payment, PaymentEvent.CAPTURE, reason="nothing_to_pay")
    await _allocate(tx, payment, payment.id, shares)


async def _allocate(tx: Tx, payment: Payment, cause: str, shares: Sequence[Share]) -> None:
    moves = recipes.allocate(payment.order_id, shares, payment.currency)
    await ledger.post(tx, "allocate", order_id=payment.order_id, cause=cause, moves=moves)
