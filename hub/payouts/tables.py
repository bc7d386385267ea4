"""Transfers: one per delivered sub-order."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func

from hub.runtime.database import IdText, metadata

transfers = Table(
    "transfers",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("sub_order_id", IdText, nullable=False, unique=True),
    Column("vendor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text, unique=True),
    Column("hold_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount >= 0", name="amount"),
    Index("ix_transfers_vendor_id", "vendor", "id"),
)
