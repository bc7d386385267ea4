"""Plans by which many letters are replayed, what must not be replayed, and rules that replay by themselves."""

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Float, ForeignKey, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

replay_plans = Table(
    "replay_plans",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("state", Text, nullable=False, server_default="previewed"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("rule_id", IdText),
    Column("filter", JSONB, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at_risk", JSONB, nullable=False),
    Column("canary", Integer, nullable=False),
    Column("rate", Float, nullable=False),
    Column("failures_max", Integer, nullable=False),
    Column("canary_until", Integer, nullable=False),
    Column("forgiven", Integer, nullable=False, server_default="0"),
    Column("batch", Integer, nullable=False, server_default="1"),
    Column("held", Text, nullable=False, server_default=""),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('previewed','running','paused','done','aborted')", name="state"),
    CheckConstraint("canary >= 1 AND rate > 0 AND failures_max >= 0", name="bounds"),
    Index("ix_replay_plans_due_at", "due_at", postgresql_where=text("state = 'running'")),
)
"""`canary_until` is the number of the last canary item; `forgiven` how many had failed when it was last resumed; `batch` how many
are sent in the next round; `held` why it stands or waits. `due_at` is its lease, as with steps."""

replay_items = Table(
    "replay_items",
    metadata,
    Column("plan_id", IdText, ForeignKey("replay_plans.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("letter_id", IdText, nullable=False),
    Column("letter_version", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("why", Text, nullable=False, server_default=""),
    Column("sent_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('waiting','sent','ok','failed','skipped')", name="state"),
    Index("ix_replay_items_open", "plan_id", "state", "number", postgresql_where=text("state IN ('waiting','sent')")),
    Index("ix_replay_items_letter_id", "letter_id"),
    postgresql_with={"fillfactor": "70"},
)

quarantines = Table(
    "quarantines",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("what", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("until", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("lifted_at", DateTime(timezone=True)),
    CheckConstraint("what IN ('fingerprint','target','kind')", name="what"),
    Index("ix_quarantines_standing", "what", "value", postgresql_where=text("lifted_at IS NULL")),
)

replay_rules = Table(
    "replay_rules",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("target", Text),
    Column("kind", Text),
    Column("letter_reason", Text),
    Column("canary", Integer, nullable=False),
    Column("rate", Float, nullable=False),
    Column("most", Integer, nullable=False),
    Column("tries_max", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""What is replayed by itself once the breaker of the vendor's capability has closed again; null stands for any."""
