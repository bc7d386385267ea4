"""Ask a vendor whether it takes units back; undone by `call_off`."""

from datetime import timedelta

import msgspec

from hub.letters.keep import Given, keep
from hub.orders import documents
from hub.orders.model import Order, SubOrder
from hub.returns import store
from hub.returns.model import Authorize, Refuse, Return
from hub.returns.receive import CAPABILITY, inspect_step, items
from hub.returns.rules import ReturnRules
from hub.returns.states import ReturnEvent, ReturnState
from hub.returns.store import RETURN_LIFE
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import NewStep, Outcome, Step, Verdict
from hub.runtime.withdraw import withdraw
from vendor_sdk import messages

AUTHORIZE = "returns.authorize"
CANCEL = "returns.cancel"
NO_ANSWER = "no_answer"


def authorize_step(rules: ReturnRules, sub: SubOrder, new: Return) -> NewStep:
    """Its vendor is asked, by its spoke or by hand."""
    assert new.authorize_by is not None, "it was just opened"
    command = messages.Authorize(
        sub_order_id=sub.id,
        return_id=new.id,
        items=items(new),
        pays_shipping=new.pays_shipping,
        note=new.note,
        answer_by=new.authorize_by,
    )
    return NewStep(
        id=new.authorize_id,
        kind=AUTHORIZE,
        target=sub.vendor,
        saga_id=sub.order_id,
        subject_id=sub.id,
        payload=command,
        deadline=rules.authorization,
        waiting=CAPABILITY not in sub.capabilities,
    )


async def answered(tx: Tx, rules: ReturnRules, order: Order, step: Step, outcome: Outcome) -> None:
    """What a vendor says, or its silence, which the rules turn into a yes or leave to an operator."""
    it = await store.get(tx, step.payload["return_id"])
    if it.state is not ReturnState.REQUESTED:
        return  # decided without it
    if outcome.verdict is Verdict.OK:
        await authorize(tx, rules, order, it, msgspec.convert(outcome.data, Authorize))
    elif outcome.verdict is Verdict.REFUSED and outcome.reason != NO_ANSWER:
        await refuse(tx, it, Refuse(reason=outcome.reason, detail=outcome.detail[:500]))
    elif rules.when_no_answer == "authorize":
        await authorize(tx, rules, order, it, Authorize(), reason=NO_ANSWER)
    elif outcome.verdict is not Verdict.DEAD:  # what died has a letter
        await tell_operator(tx, it, AUTHORIZE, "authorization_overdue", "its vendor has not answered in time: an operator decides")


async def authorize(  # one decision, all of it needed
    tx: Tx, rules: ReturnRules, order: Order, it: Return, said: Authorize, *, reason: str = ""
) -> None:
    """The buyer may send the units; from now on they are waited for. The order must be locked. Raises `Conflict`."""
    sub = order.part(it.sub_order_id)
    by = await tx.now() + timedelta(seconds=rules.reception)
    inspect_id = tx.ids.new("cmd")
    values = {"inspect_id": inspect_id, "receive_by": by, "reason": None, "reference": said.reference, "instructions": said.instructions}
    await RETURN_LIFE.advance(tx, it.id, ReturnEvent.AUTHORIZE, reason=reason, values=values)
    await documents.replace(tx, sub.id, said.documents, of=it.id)
    await withdraw(tx, it.authorize_id)
    await steps.add(tx, inspect_step(rules, sub, msgspec.structs.replace(it, inspect_id=inspect_id, receive_by=by)))


async def refuse(tx: Tx, it: Return, said: Refuse) -> None:
    """Nothing is taken back. The order must be locked. Raises `Conflict`."""
    data = {"detail": said.detail} if said.detail else {}
    await RETURN_LIFE.advance(tx, it.id, ReturnEvent.REFUSE, reason=said.reason, data=data, values={"reason": said.reason})
    await call_off(tx, it, said.reason)


async def call_off(tx: Tx, it: Return, reason: str) -> None:
    """Nothing is waited for any more; a spoke that may have noted the return is told so.

    In this order: what is withdrawn no worker can claim any more, so it is certain whether it was sent.
    """
    await withdraw(tx, it.authorize_id)
    await withdraw(tx, it.inspect_id)
    asked = await steps.get(tx, it.authorize_id or "")
    if asked is None or asked.attempt == 0 or asked.verdict == Verdict.REFUSED:
        return
    told = messages.Cancel(sub_order_id=it.sub_order_id, return_id=it.id, authorize_command_id=asked.id, reason=reason)
    new = NewStep(kind=CANCEL, target=it.vendor, saga_id=it.order_id, subject_id=it.sub_order_id, payload=told, undoes=asked.id)
    await steps.add(tx, new)


async def overdue(tx: Tx, step: Step, it: Return) -> None:
    """Nothing has come in time: it expires; if the buyer has sent it, an operator has to find out where it is."""
    if it.state is ReturnState.AUTHORIZED:
        await RETURN_LIFE.advance(tx, it.id, ReturnEvent.EXPIRE, reason=NO_ANSWER)
        await call_off(tx, it, "expired")
    elif it.state is ReturnState.IN_TRANSIT:
        await tell_operator(tx, it, step.kind, "reception_overdue", "the buyer has sent it, and its vendor has not received it in time")


async def tell_operator(tx: Tx, it: Return, kind: str, reason: str, detail: str) -> None:
    """Once for each reason."""
    payload = {"sub_order_id": it.sub_order_id, "return_id": it.id}
    letter = Given(
        source="return",
        identity=f"return:{it.id}:{reason}",
        target=it.vendor,
        kind=kind,
        reason=reason,
        detail=detail,
        headers={},
        payload=msgspec.json.encode(payload).decode(),
        saga_id=it.order_id,
        subject_id=it.sub_order_id,
    )
    await keep(tx, letter)
