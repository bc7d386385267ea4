"""Who did what, why, and what was there before and after: acts of people and rules that no one's life tells of."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, Tx, metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("subject_id", IdText, nullable=False),
    Column("what", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("correlation_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("ix_audit_log_subject_id_seq", "subject_id", "seq"),
)
"""Append-only, by the same trigger as the timeline."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act; `before` and `after` hold only what it changed."""

    seq: int
    at: datetime
    subject_id: str
    what: str
    who: str
    why: str
    before: Any
    after: Any
    correlation_id: str


_APPEND = insert(audit_log)


async def note(tx: Tx, what: str, subject_id: str, *, why: str = "", before: Any = None, after: Any = None) -> None:
    """Keep an act, in the transaction in which it is done."""
    row = {"what": what, "subject_id": subject_id, "who": str(tx.actor), "why": why, "correlation_id": tx.trace.correlation_id}
    await tx.execute(_APPEND, row | {"before": msgspec.to_builtins(before), "after": msgspec.to_builtins(after)})


_COLUMNS = [audit_log.c[name] for name in Act.__struct_fields__]
_ALL = select(*_COLUMNS).where(audit_log.c.seq < bindparam("before_seq")).order_by(audit_log.c.seq.desc()).limit(bindparam("most"))
NEWEST = 2**62


async def acts(tx: Tx, *, subject_id: str | None = None, who: str | None = None, after: int | None = None, limit: int = 100) -> list[Act]:
    """Acts, the newest first, those before the number `after`."""
    query = _ALL
    if subject_id is not None:
        query = query.where(audit_log.c.subject_id == subject_id)
    if who is not None:
        query = query.where(audit_log.c.who == who)
    return await tx.all(query, Act, {"before_seq": NEWEST if after is None else after, "most": limit})
