"""What somebody who was asked answers most often: not yet."""

from collections.abc import Collection

from sqlalchemy import Float, bindparam, func, update

from hub.runtime.database import Tx
from hub.runtime.steps import STILL_LEASED, StepState, Verdict, steps

_c = steps.c
_AGAIN = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
_NOT_YET = (
    update(steps)
    .where(
        _c.id == bindparam("step_id"),
        _c.state == StepState.OPEN,
        _c.target == bindparam("by"),
        _c.subject_id == bindparam("subject"),
        _c.kind.in_(bindparam("kinds", expanding=True)),
        STILL_LEASED,
    )
    .values(due_at=_AGAIN, verdict=Verdict.PENDING, waiting=False)
)


async def not_yet(tx: Tx, step_id: str, *, by: str, subject_id: str, kinds: Collection[str], seconds: float) -> bool:
    """Ask again in `seconds`, if that step of one of these kinds is open and `by` was asked it of this subject.

    False if not, or if it was woken meanwhile: whoever said so has to look closer.
    """
    values = {"step_id": step_id, "by": by, "subject": subject_id, "kinds": sorted(kinds), "seconds": seconds}
    return await tx.execute(_NOT_YET, values) == 1
