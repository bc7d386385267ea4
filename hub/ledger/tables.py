"""The books' two tables; triggers in the first migration refuse every change of what is written."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Identity, Index, Table, Text, func

from hub.runtime.database import IdText, metadata

transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_id", IdText, nullable=False, index=True),
    Column("cause", IdText, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("uq_ledger_transactions_kind_cause", "kind", "cause", unique=True),
)
"""`cause` is what the money moved for (a step): the same kind for the same cause is posted once."""

postings = Table(
    "ledger_postings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction_id", IdText, ForeignKey("ledger_transactions.id"), nullable=False, index=True),
    Column("source", Text(collation="C"), nullable=False, index=True),
    Column("destination", Text(collation="C"), nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("source <> destination", name="two_accounts"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
)
