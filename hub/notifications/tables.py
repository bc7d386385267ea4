"""Vendors' endpoints and their keys, what is told them, each attempt to do so, and how far the timeline has been followed."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY

from hub.runtime.database import IdText, metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("types", ARRAY(Text), nullable=False, server_default="{}"),
    Column("payload", Text, nullable=False, server_default="full"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("failing_since", DateTime(timezone=True)),
    Column("quiet_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("payload IN ('thin','full')", name="payload"),
    CheckConstraint("state IN ('enabled','disabled','removed')", name="state"),
    Index("ix_webhook_endpoints_vendor_id", "vendor", "id"),
)
"""Without `types` it hears of all. `failing_since`: since when no attempt has succeeded; null if the last one did."""

webhook_keys = Table(
    "webhook_keys",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("endpoint_id", IdText, ForeignKey("webhook_endpoints.id"), nullable=False, index=True),
    Column("scheme", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    CheckConstraint("scheme IN ('v1','v1a')", name="scheme"),
)
"""All that have not expired sign. Kept as they are, for each attempt is signed anew."""

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("thin", LargeBinary, nullable=False),
    Column("full", LargeBinary),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_webhook_events_created_at", "created_at", postgresql_using="brin"),
)
"""The bodies as they are sent, to the byte, however often; `full` is null where it would say no more, or be too large."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("event_id", IdText, ForeignKey("webhook_events.id"), nullable=False, index=True),
    Column("endpoint_id", IdText, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("vendor", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", IdText, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("leased_until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('pending','delivered','failed')", name="state"),
    CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended_at"),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_vendor_id", "vendor", "id"),
    Index("ix_webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=text("state = 'pending'")),
    Index("ix_webhook_deliveries_leased", "endpoint_id", postgresql_where=text("leased_until IS NOT NULL")),
    Index("ix_webhook_deliveries_line", "endpoint_id", "key", "position", postgresql_where=text("state = 'pending'")),
)
"""One event for one endpoint. Those of one `key` are delivered in the order of their `position`; `attempts` counts all,
`step` those of this round of ten, which a replay begins anew. While it is being sent, `leased_until` is ahead."""

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", IdText, ForeignKey("webhook_deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("milliseconds", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False, server_default=""),
    Column("response", Text, nullable=False, server_default=""),
)
"""What came of each; of the response only its beginning."""

webhook_replays = Table(
    "webhook_replays",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("endpoint_id", IdText, ForeignKey("webhook_endpoints.id"), nullable=False, index=True),
    Column("vendor", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("after", IdText, nullable=False, server_default=""),
    Column("replayed", Integer, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("done_at", DateTime(timezone=True)),
    Index("uq_webhook_replays_open", "endpoint_id", unique=True, postgresql_where=text("done_at IS NULL")),
)
"""Jobs: every failed delivery since a moment is made pending again; `after` is the last one that was."""

webhook_cursors = Table(
    "webhook_cursors",
    metadata,
    Column("name", IdText, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("seen_seq", BigInteger, nullable=False),
    Column("seen_xid", BigInteger, nullable=False),
)
"""The timeline has been followed up to `seq`. What stands up to `seen_seq` is complete once no transaction before `seen_xid` runs."""
