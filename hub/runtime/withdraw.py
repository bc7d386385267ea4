"""Withdraws one open step by its id: nobody waits for its answer any more."""

from sqlalchemy import bindparam, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import StepState, steps

_WITHDRAW = (
    update(steps)
    .where(steps.c.id == bindparam("step_id"), steps.c.state == StepState.OPEN)
    .values(state=StepState.CANCELED, ended_at=func.now())
)


async def withdraw(tx: Tx, step_id: str | None) -> None:
    """Nothing happens to a step that has ended, or to none. What it may have done is undone by other steps."""
    if step_id is not None:
        await tx.execute(_WITHDRAW, {"step_id": step_id})
