"""Takes back the sending of a step of which the broker has kept nothing, or the looking at one whose time had not come."""

from sqlalchemy import case, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import Step, StepState, steps


async def unsend(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step was surely not sent: it is due again in `seconds` with its attempt and, if that was the first, its time given back.

    Only for what the receiver has refused before keeping any of it: the next sending is the same attempt once more.
    """
    t = steps.c
    mine = (t.id == step.id, t.state == StepState.OPEN, t.attempt == step.attempt)
    deadline = case((t.attempt == 1, t.created_at + (t.deadline - t.sent_at)), else_=t.deadline)
    due = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    await tx.execute(update(steps).where(*mine).values(attempt=t.attempt - 1, deadline=deadline, due_at=due))


async def put_off(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step could not be done yet: it is due again in `seconds`, as if looked at once, unless it was woken meanwhile."""
    t = steps.c
    mine = (t.id == step.id, t.state == StepState.OPEN, t.due_at > func.now())
    due = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    await tx.execute(update(steps).where(*mine).values(attempt=1, due_at=due))
