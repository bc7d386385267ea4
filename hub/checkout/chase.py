"""What is done while a vendor's answer is awaited: it is reminded, an operator is told, and at the end its promise is broken."""

from datetime import datetime
from typing import Any

import msgspec

from hub.checkout import course, fine
from hub.checkout.timing import Timing
from hub.kernel.alarm import Alarm
from hub.kernel.money import Money
from hub.letters.keep import Given, keep
from hub.orders import store
from hub.orders.model import Order, SubOrder
from hub.orders.states import FALLEN, SubOrderState
from hub.promises.model import PromiseName
from hub.promises.schedule import BREAK, ESCALATE, REMIND
from hub.runtime import alarms
from hub.runtime.database import Tx
from hub.runtime.life import Move, record
from hub.runtime.put_off import retry_in
from hub.runtime.steps import Outcome, Step

LIFE = "promise"
NOT_SHIPPED = "not_shipped_in_time"
"""Why a part is canceled when its vendor has promised that nothing is sent late."""

_AWAITS: dict[PromiseName, SubOrderState] = {
    "acceptance": SubOrderState.ROUTED,
    "shipping": SubOrderState.ACCEPTED,
    "delivery": SubOrderState.SHIPPED,
}
"""In which state a part waits for its vendor to keep a promise; in any other the vendor has been asked something else."""
_BY = {"shipping": "ship_by", "delivery": "deliver_by"}


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm carries (see `hub.promises.schedule`)."""

    promise: PromiseName
    by: datetime
    at_end: str
    share: float = 1.0


async def chase(tx: Tx, timing: Timing, step: Step) -> str | None:
    """Do what is due for an awaited step; what was done, None if its answer has come or nothing is due any more."""
    await store.lock(tx, step.saga_id)
    alarm = await alarms.take(tx, step.id)
    if alarm is None:
        return None
    order = await store.load(tx, step.saga_id)
    sub, said = order.part(step.subject_id), msgspec.convert(alarm.data, _Said)
    if sub.state is not _AWAITS[said.promise]:
        return None
    if alarm.do == BREAK:
        await _break(tx, timing, order, step, said)
    elif alarm.do == ESCALATE:
        await _escalate(tx, sub, step, said)
    else:
        await _remind(tx, sub, step, alarm)
    return alarm.do


async def _remind(tx: Tx, sub: SubOrder, step: Step, alarm: Alarm) -> None:
    """Into the timeline, where a vendor without a spoke sees it; a spoke is asked the same once more."""
    _tell(tx, sub, REMIND, alarm.data)
    if not step.waiting:
        await retry_in(tx, step.id, 0, even_if_due=True)
        tx.woken = True


async def _escalate(tx: Tx, sub: SubOrder, step: Step, said: _Said) -> None:
    """An operator is told, once."""
    if await _letter(tx, sub, step, said.promise, f"{said.promise} was promised by {said.by.isoformat()} and is not there"):
        _tell(tx, sub, ESCALATE, {"promise": said.promise, "by": said.by.isoformat()})


async def _break(tx: Tx, timing: Timing, order: Order, step: Step, said: _Said) -> None:
    sub = order.part(step.subject_id)
    by = await fine.fair_by(tx, step, said.by)
    if by != said.by:
        store.note(tx, sub, **{_BY[said.promise]: by})
    _tell(tx, sub, BREAK, {"promise": said.promise, "by": by.isoformat(), "at_end": said.at_end})
    if said.at_end != "cancel" or not await _cancel(tx, timing, order, sub):
        await _escalate(tx, sub, step, said)


async def _cancel(tx: Tx, timing: Timing, order: Order, sub: SubOrder) -> bool:
    """Stop a part that was not sent in time, or ask its vendor to; False if it can no longer be stopped."""
    if not await course.recall(tx, order, sub, NOT_SHIPPED):
        return False
    if (await store.load(tx, order.id)).part(sub.id).state in FALLEN:
        await fine.lapsed(tx, timing, order, sub, "canceled_by_vendor")
    return True


async def recalled(tx: Tx, timing: Timing, order: Order, sub: SubOrder) -> None:
    """A vendor has stopped a part that it was asked to stop; if for being late, that is its lapse."""
    if sub.reason == NOT_SHIPPED:
        await fine.lapsed(tx, timing, order, sub, "canceled_by_vendor")


async def kept(tx: Tx, sub: SubOrder, step: Step) -> None:
    """A vendor goes on with a part that was to be stopped: if for being late, an operator is told after all."""
    if sub.reason == NOT_SHIPPED:
        await _letter(tx, sub, step, "shipping", "not shipped in time; its vendor was asked to stop and did not")


async def given_up(tx: Tx, sub: SubOrder, promise: PromiseName, outcome: Outcome) -> None:
    """Nobody waits any more: the step's own dead letter is an operator's."""
    _tell(tx, sub, "promise.give_up", {"promise": promise}, outcome.reason)


async def _letter(tx: Tx, sub: SubOrder, step: Step, promise: PromiseName, detail: str) -> bool:
    payload = {"sub_order_id": sub.id, "step_id": step.id, "promise": promise}
    return await keep(
        tx,
        Given(
            source=LIFE,
            identity=f"{LIFE}:{sub.id}:{promise}",
            target=sub.vendor,
            kind=step.kind,
            reason=f"{promise}_overdue",
            detail=detail,
            headers={},
            payload=msgspec.json.encode(payload).decode(),
            step_id=step.id,
            saga_id=step.saga_id,
            subject_id=sub.id,
            attempts=step.attempt,
            at_risk=Money(amount=sub.total, currency=(await store.load(tx, sub.order_id)).currency),
        ),
    )


def _tell(tx: Tx, sub: SubOrder, what: str, data: dict[str, Any], reason: str = "") -> None:
    """Into the order's timeline; the part stays where it is."""
    state, event = str(sub.state), what.removeprefix(f"{LIFE}.")
    record(
        tx,
        Move(life=LIFE, subject_id=sub.id, saga_id=sub.order_id, event=event, before=state, after=state, reason=reason, data=data),
    )
