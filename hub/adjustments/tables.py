"""Fines and bonuses."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, Text, func, text

from hub.runtime.database import IdText, metadata

adjustments = Table(
    "adjustments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", IdText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("order_id", IdText, index=True),
    Column("sub_order_id", IdText),
    Column("reason", Text, nullable=False),
    Column("posted_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("waived_at", DateTime(timezone=True)),
    Column("waived_by", Text),
    Column("waived_why", Text),
    CheckConstraint("kind IN ('fine','bonus')", name="kind"),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_adjustments_vendor_id", "vendor", "id"),
    Index("uq_adjustments_rule", "rule", "sub_order_id", unique=True, postgresql_where=text("rule IS NOT NULL")),
)
"""`rule` is null for what an operator posted by hand; a rule posts to a sub-order once."""
