"""Payments and refunds."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Integer, Table, Text, func

from hub.runtime.database import IdText, metadata

payments = Table(
    "payments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("gateway", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False, server_default="0"),
    Column("fee", BigInteger, nullable=False, server_default="0"),
    Column("reference", Text, unique=True),
    Column("charge", Text, unique=True),
    Column("capture_before", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
)
"""One payment an order. `reference` and `charge` are the provider's ids; `fee` is what the provider kept."""

refunds = Table(
    "refunds",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("payment_id", IdText, ForeignKey("payments.id"), nullable=False, index=True),
    Column("sub_order_id", IdText, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount > 0", name="amount"),
)
