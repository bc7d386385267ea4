"""Refunds, reversals and disputes."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

refunds = Table(
    "refunds",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False, server_default="refund"),
    Column("order_id", IdText, nullable=False, index=True),
    Column("payment_id", IdText, ForeignKey("payments.id"), nullable=False, index=True),
    Column("sub_order_id", IdText, nullable=False, index=True),
    Column("dispute_id", IdText),
    Column("vendor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False, server_default="0"),
    Column("share", BigInteger, nullable=False, server_default="0"),
    Column("commission", BigInteger, nullable=False, server_default="0"),
    Column("tax", BigInteger, nullable=False, server_default="0"),
    Column("from_held", BigInteger, nullable=False, server_default="0"),
    Column("from_reserve", BigInteger, nullable=False, server_default="0"),
    Column("from_reversal", BigInteger, nullable=False, server_default="0"),
    Column("from_debt", BigInteger, nullable=False, server_default="0"),
    Column("items", JSONB, nullable=False, server_default="[]"),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("requested_by", Text, nullable=False, server_default=""),
    Column("reference", Text, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("amount + discount = share + commission + tax", name="adds_up"),
    CheckConstraint("kind IN ('refund','dispute')", name="kind"),
    CheckConstraint("(kind = 'dispute') = (dispute_id IS NOT NULL)", name="dispute"),
    Index("ix_refunds_vendor_id", "vendor", "id"),
)
"""Money back to the buyer for pieces of one sub-order: `amount` to the buyer, `discount` to us; `share` from the vendor (out of
its hold, its reserve, reversals, or as its debt), `commission` and `tax` from us. `items` say which pieces, from and to where."""

reversals = Table(
    "reversals",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("refund_id", IdText, ForeignKey("refunds.id"), nullable=False, index=True),
    Column("transfer_id", IdText, ForeignKey("transfers.id"), nullable=False, index=True),
    Column("vendor", Text, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount > 0", name="amount"),
)
"""`amount` and `currency` are those of the transfer that it takes back: nothing is converted."""

disputes = Table(
    "disputes",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("payment_id", IdText, ForeignKey("payments.id"), nullable=False, index=True),
    Column("gateway", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("evidence_due_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount > 0", name="amount"),
    Index("uq_disputes_gateway_reference", "gateway", "reference", unique=True),
)
