"""What has been heard, so that hearing it again changes nothing."""

from sqlalchemy import Column, DateTime, Table, Text, func
from sqlalchemy.dialects.postgresql import insert

from hub.runtime.database import IdText, Tx, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", IdText, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


_NOTE = insert(inbox).on_conflict_do_nothing()


async def first_time(tx: Tx, source: str, event_id: str) -> bool:
    """Note an event in the transaction that applies it; False if it had been applied before."""
    return await tx.execute(_NOTE, {"source": source, "event_id": event_id}) == 1
