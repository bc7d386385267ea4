"""Products, variants and offers."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from hub.runtime.database import IdText, metadata

_DOCUMENT = (
    "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', category), 'B')"
    " || setweight(to_tsvector('english', description), 'C')"
)

products = Table(
    "products",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("described_by", IdText, ForeignKey("vendors.code"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("document", TSVECTOR, Computed(_DOCUMENT, persisted=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_products_document", "document", postgresql_using="gin"),
    Index("ix_products_category_id", "category", "id"),
)
"""`described_by` is the vendor whose words these are; others may offer it, not rewrite it."""

variants = Table(
    "variants",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("product_id", IdText, ForeignKey("products.id"), nullable=False, index=True),
)

offers = Table(
    "offers",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("variant_id", IdText, ForeignKey("variants.id"), nullable=False, index=True),
    Column("vendor", IdText, ForeignKey("vendors.code"), nullable=False),
    Column("sku", Text(collation="C"), nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("shipping_price", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="active"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("vendor", "sku"),
    Index("ix_offers_vendor_id", "vendor", "id"),
    CheckConstraint("price > 0", name="price"),
    CheckConstraint("shipping_price >= 0", name="shipping_price"),
    CheckConstraint("state IN ('active','paused')", name="state"),
)
"""One vendor's price for a variant; `price` and `shipping_price` (what each unit adds to shipping) in minor units.

`told_at` is as of when the vendor has said so, by its own clock in a feed and by ours over HTTP: older news is no news.
"""
