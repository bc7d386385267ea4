"""Feeds, their pages, and the rows that could not be taken."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.runtime.database import IdText, metadata

feeds = Table(
    "feeds",
    metadata,
    Column("vendor", IdText, ForeignKey("vendors.code"), primary_key=True),
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("pages", Integer),
    Column("rows_told", Integer),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("absent", Integer, nullable=False, server_default="0"),
    CheckConstraint("kind IN ('catalog','delta','levels','rates')", name="kind"),
    Index("ix_feeds_vendor_begun_at", "vendor", "begun_at", "id"),
    Index("ix_feeds_begun_at", "begun_at"),
)
"""`id` is the vendor's own, `at` as of when it was told. A whole catalog has ended when all its pages and its end have come:
`absent` offers were taken off sale then, or none for a `reason`; so too of rates, of which none was taken."""

feed_pages = Table(
    "feed_pages",
    metadata,
    Column("vendor", IdText, primary_key=True),
    Column("feed_id", IdText, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("heard_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    *(Column(name, Integer, nullable=False) for name in ("rows", "created", "changed", "unchanged", "stale", "withdrawn", "failed")),
    Column("unnamed", Integer, nullable=False),
    Column("skus", ARRAY(Text(collation="C")), nullable=False),
    Index("ix_feed_pages_heard_at", "heard_at"),
)
"""What became of a page's rows, each applied once however often it is told. `skus` are all that a page of a whole catalog has
named, `unnamed` how many of its rows named none."""

feed_errors = Table(
    "feed_errors",
    metadata,
    Column("vendor", IdText, primary_key=True),
    Column("feed_id", IdText, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("sku", Text),
    Column("problem", JSONB, nullable=False),
)
"""A row that was not taken, and why; `row` counts from 0, withdrawn SKUs after the rows."""
