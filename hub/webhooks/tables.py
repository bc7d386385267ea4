"""What providers told us, and how far we have looked through what they list."""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, LargeBinary, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

provider_events = Table(
    "provider_events",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("account", Text),
    Column("raw", LargeBinary),
    Column("headers", JSONB, nullable=False, server_default="{}"),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="new"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("detail", Text, nullable=False, server_default=""),
    CheckConstraint("state IN ('new','parked','applied','ignored','unmatched')", name="state"),
    Index("ix_provider_events_due_at", "due_at", postgresql_where=text("state IN ('new','parked')")),
    Index("ix_provider_events_received_at_id", "received_at", "id"),
)
"""`id` is the provider's. `raw` is the body as it came, null for what a sweep has found; nobody shows it."""

provider_cursors = Table(
    "provider_cursors",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("seen_until", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
"""`stream` is ``platform`` or ``connect``; `due_at` is moved ahead by the worker that sweeps, so that none does beside it."""
