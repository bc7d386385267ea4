"""Payments."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

payments = Table(
    "payments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("gateway", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("customer_id", IdText),
    Column("payer", Text),
    Column("save", Boolean, nullable=False, server_default="false"),
    Column("currency", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("captured", BigInteger, nullable=False, server_default="0"),
    Column("fee", BigInteger, nullable=False, server_default="0"),
    Column("reference", Text, unique=True),
    Column("charge", Text, unique=True),
    Column("action", JSONB),
    Column("replaced", Boolean, nullable=False, server_default="false"),
    Column("disputed", Boolean, nullable=False, server_default="false"),
    Column("capture_before", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
    Index("uq_payments_order_id_current", "order_id", unique=True, postgresql_where=text("NOT replaced")),
)
"""An order has one payment, and those that the buyer `replaced` by another way to pay.

`payer` is the provider's id of a customer who leaves, or has left, a payment method there; `reference` and `charge` are the
provider's ids of the payment; `fee` is what the provider kept; `action` is what the buyer has to do. While one is `disputed`
nothing of its order is released.
"""
