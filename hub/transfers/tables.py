"""Transfers: of each delivered sub-order's share, of what was kept in reserve of it, of a vendor's credit with us."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func, text

from hub.runtime.database import IdText, metadata

transfers = Table(
    "transfers",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False, server_default="share"),
    Column("order_id", IdText, index=True),
    Column("sub_order_id", IdText),
    Column("saga_id", IdText, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("gateway", Text, nullable=False, server_default="stripe"),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False, server_default="0"),
    Column("netted", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("account", Text),
    Column("charge", Text),
    Column("reference", Text, unique=True),
    Column("hold_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("reversed BETWEEN 0 AND amount", name="reversed"),
    CheckConstraint("kind IN ('share','reserve','credit')", name="kind"),
    CheckConstraint("(kind = 'credit') = (order_id IS NULL)", name="order"),
    Index("uq_transfers_sub_order_id_kind", "sub_order_id", "kind", unique=True, postgresql_where=text("kind <> 'credit'")),
    Index("ix_transfers_vendor_id", "vendor", "id"),
)
"""`amount` is what is sent, known when the hold ends: zero until then. `netted` went against the vendor's debt, `reversed` came
back. `charge` is what it draws on; null where it draws on our available balance. A credit is a saga of its own."""
