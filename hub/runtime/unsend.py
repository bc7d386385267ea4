"""Takes back the sending of a step of which the broker has kept nothing, or the looking at one whose time had not come."""

from sqlalchemy import Float, bindparam, case, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import STILL_LEASED, Step, StepState, steps

_t = steps.c
_OPEN = update(steps).where(_t.id == bindparam("step_id"), _t.state == StepState.OPEN)
_DUE = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_UNSEND = _OPEN.where(_t.attempt == bindparam("was")).values(
    attempt=_t.attempt - 1, deadline=case((_t.attempt == 1, _t.created_at + (_t.deadline - _t.sent_at)), else_=_t.deadline), due_at=_DUE
)
_PUT_OFF = _OPEN.where(STILL_LEASED).values(attempt=1, due_at=_DUE)


async def unsend(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step was surely not sent: it is due again in `seconds` with its attempt and, if that was the first, its time given back.

    Only for what the receiver has refused before keeping any of it: the next sending is the same attempt once more.
    """
    await tx.execute(_UNSEND, {"step_id": step.id, "was": step.attempt, "seconds": seconds})


async def put_off(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step could not be done yet: it is due again in `seconds`, as if looked at once, unless it was woken meanwhile."""
    await tx.execute(_PUT_OFF, {"step_id": step.id, "seconds": seconds})
