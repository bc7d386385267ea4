"""Reads the timeline: everything that happened in a saga, in order, and what happened since."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from hub.runtime.database import Tx
from hub.runtime.life import timeline


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One transition: who did what to which life, when and why."""

    seq: int
    at: datetime
    life: str
    subject_id: str
    event: str
    from_state: str | None
    to_state: str
    actor: str
    reason: str
    data: dict[str, Any]
    correlation_id: str


_COLUMNS = [timeline.c[name] for name in Moment.__struct_fields__]


_OF_SAGA = (
    select(*_COLUMNS)
    .where(timeline.c.saga_id == bindparam("saga"), timeline.c.seq > bindparam("after"))
    .order_by(timeline.c.seq)
    .limit(bindparam("most"))
)


async def of_saga(tx: Tx, saga_id: str, *, after: int = 0, limit: int = 1000) -> list[Moment]:
    """The moments of a saga after `after`, oldest first.

    One saga's moments are written under its lock, so their numbers grow in the order in which they are committed.
    """
    return await tx.all(_OF_SAGA, Moment, {"saga": saga_id, "after": after, "most": limit})
