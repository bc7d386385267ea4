"""Steps that were given up on: laid aside while there is time to mend them, and sent again."""

from typing import Any

from sqlalchemy import bindparam, case, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import StepState, Verdict, steps

_c = steps.c
_MINE = update(steps).where(_c.id == bindparam("step"))
_PARK = _MINE.where(_c.state == StepState.OPEN, _c.deadline > func.now()).values(waiting=True, verdict=Verdict.DEAD, due_at=_c.deadline)


async def park(tx: Tx, step_id: str) -> bool:
    """Send an open step no more and let it wait for its deadline, or for who mends it; False if it has none, or it has passed."""
    return await tx.execute(_PARK, {"step": step_id}) == 1


_SOON = {"waiting": False, "verdict": None, "attempt": _c.attempt + 1, "due_at": func.now()}
_AGAIN = _MINE.where(_c.state == StepState.OPEN).values(**_SOON)
_REOPEN = _MINE.where(_c.state == StepState.DEAD).values(
    state=StepState.OPEN,
    reply=None,
    ended_at=None,
    deadline=case((_c.deadline.is_(None), None), else_=func.now() + (_c.deadline - _c.created_at)),
    **_SOON,
)
"""Its attempt is counted up before it is sent: what was told of the one before says nothing of this."""


async def again(tx: Tx, step_id: str, payload: Any = None) -> bool:
    """Have an open step sent now, with another payload if one is given; False if it is not open."""
    return await _send(tx, _AGAIN, step_id, payload)


async def reopen(tx: Tx, step_id: str, payload: Any = None) -> bool:
    """The same for a dead one, which has as much time as at first."""
    return await _send(tx, _REOPEN, step_id, payload)


async def _send(tx: Tx, statement: Any, step_id: str, payload: Any) -> bool:
    if payload is not None:
        statement = statement.values(payload=payload)
    tx.woken = True
    return await tx.execute(statement, {"step": step_id}) == 1
