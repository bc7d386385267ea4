"""Puts an open step off: whoever was asked says "not yet", cannot be reached, or leaves in doubt what it has done.

What was woken meanwhile stays due.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Boolean, Float, bindparam, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import Step, StepState, Verdict, steps

_c = steps.c
_AGAIN = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_OPEN = update(steps).where(_c.id == bindparam("step_id"), _c.state == StepState.OPEN).values(due_at=_AGAIN)
_STILL_LEASED = _c.due_at > func.clock_timestamp()
"""Nobody has woken it: not now(), for whoever has may have begun later than we, and `due_at` says when it began."""
_MINE = _c.attempt == bindparam("was")
"""Nobody has claimed it since, as far as attempts tell: `put_off` begins them anew."""
_RETRY = _OPEN.where(bindparam("even_if_due", type_=Boolean) | _STILL_LEASED)
_RETRY_MINE = _RETRY.where(_MINE)
_PUT_OFF = _OPEN.where(_STILL_LEASED, _MINE).values(attempt=1)
_NOT_YET = _OPEN.where(
    _STILL_LEASED,
    _c.target == bindparam("by"),
    _c.subject_id == bindparam("subject"),
    _c.kind.in_(bindparam("kinds", expanding=True)),
).values(verdict=Verdict.PENDING, waiting=False)


async def retry_in(
    tx: Tx, step_id: str, seconds: float, *, attempt: int | None = None, even_if_due: bool = False, pending: bool = False
) -> None:
    """Make an open step due again in `seconds`, without waiting for its lease to end; what was woken meanwhile stays due.

    With `attempt` only if nobody has claimed it since that one. Attempts go on: a vendor tells by them asking anew from hearing
    twice. `pending`: it was answered, only not for good.
    """
    values: dict[str, Any] = {"step_id": step_id, "seconds": seconds, "even_if_due": even_if_due}
    if pending:
        values |= {"verdict": Verdict.PENDING, "waiting": False}  # also one that had been laid aside for dead
    if attempt is None:
        await tx.execute(_RETRY, values)
    else:
        await tx.execute(_RETRY_MINE, values | {"was": attempt})


async def put_off(tx: Tx, step: Step, seconds: float) -> None:
    """A claimed step could not be done yet: it is due again in `seconds`, as if looked at once, unless it was woken meanwhile."""
    await tx.execute(_PUT_OFF, {"step_id": step.id, "was": step.attempt, "seconds": seconds})


async def not_yet(tx: Tx, step_id: str, *, by: str, subject_id: str, kinds: Collection[str], seconds: float) -> bool:
    """Ask again in `seconds`, if that step of one of these kinds is open and `by` was asked it of this subject.

    False if not, or if it was woken meanwhile: whoever said so has to look closer.
    """
    values = {"step_id": step_id, "by": by, "subject": subject_id, "kinds": sorted(kinds), "seconds": seconds}
    return await tx.execute(_NOT_YET, values) == 1
