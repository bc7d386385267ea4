"""The sweep that makes triage complete: every step that nobody answered in time is ended here, whatever else failed."""

import msgspec
import structlog

from hub.checkout.conclude import conclude
from hub.fulfillment.route import SUBMIT
from hub.letters.keep import keep_step
from hub.payments.authorize import AUTHORIZE
from hub.returns.authorize import AUTHORIZE as AUTHORIZE_RETURN
from hub.returns.authorize import NO_ANSWER
from hub.returns.receive import INSPECT
from hub.runtime import failures, idempotency, trespass
from hub.runtime.database import HUB
from hub.runtime.overdue import overdue
from hub.runtime.put_off import retry_in
from hub.runtime.steps import HUB_TARGET, Outcome, Step, Verdict
from hub.runtime.trace import Trace
from hub.webhooks import store as provider_events
from hub.wiring import Wiring

log = structlog.get_logger("deadlines")

SWEEP_MAX = 200
AGAIN_SECONDS = 60


async def sweep(wiring: Wiring, *, hearing: bool = True) -> None:
    """End overdue steps, each in a transaction of its own. While nobody is `hearing`, a vendor's silence means nothing."""
    async with wiring.database.reading() as tx:
        late = await overdue(tx, limit=SWEEP_MAX, attempts_max=wiring.settings.worker.attempts_max, hearing=hearing)
    for step in late:
        try:
            await _end(wiring, step)
        except Exception as error:  # noqa: BLE001  # one step's trouble is not the others': it goes to the end of the queue
            log.warning("sweep.failed", step=step.id, kind=step.kind, error=repr(error))
            async with wiring.database.tx() as tx:
                await retry_in(tx, step.id, AGAIN_SECONDS, even_if_due=True)


async def _end(wiring: Wiring, step: Step) -> None:
    outcome = unanswered(step)
    async with wiring.database.tx(HUB, Trace(step.correlation_id, step.traceparent)) as tx:
        if step.target == HUB_TARGET and step.deadline is None:
            # Money: it is asked for until the provider answers, be that in an hour or a day, and an operator is told once.
            attempts_max = wiring.settings.worker.attempts_max
            await keep_step(tx, msgspec.structs.replace(step, attempt=attempts_max), outcome)
        else:
            await conclude(tx, wiring.timing, step, outcome)


def unanswered(step: Step) -> Outcome:
    """What silence means: an unpaid order expires, a vendor without a spoke has declined, anything else is a dead letter."""
    if step.kind == AUTHORIZE:
        return Outcome.refused("expired", "not paid in time")
    if step.verdict == Verdict.DEAD:
        return Outcome.dead("deadline", "given up on before, and not mended in time")
    if step.kind == SUBMIT and step.waiting:
        return Outcome.refused("no_answer", "not accepted in time")
    if step.kind == INSPECT or (step.kind == AUTHORIZE_RETURN and step.waiting):
        return Outcome.refused(NO_ANSWER, "nothing was heard of it in time")
    if step.deadline is None:
        return Outcome.dead("attempts", f"no answer after {step.attempt} attempts")
    return Outcome.dead("deadline", f"no answer by {step.deadline.isoformat()}")


async def forget(wiring: Wiring) -> None:
    """Drop idempotency keys and provider events that are past their time."""
    async with wiring.database.tx() as tx:
        await idempotency.forget_old(tx)
        await failures.forget_old(tx)
        await provider_events.forget_old(tx)
        await trespass.forget_old(tx)
