"""The dead letters: one row for each failure, however often it is noticed or fails again."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.runtime.database import IdText, metadata

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("source", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("step_id", IdText, index=True),
    Column("saga_id", IdText, index=True),
    Column("subject_id", IdText),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("payload", Text, nullable=False),
    Column("original", Text),
    Column("attempts", Integer, nullable=False),
    Column("breakers", JSONB),
    Column("at_risk", BigInteger),
    Column("currency", Text),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("assignee", Text),
    Column("resolution", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open','replaying','resolved','discarded','compensated')", name="state"),
    CheckConstraint("(at_risk IS NULL) = (currency IS NULL)", name="at_risk"),
    Index("uq_dead_letters_identity", "identity", unique=True),
    Index(
        "ix_dead_letters_groups",
        "fingerprint",
        "currency",
        "id",
        postgresql_include=["target", "kind", "reason", "created_at", "last_at", "at_risk"],
        postgresql_where=text("state IN ('open','replaying')"),
    ),
    Index("ix_dead_letters_target_id", "target", "id"),
    Index("ix_dead_letters_replaying", "id", postgresql_where=text("state = 'replaying'")),
)
"""`identity` keeps the several ways in which one failure is noticed from standing here twice.

`original` is the payload as it was before the first edit; `breakers` the vendor's breakers when it failed; `at_risk` what the
failure puts at stake, in minor units; `times` how often the same has failed, `tries` how often it was replayed by a rule;
`resolution` how it was mended, or the compensation for which it was discarded.
"""
