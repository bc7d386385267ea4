"""Have what was taken back refunded, as an operator would: of these units, from whom the sale's pieces say."""

from hub.kernel.errors import Conflict
from hub.orders.model import Order
from hub.payments import store as payments
from hub.payments.ports import Gateways, NotYet
from hub.refunds import store as refunds
from hub.refunds.ask import ask_what_is_left
from hub.returns import rules as decide
from hub.returns import store
from hub.returns.model import Return
from hub.returns.rules import ReturnRules
from hub.returns.states import ReturnEvent, ReturnState
from hub.returns.store import RETURN_LIFE
from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, Verdict

GIVE_BACK = "return.give_back"
DISPUTE_RETRY_SECONDS = 6 * 3600.0
"""Only in case that nobody wakes us: what is learned of a dispute makes the step due at once."""
GIVEN_BACK_BEFORE = "given_back_before"


def give_back_step(it: Return, *, after: float = 0) -> NewStep:
    """Ask for the refund in so many seconds, sooner when something has happened."""
    asked = after > 0
    saga, subject = it.order_id, it.id
    return NewStep(kind=GIVE_BACK, target=HUB_TARGET, saga_id=saga, subject_id=subject, payload={}, redrive=15, after=after, asked=asked)


async def perform_give_back(database: Database, gateways: Gateways, step: Step) -> Outcome:
    """Raises `NotYet` while the buyer's bank contests the payment: the dispute decides who has what."""
    del gateways
    async with database.reading() as tx:
        if await _contested(tx, step.saga_id):
            raise NotYet("the payment is disputed", retry_after=DISPUTE_RETRY_SECONDS)
    return Outcome.ok()


async def give_back(tx: Tx, rules: ReturnRules, order: Order, step: Step, outcome: Outcome) -> None:
    """The refund begins; none where the buyer has that money already, be it from an operator or by dispute. The order is locked."""
    it = await store.get(tx, step.subject_id)
    if outcome.verdict is not Verdict.OK or it.state is not ReturnState.RECEIVED:
        return
    if await _contested(tx, order.id):  # since it was looked at
        await steps.add(tx, give_back_step(it, after=DISPUTE_RETRY_SECONDS))
        return
    asked = decide.to_refund(rules, order.part(it.sub_order_id), it.lines)
    refund_id: str | None = None
    reason = "" if asked else GIVEN_BACK_BEFORE
    if asked:
        try:
            refund_id = (await ask_what_is_left(tx, order.id, it.sub_order_id, asked, f"returned {it.id}")).id
        except Conflict as taken:  # all of it, by a dispute that was lost
            reason = taken.slug
    data = {} if refund_id is None else {"refund_id": refund_id}
    await RETURN_LIFE.advance(
        tx, it.id, ReturnEvent.REFUND, reason=reason, data=data, values={"refund_id": refund_id, "reason": reason or None}
    )


async def _contested(tx: Tx, order_id: str) -> bool:
    payment = await payments.of_order(tx, order_id)
    return payment.disputed and await refunds.contested(tx, payment.id, also_asked=False)


PERFORM = {GIVE_BACK: perform_give_back}
