"""The signs of life: one row per vendor with a spoke, and one for us who listen to them."""

from sqlalchemy import Column, DateTime, Float, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

vendor_liveness = Table(
    "vendor_liveness",
    metadata,
    Column("vendor", IdText, primary_key=True),
    Column("boot_id", Text, nullable=False, server_default=""),
    Column("version", Text, nullable=False, server_default=""),
    Column("breakers", JSONB, nullable=False, server_default="{}"),
    Column("closed_at", JSONB, nullable=False, server_default="{}"),
    Column("in_flight", Integer, nullable=False, server_default="0"),
    Column("oldest_seconds", Float, nullable=False, server_default="0"),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("busy_at", DateTime(timezone=True)),
    postgresql_with={"fillfactor": "50"},
)
"""The row of ``@hub`` is ours: `since` when we have been listening without a gap, and until when (`seen_at`). What is silent
while nobody listens is not late. `closed_at`: when each breaker last
closed again. `busy_at`: when the vendor's stream last was too full to be told anything more."""
