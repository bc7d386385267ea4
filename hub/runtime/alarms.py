"""The alarms of steps that are still awaited: found when they are due, taken one at a time, moot once the answer has come."""

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Integer, bindparam, func, select, update

from hub.kernel.alarm import Alarm, Alarms, ring
from hub.runtime.database import Tx
from hub.runtime.steps import COLUMNS, Step, StepState, steps

_s = steps.c
_DUE, _DUE_UNHEARD = (
    select(*COLUMNS)
    .where(_s.state == StepState.OPEN, _s.alarm_at <= func.now(), asked)
    .order_by(_s.alarm_at)
    .limit(bindparam("most", type_=Integer))
    for asked in (_s.waiting | (_s.attempt > 0), _s.waiting)
)
_ONE = select(_s.deadline, _s.alarms).where(_s.id == bindparam("step_id"))
_OPEN = _ONE.where(_s.state == StepState.OPEN, _s.alarm_at <= func.now()).with_for_update()
_SET = update(steps).where(_s.id == bindparam("step_id"))


async def due(tx: Tx, *, limit: int, hearing: bool = True) -> list[Step]:
    """Open steps whose alarm has come, the longest ago first. Of what nobody was asked yet nothing is due.

    With `hearing` False only what no message could still answer.
    """
    return await tx.all(_DUE if hearing else _DUE_UNHEARD, Step, {"most": limit})


async def take(tx: Tx, step_id: str) -> Alarm | None:
    """The alarm that rings now; the next is set. None if the answer has come, somebody was faster, or it rings later.

    The step stays locked until the transaction ends.
    """
    row = await tx.row(_OPEN, {"step_id": step_id})
    if row is None:
        return None
    alarms = msgspec.convert(row.alarms, Alarms)
    rung = ring(alarms.alarms, alarms.slip(row.deadline), await tx.now())
    left = msgspec.structs.replace(alarms, alarms=list(rung.left))
    await _set(tx, step_id, alarm_at=rung.again_at, alarms=msgspec.to_builtins(left))
    return rung.alarm


async def put_off(tx: Tx, step_id: str, seconds: float) -> None:
    """Look again later: what was to be done could not be."""
    await _set(tx, step_id, alarm_at=await tx.now() + timedelta(seconds=seconds))


async def slip(tx: Tx, step: Step) -> timedelta:
    """By how much a step's time began later than it was written: its vendor was asked only then."""
    row = await tx.row(_ONE, {"step_id": step.id})
    return timedelta(0) if row is None or row.alarms is None else msgspec.convert(row.alarms, Alarms).slip(row.deadline)


async def _set(tx: Tx, step_id: str, **values: Any) -> None:
    await tx.execute(_SET, {"step_id": step_id, **values})
