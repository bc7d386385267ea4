"""What moved at the providers, how far we have read, and the runs with their reports."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

movements = Table(
    "provider_movements",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", IdText),
    Column("amount", BigInteger, nullable=False),
    Column("fee", BigInteger, nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("standing", Text, nullable=False, server_default="open"),
    Column("problem", Text),
    Column("transaction_id", IdText),
    CheckConstraint("net = amount - fee", name="net"),
    CheckConstraint("standing IN ('open','matched','suspense','explained')", name="standing"),
    Index("ix_provider_movements_gateway_at", "gateway", "at", "id"),
    Index("ix_provider_movements_source", "source", postgresql_where=text("source IS NOT NULL")),
    Index("ix_provider_movements_unmatched", "gateway", "id", postgresql_where=text("standing IN ('open','suspense')")),
    Index("uq_provider_movements_transaction_id", "transaction_id", unique=True, postgresql_where=text("transaction_id IS NOT NULL")),
)
"""One row per change of our balance at a provider, under the provider's id; `transaction_id` is ours for the same thing."""

cursors = Table(
    "reconcile_cursors",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("read_until", DateTime(timezone=True), nullable=False),
    Column("settled_until", DateTime(timezone=True)),
)
"""`read_until`: every movement before it is here. `settled_until`: every posting before it is matched or in suspense."""

runs = Table(
    "reconciliations",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("slot", Text, unique=True),
    Column("asked_by", Text, nullable=False),
    Column("standing", Text, nullable=False, server_default="requested"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("reason", Text, nullable=False, server_default=""),
    Column("report", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint("since < until", name="range"),
    CheckConstraint("standing IN ('requested','running','failed','done')", name="standing"),
    Index("ix_reconciliations_due_at", "due_at", postgresql_where=text("standing <> 'done'")),
)
"""`slot` names a day that is reconciled once, whoever begins; `due_at` is also the lease of the one who runs it."""
