"""Returns and their lines."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

returns = Table(
    "returns",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("sub_order_id", IdText, ForeignKey("sub_orders.id"), nullable=False, index=True),
    Column("vendor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("note", Text, nullable=False, server_default=""),
    Column("pays_shipping", Text, nullable=False),
    Column("reason", Text),
    Column("reference", Text, nullable=False, server_default=""),
    Column("instructions", Text, nullable=False, server_default=""),
    Column("parcel", JSONB(none_as_null=True)),
    Column("authorize_id", IdText),
    Column("inspect_id", IdText),
    Column("refund_id", IdText, ForeignKey("refunds.id"), unique=True),
    Column("authorize_by", DateTime(timezone=True)),
    Column("receive_by", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("pays_shipping IN ('vendor','buyer')", name="pays_shipping"),
    CheckConstraint("refund_id IS NULL OR state = 'refunded'", name="refund"),
    Index("ix_returns_vendor_id", "vendor", "id"),
)
"""`authorize_id` and `inspect_id` are the steps by which its vendor is asked; `refund_id` is empty where the buyer had the money before."""

return_lines = Table(
    "return_lines",
    metadata,
    Column("return_id", IdText, ForeignKey("returns.id"), primary_key=True),
    Column("line_id", IdText, ForeignKey("lines.id"), primary_key=True, index=True),
    Column("offer_id", IdText, nullable=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("good", Integer, nullable=False, server_default="0"),
    Column("damaged", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("rejected_reason", Text, nullable=False, server_default=""),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("least(good, damaged, rejected) >= 0 AND good + damaged + rejected <= quantity", name="counted"),
)
"""`good`, `damaged` and `rejected` are what came back, as it was found: the first are for sale again, the first two are refunded."""
