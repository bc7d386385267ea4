"""Orders, sub-orders, lines and shipments."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

orders = Table(
    "orders",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("customer_id", IdText, nullable=False),
    Column("quote_id", IdText, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("course", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("address", JSONB, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("on_shortage", Text, nullable=False),
    Column("cancel_reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("course IN ('forward','undone','finished')", name="course"),
    Index("ix_orders_customer_id_id", "customer_id", "id"),
)
"""`stage` and `course` say where its checkout saga stands; `state` is the roll-up of its sub-orders, kept for lists."""

sub_orders = Table(
    "sub_orders",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, ForeignKey("orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("shipping_option", Text, nullable=False),
    Column("shipping_price", BigInteger, nullable=False),
    Column("goods_total", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("commission", BigInteger, nullable=False),
    Column("commission_rule", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("order_id", "number"),
    CheckConstraint("total = goods_total + shipping_price", name="total"),
    CheckConstraint("commission BETWEEN 0 AND total", name="commission"),
    Index("ix_sub_orders_vendor_id", "vendor", "id"),
)
"""`commission` and the rule that set it are frozen at the sale."""

lines = Table(
    "lines",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("sub_order_id", IdText, ForeignKey("sub_orders.id"), nullable=False, index=True),
    Column("offer_id", IdText, nullable=False, index=True),
    Column("sku", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("unit_price >= 0", name="unit_price"),
)

shipments = Table(
    "shipments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("sub_order_id", IdText, ForeignKey("sub_orders.id"), nullable=False, unique=True),
    Column("parcels", JSONB, nullable=False),
    Column("shipped_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("delivered_at", DateTime(timezone=True)),
)
