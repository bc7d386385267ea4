"""Send gathered money to the buyer; what is sent may still come back, weeks later."""

from hub.kernel.errors import Conflict
from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.letters.keep import keep_step
from hub.orders import store as orders
from hub.payments import store as payments
from hub.payments.facts import RefundFacts, Settling
from hub.payments.ports import GatewayRefused, Gateways
from hub.payments.store import Payment
from hub.refunds import store
from hub.refunds.divide import divide
from hub.refunds.states import RefundEvent, RefundState
from hub.refunds.store import REFUND_LIFE, Refund
from hub.refunds.tables import refunds
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, Verdict

REFUND = "payment.refund"
SHORT = "balance_insufficient"
SHORT_RETRY_SECONDS = 3600.0


def refund_step(payment: Payment, refund: Refund, *, after: float = 0) -> NewStep:
    """Give `refund.amount` back; everything that is sent is frozen here."""
    payload = {"gateway": payment.gateway, "charge": payment.charge, "amount": refund.amount, "currency": refund.currency}
    return NewStep(kind=REFUND, target=HUB_TARGET, saga_id=refund.order_id, subject_id=refund.id, payload=payload, redrive=15, after=after)


async def send(tx: Tx, payment: Payment, refund: Refund) -> None:
    """All is gathered: send it, unless the buyer paid nothing or has it already by dispute."""
    if refund.dispute_id is not None:
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.DISPUTE)
        moves = recipes.disputed(refund.dispute_id, refund.discount, refund.currency)
        if moves:
            await ledger.post(tx, "disputed", order_id=refund.order_id, vendor=refund.vendor, cause=refund.id, moves=moves)
        await payments.set_disputed(tx, payment.id, disputed=await store.contested(tx, payment.id))
        await steps.wake(tx, refund.order_id)
    elif refund.amount == 0:
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.SUCCEED, reason="nothing_to_send")
        await _book(tx, payment, refund, refund.id, None)
    else:
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.SEND)
        await steps.add(tx, refund_step(payment, refund))


async def perform_refund(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Pending while the provider works on it. Raises what the gateway raises."""
    del database
    asked = step.payload
    if asked["charge"] is None:
        raise GatewayRefused("never_captured", "there is no charge to refund")
    gateway = gateways[asked["gateway"]]
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the buyer from being refunded twice.
    facts = await gateway.find_refund(step.id, charge=asked["charge"]) if step.attempt > 1 else None
    if facts is None:
        facts = await gateway.refund(
            step.id, charge=asked["charge"], amount=asked["amount"], currency=asked["currency"], order_id=step.saga_id
        )
    match facts.state:
        case Settling.DONE:
            return Outcome.ok(reference=facts.reference)
        case Settling.FAILED:
            return _no(facts)
        case Settling.PENDING:
            return Outcome(verdict=Verdict.PENDING)


def _no(facts: RefundFacts) -> Outcome:
    made = {"reference": facts.reference} if facts.moved else {}
    return Outcome(verdict=Verdict.REFUSED, reason=facts.reason or "refund_failed", data=made)


async def refunded(tx: Tx, step: Step, outcome: Outcome) -> None:
    """Book the money that went back."""
    refund = await store.refund(tx, step.subject_id)
    reference = str(outcome.data["reference"])
    await REFUND_LIFE.advance(tx, refund.id, RefundEvent.SUCCEED, values={"reference": reference})
    await _book(tx, await payments.get(tx, refund.payment_id), refund, step.id, reference)


async def refund_refused(tx: Tx, step: Step, outcome: Outcome) -> None:
    """Our balance is short: later again, under a new key. Else the money stays gathered. Of both an operator hears."""
    refund = await store.refund(tx, step.subject_id)
    if outcome.reason == SHORT:
        payment = await payments.get(tx, refund.payment_id)
        await steps.add(tx, refund_step(payment, refund, after=SHORT_RETRY_SECONDS))
        await keep_step(tx, step, outcome, once_for=refund.id)
        return
    await REFUND_LIFE.advance(tx, refund.id, RefundEvent.FAIL, reason=outcome.reason)
    if "reference" in outcome.data:  # it had gone and come back before we heard of either
        payment, reference = await payments.get(tx, refund.payment_id), str(outcome.data["reference"])
        await _book(tx, payment, refund, step.id, reference)
        await _book_return(tx, payment, refund, step.id, reference)
    await keep_step(tx, step, outcome, once_for=refund.id)


async def take_notice(tx: Tx, facts: RefundFacts) -> bool:
    """Apply what the provider says of a refund, in any order and any number of times; False if it is none of ours."""
    step = None if facts.key is None else await steps.get(tx, facts.key)
    if step is None or step.kind != REFUND:
        return False
    await orders.lock(tx, step.saga_id)
    if facts.state is Settling.FAILED and await steps.end(tx, step.id, _no(facts)):
        # A worker may just be bringing the success that came before; this is the last word, and nobody says it again.
        await refund_refused(tx, step, _no(facts))
        return True
    refund = await store.refund(tx, step.subject_id)
    back = refund.reference == facts.reference and refund.state is RefundState.SUCCEEDED and facts.state is Settling.FAILED
    if back and not await ledger.posted(tx, "refund_failed", step.id):  # told again after it was settled by hand
        payment = await payments.get(tx, refund.payment_id)
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.FAIL, reason=facts.reason or "refund_failed")
        await _book_return(tx, payment, refund, step.id, facts.reference)
        await keep_step(tx, step, Outcome.refused(facts.reason or "refund_failed", "it had been sent and came back"), once_for=refund.id)
    else:
        await steps.wake(tx, step.saga_id)
    return True


async def retry(tx: Tx, refund_id: str) -> Refund:
    """Send a failed refund again, under a new key. Raises `NotFound`, and `Conflict` (``not_failed``) for any other."""
    refund = await _failed(tx, refund_id)
    await REFUND_LIFE.advance(tx, refund.id, RefundEvent.RETRY)
    await steps.add(tx, refund_step(await payments.get(tx, refund.payment_id), refund))
    return await store.refund(tx, refund_id)


async def settle_by_hand(tx: Tx, refund_id: str, note: str) -> Refund:
    """An operator has paid the buyer from our bank account. Raises as `retry` does."""
    refund = await _failed(tx, refund_id)
    await REFUND_LIFE.advance(tx, refund.id, RefundEvent.SUCCEED, reason="by_hand", data={"note": note})
    moves = recipes.refund_by_hand(refund.id, paid=refund.amount, discount=refund.discount, currency=refund.currency)
    await ledger.post(tx, "refund_by_hand", order_id=refund.order_id, vendor=refund.vendor, cause=refund.id, moves=moves)
    return await store.refund(tx, refund_id)


async def cover_with_failed(tx: Tx, payment: Payment, dispute_id: str, taken: int) -> int:
    """What lies gathered for refunds that could not be sent covers what a lost dispute has `taken`; how much that is."""
    t = refunds.c
    covered = 0
    for failed in await store.refunds_where(tx, t.payment_id == payment.id, t.state == RefundState.FAILED):
        if covered >= taken:
            break
        refund = failed if failed.amount <= taken - covered else await divide(tx, payment, failed, taken - covered)
        await REFUND_LIFE.advance(tx, refund.id, RefundEvent.DISPUTE, reason=dispute_id)
        moves = recipes.refund_lost(refund.id, dispute_id, paid=refund.amount, discount=refund.discount, currency=refund.currency)
        await ledger.post(tx, "refund_lost", order_id=refund.order_id, vendor=refund.vendor, cause=refund.id, moves=moves)
        covered += refund.amount
    return covered


async def _failed(tx: Tx, refund_id: str) -> Refund:
    await orders.lock(tx, (await store.refund(tx, refund_id)).order_id)
    refund = await store.refund(tx, refund_id)
    if refund.state is not RefundState.FAILED:
        raise Conflict("not_failed", f"the refund is {refund.state}", state=str(refund.state))
    return refund


async def _book(tx: Tx, payment: Payment, refund: Refund, cause: str, reference: str | None) -> None:
    moves = recipes.refund(payment.gateway, refund.id, paid=refund.amount, discount=refund.discount, currency=refund.currency)
    await ledger.post(tx, "refund", order_id=refund.order_id, vendor=refund.vendor, cause=cause, moves=moves, reference=reference)


async def _book_return(tx: Tx, payment: Payment, refund: Refund, cause: str, reference: str) -> None:
    moves = recipes.refund_failed(payment.gateway, refund.id, paid=refund.amount, discount=refund.discount, currency=refund.currency)
    await ledger.post(tx, "refund_failed", order_id=refund.order_id, vendor=refund.vendor, cause=cause, moves=moves, reference=reference)
