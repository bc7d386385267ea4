"""What is expected from buyers, every line of our bank account, and what our bank is to send."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Table, Text, func, text

from hub.runtime.database import IdText, metadata

bank_payments = Table(
    "bank_payments",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("key", IdText, nullable=False, unique=True),
    Column("order_id", IdText, nullable=False, index=True),
    Column("payment_id", IdText, nullable=False),
    Column("reference", IdText, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False, server_default="0"),
    Column("captured", BigInteger, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("captured BETWEEN 0 AND received", name="captured"),
    Index("ix_bank_payments_state_id", "state", "id"),
)
"""`reference` is what the buyer writes on the transfer (ISO 11649); `payment_id` is the payment it belongs to."""

bank_lines = Table(
    "bank_lines",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("bank_id", IdText, nullable=False, unique=True),
    Column("booked_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("text", Text, nullable=False, server_default=""),
    Column("payer_name", Text, nullable=False, server_default=""),
    Column("payer_iban", Text),
    Column("end_to_end", Text),
    Column("payment_id", IdText, ForeignKey("bank_payments.id"), index=True),
    Column("bank_order_id", IdText, index=True),
    Column("sent_back", Boolean, nullable=False, server_default="false"),
    Column("source", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("recorded_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    CheckConstraint("amount <> 0", name="amount"),
    Index("ix_bank_lines_unmatched", "id", postgresql_where=text("payment_id IS NULL AND bank_order_id IS NULL AND NOT sent_back")),
)
"""Every line once, by the bank's own id; `amount` is signed. `payment_id` is a row of `bank_payments`; `bank_order_id` is
the order that a debit executes or a credit brings back; `sent_back` is a receipt that nobody could match."""

bank_orders = Table(
    "bank_orders",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("key", IdText, nullable=False, unique=True),
    Column("end_to_end", IdText, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("order_id", IdText, index=True),
    Column("payment_id", IdText, ForeignKey("bank_payments.id"), index=True),
    Column("line_id", IdText, ForeignKey("bank_lines.id"), index=True),
    Column("vendor", IdText),
    Column("currency", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("holder", Text, nullable=False, server_default=""),
    Column("iban", Text),
    Column("bic", Text),
    Column("text", Text, nullable=False),
    Column("export_id", IdText, index=True),
    Column("exported_at", DateTime(timezone=True)),
    Column("executed_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("kind IN ('refund','transfer','give_back','send_back')", name="kind"),
    CheckConstraint("state <> 'exported' OR iban IS NOT NULL", name="exported_has_iban"),
    Index("ix_bank_orders_state_id", "state", "id"),
)
"""Once for each `key`; `line_id` is the receipt that goes back. An order without an `iban` waits for an operator to find one out."""
