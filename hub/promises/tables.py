"""Vendors' own promises, their days as figures, and what was judged of them."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

vendor_promises = Table(
    "vendor_promises",
    metadata,
    Column("vendor", IdText, ForeignKey("vendors.code"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("own", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""A vendor without a row promises what the marketplace does. Every change stands in the vendor's timeline."""

vendor_days = Table(
    "vendor_days",
    metadata,
    Column("vendor", IdText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("stale", Boolean, nullable=False),
    *(Column(name, JSONB, nullable=False, server_default="{}") for name in ("counts", "sold", "refunded", "acceptance_seconds")),
    Column("counted_at", DateTime(timezone=True)),
    Index("ix_vendor_days_stale", "vendor", "day", postgresql_where=text("stale")),
    Index("ix_vendor_days_day", "day"),
)
"""What became of the sub-orders that were placed with a vendor on one day (UTC), as a `figures.Tally`.

`stale`: something has happened to one of them since.
"""

vendor_judgments = Table(
    "vendor_judgments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", IdText, nullable=False),
    Column("rule", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("breach", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("verdict IN ('warned','suspended','lifted')", name="verdict"),
    Index("ix_vendor_judgments_vendor_id", "vendor", "id"),
    Index("ix_vendor_judgments_at", "at"),
)
"""Append-only: warnings and suspensions by rule, with the figures; `lifted` where a warned vendor no longer breaks the rule."""

promise_rounds = Table(
    "promise_rounds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done_until", DateTime(timezone=True), nullable=False),
)
"""Up to when the timeline was looked through (``scores``), and when vendors were last judged (``suspension``).

Whoever has locked a row does that work.
"""
