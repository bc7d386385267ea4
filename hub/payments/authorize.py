"""Hold the buyer's money; undone by `void`.

Two calls with a commit between them: the payment is made known to the provider (harmless), its reference is saved,
and only then is it confirmed. So whatever crashes, a void always knows what to close, and closing wins over a
confirm that is still on its way.
"""

from hub.payments import store
from hub.payments.ports import PaymentGateway
from hub.payments.states import PaymentEvent, PaymentState
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, StepState

AUTHORIZE = "payment.authorize"
VOID = "payment.void"


def authorize_step(order_id: str, payment_id: str, *, within: float) -> NewStep:
    """Authorize within so many seconds, else the order expires."""
    return NewStep(kind=AUTHORIZE, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload={}, deadline=within, redrive=15)


def void_step(order_id: str, payment_id: str, *, undoes: str, reason: str) -> NewStep:
    """Give back what the step `undoes` may have got authorized."""
    payload = {"reason": reason}
    return NewStep(kind=VOID, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload=payload, undoes=undoes, redrive=15)


async def perform_authorize(database: Database, gateway: PaymentGateway, step: Step) -> Outcome:
    """Raises what the gateway raises; a decline is `GatewayRefused`."""
    async with database.reading() as tx:
        payment = await store.of_order(tx, step.saga_id)
    reference = payment.reference
    if reference is None:
        opened = await gateway.open_payment(
            f"{step.id}.open", order_id=step.saga_id, amount=payment.amount, currency=payment.currency, payment_method=payment.method
        )
        reference = opened.reference
        async with database.tx() as tx:
            still = await steps.get(tx, step.id, lock=True)
            if still is None or still.state != StepState.OPEN:
                return Outcome.refused("withdrawn")
            await store.set_reference(tx, payment.id, reference)
    held = await gateway.authorize(f"{step.id}.confirm", reference)
    return Outcome.ok(reference=reference, capture_before=held.capture_before)


async def perform_void(database: Database, gateway: PaymentGateway, step: Step) -> Outcome:
    """Nothing to close if the provider never heard of the payment.

    The reference read here is final: `perform_authorize` saves one only while its step is open, and the transaction
    that asked for this void withdrew that step.
    """
    async with database.reading() as tx:
        payment = await store.of_order(tx, step.saga_id)
    if payment.reference is not None:
        await gateway.void(step.id, payment.reference)
    return Outcome.ok()


async def authorized(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The money is held."""
    values = {"capture_before": store.moment(outcome.data.get("capture_before"))}
    await store.PAYMENT_LIFE.advance(tx, step.subject_id, PaymentEvent.AUTHORIZE, values=values)


async def declined(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The provider said no."""
    await store.PAYMENT_LIFE.advance(tx, step.subject_id, PaymentEvent.DECLINE, reason=outcome.reason)


async def close(tx: Tx, order_id: str, reason: str) -> None:
    """Nothing is or will be held for the order: end the payment's life if it has not ended."""
    payment = await store.of_order(tx, order_id)
    if payment.state in {PaymentState.PENDING, PaymentState.AUTHORIZED}:
        await store.PAYMENT_LIFE.advance(tx, payment.id, PaymentEvent.VOID, reason=reason)
