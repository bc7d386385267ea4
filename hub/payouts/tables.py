"""Payouts from vendors' accounts to their banks, when each vendor's was last planned, and what was posted to vendors by rule."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func, text

from hub.runtime.database import IdText, metadata

payouts = Table(
    "payouts",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", IdText, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("step_id", IdText, nullable=False, unique=True),
    Column("reference", Text, unique=True),
    Column("requested_by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("arrives_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("failed_at", DateTime(timezone=True)),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("state IN ('requested','sent','paid','failed','canceled')", name="state"),
    Index("ix_payouts_vendor_id", "vendor", "id"),
    Index("uq_payouts_open", "vendor", "currency", unique=True, postgresql_where=text("state = 'requested'")),
)
"""Only one per vendor and currency may be asked for at a time; what is sent has left the account and bars no other.

`step_id` is the key under which the provider was asked; `reason` why it failed.
"""

payout_plans = Table(
    "payout_plans",
    metadata,
    Column("vendor", IdText, primary_key=True),
    Column("planned_for", DateTime(timezone=True)),
    Column("again_at", DateTime(timezone=True)),
)
"""`planned_for` is the moment of the vendor's schedule that was last acted on; before `again_at` there is no use in looking."""
