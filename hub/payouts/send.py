"""Send a vendor's money from its account at the provider to its bank: requested, performed, concluded, or told by the provider."""

from datetime import UTC, datetime

from hub.kernel.errors import Conflict
from hub.letters.keep import Given, keep
from hub.payments.facts import PayoutFacts, Settling
from hub.payments.ports import Gateways, NotSent
from hub.payouts import store
from hub.payouts.states import PayoutEvent, PayoutState
from hub.payouts.store import PAYOUT_LIFE, NewPayout, Payout
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.pauses import growing
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, Verdict

PAYOUT_SEND = "payout.send"
ACCOUNT_RETRY_SECONDS = (60.0, 3600.0)
"""The first pause and the longest; what is learned of the account makes the step due at once."""
FAILURES_TOLD = 2
"""So many failures in a row are an operator's business."""


async def request(tx: Tx, new: NewPayout) -> Payout:
    """Ask for a payout; everything that is sent is frozen in its step. Raises `Conflict` (``payout_open``)."""
    step_id = tx.ids.new("cmd")
    payout = await store.add(tx, new, step_id)
    asked = {"gateway": new.gateway, "account": new.account, "amount": new.amount, "currency": new.currency}
    step = NewStep(id=step_id, kind=PAYOUT_SEND, target=HUB_TARGET, saga_id=payout.id, subject_id=payout.id, payload=asked, redrive=15)
    await steps.add(tx, step)
    return payout


async def cancel(tx: Tx, payout_id: str, *, vendor: str | None = None, reason: str = "") -> Payout:
    """Withdraw a payout that nobody has sent yet. Raises `NotFound`, `Conflict` (``payout_sent``)."""
    await store.get(tx, payout_id, vendor=vendor)
    if not await steps.withdraw_unsent(tx, payout_id, PAYOUT_SEND, payout_id):
        raise Conflict("payout_sent", "the provider has been asked already, or it has ended")
    await PAYOUT_LIFE.advance(tx, payout_id, PayoutEvent.CANCEL, reason=reason)
    return await store.get(tx, payout_id)


async def perform_send(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Ask the provider. Raises what it raises, and `NotSent` while an account that was asked before may not be asked again."""
    del database
    asked = step.payload
    gateway, account = gateways[asked["gateway"]], asked["account"]
    # Asked before, perhaps longer ago than the provider remembers keys: a look keeps the bank from being sent it twice.
    found = await gateway.find_payout(step.id, account=account) if step.attempt > 1 else None
    if found is None:
        facts = await gateway.look_account(account)
        if not facts.may_pay_out:
            why = facts.reason or f"the provider still wants to know {', '.join(facts.due)}"
            if step.attempt > 1:  # the first asking may still be on its way: no refusal while it could act
                raise NotSent(why, retry_after=growing(step, *ACCOUNT_RETRY_SECONDS))
            return Outcome.refused("account_not_ready", why)
        found = await gateway.pay_out(step.id, account=account, amount=asked["amount"], currency=asked["currency"])
    return Outcome.ok(reference=found.reference, state=str(found.state), arrives=found.arrives, reason=found.reason)


async def conclude_send(tx: Tx, step: Step, outcome: Outcome) -> None:
    """What follows from the provider's answer, in the transaction that has ended the step."""
    payout = await store.get(tx, step.subject_id)
    if outcome.verdict is Verdict.REFUSED:
        await _fail(tx, payout, outcome.reason, outcome.detail)
    elif outcome.verdict is Verdict.OK:
        data = outcome.data
        facts = PayoutFacts(
            reference=data["reference"],
            state=Settling(data["state"]),
            amount=payout.amount,
            currency=payout.currency,
            arrives=data["arrives"],
            reason=data["reason"],
        )
        await _apply(tx, payout, facts)


async def take_notice(tx: Tx, facts: PayoutFacts) -> bool:
    """Apply what the provider tells of a payout: in any order, any number of times, before our own record of it.

    False if it is none of ours. Our own payouts (no account) are booked by reconciliation: there is nothing to note.
    """
    if facts.account is None:
        return True
    payout = await store.by_reference(tx, facts.reference)
    if payout is None and facts.key is not None:
        payout = await store.by_step(tx, facts.key)
    if payout is None:
        return False
    # The step first, as where a worker concludes it: whoever ends it is the one who records that it was sent.
    told = Outcome.ok(reference=facts.reference, state=str(facts.state), arrives=facts.arrives, reason=facts.reason)
    await steps.end(tx, payout.step_id, told)
    await _apply(tx, payout, facts)
    return True


async def _apply(tx: Tx, payout: Payout, facts: PayoutFacts) -> None:
    """Bring a payout as far as `facts` say, never back."""
    state = await store.locked_state(tx, payout.id)
    if state is PayoutState.REQUESTED:
        arrives = None if facts.arrives is None else datetime.fromtimestamp(facts.arrives, UTC)
        values = {"reference": facts.reference, "arrives_at": arrives}
        state = await PAYOUT_LIFE.advance(tx, payout.id, PayoutEvent.SEND, data={"reference": facts.reference}, values=values)
    if facts.state is Settling.DONE and state is PayoutState.SENT:
        await PAYOUT_LIFE.advance(tx, payout.id, PayoutEvent.PAY)
    elif facts.state is Settling.FAILED and state in {PayoutState.SENT, PayoutState.PAID}:
        await _fail(tx, payout, facts.reason or "failed", "")


async def _fail(tx: Tx, payout: Payout, reason: str, detail: str) -> None:
    """The money is in the account again; an operator hears of it if it was so the last time too."""
    values = {"reason": reason, "failed_at": await store.now(tx)}
    await PAYOUT_LIFE.advance(tx, payout.id, PayoutEvent.FAIL, reason=reason, data={"detail": detail} if detail else {}, values=values)
    if reason in store.TEMPORARY:
        await store.look_again(tx, payout.vendor)
    in_a_row = await store.failures_in_a_row(tx, payout)
    if in_a_row >= FAILURES_TOLD:
        given = Given(
            source="payout",
            identity=f"payout:{payout.id}",
            target=payout.vendor,
            kind=PAYOUT_SEND,
            reason=reason,
            detail=detail or f"{in_a_row} payouts in a row have failed",
            headers={"account": payout.account, "currency": payout.currency},
            payload="{}",
            saga_id=payout.id,
            attempts=in_a_row,
        )
        await keep(tx, given)


PERFORM = {PAYOUT_SEND: perform_send}
CONCLUDE = {PAYOUT_SEND: conclude_send}
"""What a worker does with the steps of payouts, by kind."""
