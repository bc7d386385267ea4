"""Orders, sub-orders, lines, shipments and documents."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

_SHARES = ("vendor_discount", "platform_discount", "commission", "commission_tax", "kept", "kept_tax", "refunded")
"""What is frozen of each piece (a line, or a part's shipping) beside its price; see `hub.pricing.piece`."""


def _piece(price: str, prefix: str) -> str:
    """What must hold of a piece: its gross (price less what the vendor bears) covers what we bear, what we take, what was given back."""
    vendor, platform, commission, tax, kept, kept_tax, refunded = (prefix + name for name in _SHARES)
    gross = f"{price} - {vendor}"
    least = f"least({vendor}, {platform}, {commission}, {tax}, {kept}, {kept_tax}, {refunded})"
    return f"{least} >= 0 AND greatest({platform}, {commission} + {tax} + {kept} + {kept_tax}, {refunded}) <= {gross}"


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
    Column("price_limit", BigInteger),
    Column("arrive_by", Date),
    Column("tax_bps", Integer, nullable=False, server_default="0"),
    Column("cancel_reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("total >= 0", name="total"),
    CheckConstraint("course IN ('forward','undone','finished')", name="course"),
    CheckConstraint("on_shortage IN ('reroute','partial','cancel')", name="on_shortage"),
    CheckConstraint("price_limit >= total", name="price_limit"),
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
    Column("discount", BigInteger, nullable=False, server_default="0"),
    Column("platform_discount", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False),
    Column("commission", BigInteger, nullable=False),
    Column("commission_tax", BigInteger, nullable=False, server_default="0"),
    Column("commission_items", JSONB, nullable=False, server_default="[]"),
    *(Column(f"shipping_{name}", BigInteger, nullable=False, server_default="0") for name in _SHARES),
    Column("vendor_country", Text, nullable=False, server_default=""),
    Column("vendor_bps", Integer),
    Column("split_from", IdText),
    Column("replaces", IdText),
    Column("was", BigInteger),
    Column("reason", Text),
    *(Column(f"{promise}_by", DateTime(timezone=True)) for promise in ("accept", "ship", "deliver")),
    Column("routed_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True)),
    Column("lapse", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("order_id", "number"),
    CheckConstraint("lapse IN ('declined','no_answer','canceled_by_vendor')", name="lapse"),
    CheckConstraint("total = goods_total + shipping_price - discount", name="total"),
    CheckConstraint(
        "commission >= 0 AND commission_tax >= 0 AND commission + commission_tax <= total + platform_discount", name="commission"
    ),
    CheckConstraint("platform_discount BETWEEN 0 AND discount", name="discount"),
    CheckConstraint(_piece("shipping_price", "shipping_"), name="shipping"),
    CheckConstraint("(replaces IS NULL) = (was IS NULL)", name="replaces"),
    Index("ix_sub_orders_vendor_id", "vendor", "id"),
)
"""All money is frozen at the sale; only `shipping_refunded` (what was given back, cumulative) moves, and units that a vendor does not
take on leave with their money for a part of their own (`split_from`). A part that `replaces` another stands for `was`, what the
buyer was to pay for that.

`discount` is what the buyer saves on this part, whoever bears it; `commission` and `commission_tax` are sums over its pieces,
`commission_items` says which rule gave which cent. `vendor_country` and `vendor_bps` (the vendor's own terms) are the facts of
the vendor that commission rules ask for. `accept_by`, `ship_by` and `deliver_by` are what the vendor promised, each from the moment
at which it was asked; `lapse` is what it did not do with a part that was its own to fulfill.
"""

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
    Column("category", Text, nullable=False, server_default=""),
    Column("unit_price", BigInteger, nullable=False),
    Column("shipping_price", BigInteger, nullable=False, server_default="0"),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in _SHARES),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("unit_price >= 0 AND shipping_price >= 0", name="unit_price"),
    CheckConstraint(_piece("unit_price * quantity", ""), name="shares"),
)
"""As of a sub-order, all money but `refunded` is frozen at the sale."""

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

documents = Table(
    "documents",
    metadata,
    Column("subject_id", IdText, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sub_order_id", IdText, ForeignKey("sub_orders.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('label','packing_slip','invoice','customs','return_label','other')", name="kind"),
    CheckConstraint("url ~ '^https://'", name="url"),
)
"""Links in their vendor's own text, to what belongs to the sub-order or to one of its returns (`subject_id`)."""
