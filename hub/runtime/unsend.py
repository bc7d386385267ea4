"""Takes back the sending of a step of which the broker has kept nothing."""

from sqlalchemy import Float, bindparam, case, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import Step, StepState, steps

_t = steps.c
_OPEN = update(steps).where(_t.id == bindparam("step_id"), _t.state == StepState.OPEN)
_DUE = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_UNSEND = _OPEN.where(_t.attempt == bindparam("was")).values(
    attempt=_t.attempt - 1, deadline=case((_t.attempt == 1, _t.created_at + (_t.deadline - _t.sent_at)), else_=_t.deadline), due_at=_DUE
)


async def unsend(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step was surely not sent: it is due again in `seconds` with its attempt and, if that was the first, its time given back.

    Only for what the receiver has refused before keeping any of it: the next sending is the same attempt once more.
    """
    await tx.execute(_UNSEND, {"step_id": step.id, "was": step.attempt, "seconds": seconds})
