"""Hold the buyer's money; undone by `void`.

Two calls with a commit between them: the payment is made known to the provider (harmless), its reference is saved,
and only then is it confirmed. So whatever crashes, a void always knows what to close, and closing wins over a
confirm that is still on its way.
"""

from hub.customers import at_provider
from hub.payments import store
from hub.payments.facts import PaymentFacts, PaymentPhase
from hub.payments.ports import GatewayRefused, Gateways, NotSent, PaymentGateway
from hub.payments.states import OPEN, PaymentEvent, PaymentState
from hub.payments.store import Payment
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, StepState, Verdict

AUTHORIZE = "payment.authorize"
VOID = "payment.void"
CLOSING_SECONDS = 2.0


def authorize_step(order_id: str, payment_id: str, *, within: float) -> NewStep:
    """Authorize within so many seconds, else the order expires."""
    return NewStep(kind=AUTHORIZE, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload={}, deadline=within, redrive=15)


def void_step(order_id: str, payment_id: str, *, undoes: str, reason: str) -> NewStep:
    """Give back what the step `undoes` may have got authorized."""
    payload = {"reason": reason}
    return NewStep(kind=VOID, target=HUB_TARGET, saga_id=order_id, subject_id=payment_id, payload=payload, undoes=undoes, redrive=15)


async def perform_authorize(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Pending while the buyer has to act. Raises what the gateway raises; a decline is `GatewayRefused`."""
    async with database.reading() as tx:
        payment = await store.to_authorize(tx, step.subject_id)
    if payment.others_open:  # what is in doubt there must never be paid here as well
        raise NotSent("the payment before this one is not closed yet", retry_after=CLOSING_SECONDS)
    gateway = gateways[payment.gateway]
    reference = payment.reference
    if reference is None:
        customer = payment.payer or await _payer(database, gateway, payment)
        opened = await gateway.open_payment(
            f"{step.id}.open",
            order_id=step.saga_id,
            amount=payment.amount,
            currency=payment.currency,
            payment_method=payment.method,
            customer=customer,
            save=payment.save and customer is not None,
        )
        reference = opened.reference
        async with database.tx() as tx:
            still = await steps.get(tx, step.id, lock=True)
            if still is None or still.state != StepState.OPEN:
                return Outcome.refused("withdrawn")
            await store.set_reference(tx, payment.id, reference)
    facts = await gateway.look_payment(reference) if payment.state is PaymentState.WAITING else None
    if facts is None or facts.phase is PaymentPhase.OPEN:
        facts = await gateway.authorize(f"{step.id}.confirm", reference)
    return _outcome(facts)


async def _payer(database: Database, gateway: PaymentGateway, payment: Payment) -> str | None:
    """Make the customer known to the provider, if a method is to be kept; noted before it is used."""
    if not payment.save or payment.customer_id is None or not gateway.abilities.saves:
        return None
    payer = await gateway.open_customer(f"customer.{payment.customer_id}", customer_id=payment.customer_id)
    async with database.tx() as tx:
        await at_provider.note(tx, payment.customer_id, gateway.name, payer)
        await store.set_payer(tx, payment.id, payer)
        return (await store.get(tx, payment.id)).payer


def _outcome(facts: PaymentFacts) -> Outcome:
    match facts.phase:
        case PaymentPhase.HELD | PaymentPhase.CAPTURED:
            return Outcome.ok(reference=facts.reference, capture_before=facts.capture_before)
        case PaymentPhase.DECLINED | PaymentPhase.CLOSED:
            raise GatewayRefused(facts.reason or "card_declined", f"the payment is {facts.phase}")
        case PaymentPhase.WAITING | PaymentPhase.OPEN:
            return Outcome(verdict=Verdict.PENDING, data={"action": facts.action})


async def perform_void(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Nothing to close if the provider never heard of the payment.

    The reference read here is final: `perform_authorize` saves one only while its step is open, and the transaction
    that asked for this void withdrew that step.
    """
    async with database.reading() as tx:
        payment = await store.get(tx, step.subject_id)
    if payment.reference is not None:
        await gateways[payment.gateway].void(step.id, payment.reference)
    return Outcome.ok()


async def waits(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The buyer has to do something first: `outcome.data["action"]` says what."""
    payment = await store.get(tx, step.subject_id)
    if payment.state is PaymentState.PENDING:
        await store.advance(tx, payment, PaymentEvent.WAIT)
    await store.set_action(tx, payment.id, outcome.data["action"])


async def authorized(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The money is held."""
    payment = await store.get(tx, step.subject_id)
    held_until = store.moment(outcome.data.get("capture_before"))
    await store.advance(tx, payment, PaymentEvent.AUTHORIZE, capture_before=held_until, action=None)


async def declined(tx: Tx, step: Step, outcome: Outcome) -> None:
    """The provider said no. What waited for the buyer is closed: who holds its secret could still pay with it, for nothing."""
    payment = await store.get(tx, step.subject_id)
    await store.advance(tx, payment, PaymentEvent.DECLINE, reason=outcome.reason, action=None)
    if payment.state is PaymentState.WAITING:
        await steps.add(tx, void_step(payment.order_id, payment.id, undoes=step.id, reason=outcome.reason))


async def give_back(tx: Tx, payment: Payment, reason: str) -> None:
    """Void what may be authorized; the payment's life ends when the provider has confirmed that, or at once if it never heard of it."""
    await steps.cancel_open(tx, payment.order_id, AUTHORIZE, subject_id=payment.id)  # first: what is withdrawn no worker can claim any more
    if payment.state not in OPEN:
        return
    mine = [step for step in await steps.of_saga(tx, payment.order_id) if step.subject_id == payment.id]
    asked = [step for step in mine if step.kind == AUTHORIZE and step.attempt > 0]
    if not asked:
        await close(tx, payment.id, reason)
    elif not any(step.kind == VOID for step in mine):
        await steps.add(tx, void_step(payment.order_id, payment.id, undoes=asked[-1].id, reason=reason))


async def close(tx: Tx, payment_id: str, reason: str) -> None:
    """Nothing is or will be held: end the payment's life if it has not ended."""
    payment = await store.get(tx, payment_id)
    if payment.state in OPEN:
        await store.advance(tx, payment, PaymentEvent.VOID, reason=reason, action=None)
