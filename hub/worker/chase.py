"""Looks after what vendors have promised and not answered yet: what is due of it is done, each in a transaction of its own."""

import structlog

from hub.checkout.chase import chase
from hub.runtime import alarms
from hub.runtime.database import HUB
from hub.runtime.trace import Trace
from hub.wiring import Wiring

log = structlog.get_logger("chase")

CHASE_MAX = 200
AGAIN_SECONDS = 60


async def chase_all(wiring: Wiring, *, hearing: bool = True) -> None:
    """Remind, escalate, break promises. While nobody is `hearing`, a spoke's silence means nothing."""
    async with wiring.database.reading() as tx:
        due = await alarms.due(tx, limit=CHASE_MAX, hearing=hearing)
    for step in due:
        try:
            async with wiring.database.tx(HUB, Trace(step.correlation_id, step.traceparent)) as tx:
                done = await chase(tx, wiring.timing, step)
        except Exception as error:  # noqa: BLE001  # one step's trouble is not the others': it is looked at again later
            log.warning("chase.failed", step=step.id, kind=step.kind, error=repr(error))
            async with wiring.database.tx() as tx:
                await alarms.put_off(tx, step.id, AGAIN_SECONDS)
        else:
            log.info("chase.done", step=step.id, kind=step.kind, vendor=step.target, what=done)
