"""Carts, their lines and quotes."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

carts = Table(
    "carts",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("customer_id", IdText, ForeignKey("customers.id"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("state IN ('open','ordered')", name="state"),
    Index("ix_carts_customer_id_id", "customer_id", "id"),
    Index("ix_carts_expires_at", "expires_at"),
)

cart_lines = Table(
    "cart_lines",
    metadata,
    Column("cart_id", IdText, ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True),
    Column("offer_id", IdText, ForeignKey("offers.id"), primary_key=True, index=True),
    Column("quantity", Integer, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("quantity > 0", name="quantity"),
)

quotes = Table(
    "quotes",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("cart_id", IdText, nullable=False, index=True),
    Column("customer_id", IdText, nullable=False),
    Column("currency", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""`body` is the whole quote as it was given, never changed; it outlives its cart."""

coupon_uses = Table(
    "coupon_uses",
    metadata,
    Column("order_id", IdText, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("customer_id", IdText, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_coupon_uses_code_customer_id", "code", "customer_id"),
)
"""Which order used which coupon; an order that falls out whole gives its uses back."""
