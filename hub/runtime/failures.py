"""Every attempt at a step that failed, with when and why."""

from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, Table, Text, bindparam, delete, func, insert, select

from hub.runtime.database import IdText, Tx, metadata
from hub.runtime.steps import Step

KEEP_DAYS = 90
SHOWN_MAX = 100

step_failures = Table(
    "step_failures",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("step_id", IdText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_step_failures_step_id", "step_id", "at"),
    Index("ix_step_failures_at", "at", postgresql_using="brin"),
)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that failed."""

    attempt: int
    at: datetime
    error: str


_NOTE = insert(step_failures)


async def note(tx: Tx, step: Step, error: str) -> None:
    """Keep why this attempt failed."""
    await tx.execute(_NOTE, {"step_id": step.id, "attempt": step.attempt, "error": error[:1000].replace("\0", "")})


_COLUMNS = [step_failures.c[name] for name in Failure.__struct_fields__]
_OF = (
    select(*_COLUMNS)
    .where(step_failures.c.step_id == bindparam("step"))
    .order_by(step_failures.c.at.desc(), step_failures.c.seq.desc())
    .limit(SHOWN_MAX)
)


async def of_step(tx: Tx, step_id: str) -> list[Failure]:
    """The attempts at a step that failed, the latest first, at most `SHOWN_MAX`."""
    return await tx.all(_OF, Failure, {"step": step_id})


async def forget_old(tx: Tx) -> int:
    """Drop what is older than `KEEP_DAYS`; the number of dropped."""
    old = step_failures.c.at < func.now() - func.make_interval(0, 0, 0, KEEP_DAYS)
    return await tx.execute(delete(step_failures).where(old))
