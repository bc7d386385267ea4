"""The sweep that makes triage complete: every step that nobody answered in time is ended here, whatever else failed."""

from hub.checkout.conclude import conclude
from hub.fulfillment.route import SUBMIT
from hub.payments.authorize import AUTHORIZE
from hub.runtime import idempotency, steps
from hub.runtime.database import HUB
from hub.runtime.steps import Outcome, Step
from hub.runtime.trace import Trace
from hub.wiring import Wiring

SWEEP_MAX = 200


async def sweep(wiring: Wiring) -> None:
    """End overdue steps, each in a transaction of its own."""
    async with wiring.database.reading() as tx:
        late = await steps.overdue(tx, limit=SWEEP_MAX, attempts_max=wiring.settings.worker.attempts_max)
    for step in late:
        async with wiring.database.tx(HUB, Trace(step.correlation_id, step.traceparent)) as tx:
            await conclude(tx, wiring.timing, step, unanswered(step))


def unanswered(step: Step) -> Outcome:
    """What silence means: an unpaid order expires, a vendor without a spoke has declined, anything else is a dead letter."""
    if step.kind == AUTHORIZE:
        return Outcome.refused("expired", "not paid in time")
    if step.kind == SUBMIT and step.waiting:
        return Outcome.refused("no_answer", "not accepted in time")
    if step.deadline is None:
        return Outcome.dead("attempts", f"given up after {step.attempt} attempts")
    return Outcome.dead("deadline", f"no answer by {step.deadline.isoformat()}")


async def forget(wiring: Wiring) -> None:
    """Drop idempotency keys that are past their time."""
    async with wiring.database.tx() as tx:
        await idempotency.forget_old(tx)
