"""The books' tables. Triggers in the migrations refuse every change of what is written and keep the balances."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Identity, Index, Table, Text, func, text

from hub.ledger.recipes import NEVER_NEGATIVE
from hub.runtime.database import IdText, metadata

transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("order_id", IdText, index=True),
    Column("vendor", Text),
    Column("reference", Text),
    Column("cause", IdText, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("uq_ledger_transactions_kind_cause", "kind", "cause", unique=True),
    Index("ix_ledger_transactions_at_id", "at", "id"),
    Index("ix_ledger_transactions_vendor", "vendor", postgresql_where=text("vendor IS NOT NULL")),
    Index("ix_ledger_transactions_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
)
"""`cause` is what the money moved for (a step): the same kind for the same cause is posted once.

`vendor` is set where the money is one vendor's, `reference` where a provider has an id for the movement (``tr_…``, ``re_…``).
"""

postings = Table(
    "ledger_postings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction_id", IdText, ForeignKey("ledger_transactions.id"), nullable=False, index=True),
    Column("source", Text(collation="C"), nullable=False),
    Column("destination", Text(collation="C"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("source <> destination", name="two_accounts"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    Index("ix_ledger_postings_source_id", "source", "id"),
    Index("ix_ledger_postings_destination_id", "destination", "id"),
)

balances = Table(
    "ledger_balances",
    metadata,
    Column("account", Text(collation="C"), primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("balance", BigInteger, nullable=False),
    CheckConstraint(
        f"balance >= 0 OR split_part(account, ':', 1) NOT IN ({', '.join(repr(word.rstrip(':')) for word in NEVER_NEGATIVE)})",
        name="never_negative",
    ),
    postgresql_with={"fillfactor": "70"},
)
"""What each account of an order or a vendor holds now, written by a trigger on postings and by nobody else.

Accounts that all orders share (``commission``, ``clearing:stripe``) are not here: every posting would wait for their row.
"""
