"""Parts whose vendor has long been away, has given up or leaves us go to others, if they can deliver all; the rest waits for its vendor."""

import structlog
from sqlalchemy import Float, Integer, bindparam, func, select

from hub.checkout import course, reroute, shortage
from hub.fulfillment.reserve import RESERVE
from hub.fulfillment.route import SUBMIT
from hub.liveness import look
from hub.orders import store
from hub.orders.tables import orders
from hub.pricing.replacement import covers
from hub.runtime import steps
from hub.runtime.database import HUB
from hub.runtime.steps import StepState, Verdict
from hub.runtime.trace import Trace
from hub.vendors import store as vendors
from hub.vendors.states import VendorState
from hub.wiring import Wiring

log = structlog.get_logger("rescue")

AT_ONCE = 50
REASON = "vendor_down"
GIVEN_UP = "given_up"
LEAVING = "vendor_leaving"

_s = steps.steps.c
_WAITING = (
    select(_s.id, _s.target, _s.waiting)
    .join_from(steps.steps, orders, orders.c.id == _s.saga_id)
    .where(
        _s.state == StepState.OPEN,
        _s.kind.in_((RESERVE, SUBMIT)),
        ~_s.waiting | (_s.verdict == Verdict.DEAD),
        _s.created_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float)),
        orders.c.on_shortage == "reroute",
    )
    .order_by(func.random())
    .limit(bindparam("most", type_=Integer))
)
"""Any of them, so that those whom nobody can help bar nobody's way."""


async def rescue(wiring: Wiring) -> int:
    """Reroute what vendors that are down have left without an answer; how many parts. Each is decided in a transaction of its own."""
    seconds = wiring.timing.reroute.down_seconds
    async with wiring.database.reading() as tx:
        waiting = await tx.rows(_WAITING, {"seconds": seconds, "most": AT_ONCE})
        if not waiting:
            return 0
        targets = {row.target for row in waiting}
        away = await look.down_for(tx, wiring.timing.watch, targets, seconds)
        leaving = {code for code, terms in (await vendors.terms_of(tx, targets)).items() if terms.state is VendorState.CLOSING}
    why = dict.fromkeys(away, REASON) | dict.fromkeys(leaving, LEAVING)
    return sum([await _rescue(wiring, row.id, why.get(row.target, GIVEN_UP)) for row in waiting if row.waiting or row.target in why])


async def _rescue(wiring: Wiring, step_id: str, why: str) -> bool:
    async with wiring.database.reading() as tx:
        known = await steps.get(tx, step_id)
    if known is None:
        return False
    async with wiring.database.tx(HUB, Trace(known.correlation_id, known.traceparent)) as tx:
        await store.lock(tx, known.saga_id)
        step = await steps.get(tx, step_id)
        order = await store.load(tx, known.saga_id)
        if step is None or step.state != StepState.OPEN:
            return False
        sub = order.part(step.subject_id)
        if not covers(await reroute.find(tx, wiring.timing, order, sub), sub.units):
            return False  # nobody else has all of it: its own vendor may still come back in time
        await steps.cancel_open(tx, order.id, step.kind, subject_id=sub.id)  # no answer: what its vendor may have done is undone
        await shortage.fall_short(tx, wiring.timing, order, sub, GIVEN_UP if step.waiting else why)
        await course.proceed(tx, wiring.timing, order.id)
    log.info("part.rerouted", sub_order=step.subject_id, vendor=step.target)
    return True
