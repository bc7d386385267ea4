"""Vendors and their shipping options."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, DateTime, ForeignKey, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.runtime.database import IdText, metadata

vendors = Table(
    "vendors",
    metadata,
    Column("code", IdText, primary_key=True),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="invited"),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("nkey_public", Text),
    Column("connected_account", Text),
    Column("account_receives", Boolean, nullable=False, server_default="false"),
    Column("account_pays_out", Boolean, nullable=False, server_default="false"),
    Column("account_due", JSONB, nullable=False, server_default="[]"),
    Column("account_reason", Text, nullable=False, server_default=""),
    Column("account_seen_at", DateTime(timezone=True)),
    Column("capabilities", ARRAY(Text), nullable=False, server_default="{}"),
    Column("embedded_spoke", Text),
    Column("spoke_config", JSONB, nullable=False, server_default="{}"),
    Column("commission_bps", Integer),
    Column("hold_seconds", Integer),
    Column("reserve_bps", Integer),
    Column("reserve_seconds", Integer),
    Column("payout_interval", Text),
    Column("payout_day", Integer),
    Column("payout_minimum", BigInteger),
    Column("bears_disputes", Boolean),
    Column("bank_account", JSONB(none_as_null=True)),
    Column("bank_changed_at", DateTime(timezone=True)),
    Column("vacation_from", DateTime(timezone=True)),
    Column("vacation_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("code ~ '^[a-z][a-z0-9_-]{1,62}$'", name="code"),
    CheckConstraint("state IN ('invited','onboarding','in_review','active','suspended','closing','closed')", name="state"),
    CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission_bps"),
    CheckConstraint("hold_seconds >= 0", name="hold_seconds"),
    CheckConstraint("reserve_bps BETWEEN 0 AND 10000", name="reserve_bps"),
    CheckConstraint("reserve_seconds >= 0", name="reserve_seconds"),
    CheckConstraint("payout_interval IN ('manual','daily','weekly','monthly')", name="payout_interval"),
    CheckConstraint("payout_day BETWEEN 1 AND 31", name="payout_day"),
    CheckConstraint("payout_minimum >= 0", name="payout_minimum"),
    CheckConstraint("capabilities <@ ARRAY['stock','orders','shipping','returns']", name="capabilities"),
    CheckConstraint("vacation_from < vacation_until", name="vacation"),
)
"""Terms (`commission_bps` to `bears_disputes`) are null where the marketplace's own hold; no capabilities means no spoke.

`nkey_public` is the newest of its keys that are not revoked (`vendor_nkeys`), null where it has none.
"""

vendor_nkeys = Table(
    "vendor_nkeys",
    metadata,
    Column("nkey", IdText, primary_key=True),
    Column("vendor", IdText, ForeignKey("vendors.code"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)
"""Public halves, of all vendors and for ever: the broker refuses a configuration in which one opens two accounts."""

shipping_options = Table(
    "vendor_shipping_options",
    metadata,
    Column("vendor", IdText, ForeignKey("vendors.code"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("days >= 0", name="days"),
)
"""`price` in minor units for the whole parcel, before what each unit adds; `days` until it arrives, as promised.

All of a vendor's are told at once, as of `told_at`, by its own clock in a feed: older news is no news.
"""
