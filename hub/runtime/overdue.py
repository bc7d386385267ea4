"""Finds the steps that nobody has answered in time."""

from sqlalchemy import Integer, bindparam, func, select

from hub.runtime.database import Tx
from hub.runtime.steps import COLUMNS, HUB_TARGET, Step, StepState, steps

_late = steps.c.deadline <= func.now()
_unheard = (steps.c.target == HUB_TARGET) | steps.c.waiting
_out_of_attempts = (
    steps.c.deadline.is_(None) & (steps.c.attempt >= bindparam("attempts_max", type_=Integer)) & (steps.c.due_at <= func.now())
)
_OVERDUE, _OVERDUE_UNHEARD = (
    select(*COLUMNS)
    .where(steps.c.state == StepState.OPEN, silent | _out_of_attempts)
    .order_by(steps.c.due_at)
    .limit(bindparam("most", type_=Integer))
    for silent in (_late & (_unheard | (steps.c.attempt > 0)), _late & _unheard)
)


async def overdue(tx: Tx, *, limit: int, attempts_max: int, hearing: bool = True) -> list[Step]:
    """Open steps past their deadline, or without one and out of attempts. Nothing is locked: ending them decides who was first.

    What nobody was sent yet is not late. With `hearing` False only what no message could still answer.
    """
    return await tx.all(_OVERDUE if hearing else _OVERDUE_UNHEARD, Step, {"most": limit, "attempts_max": attempts_max})
