"""Expected payments, lines of the bank account, outgoing orders, and what operators send about them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.gateways.bank.states import BankOrderState, BankPaymentState
from hub.kernel.money import AMOUNT_MAX, Currency
from hub.vendors.money_terms import BankAccount

Word = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[str, Meta(max_length=200)]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]
Positive = Annotated[int, Meta(ge=1, le=AMOUNT_MAX, description="integer minor units (cents for EUR)")]

FILE_CHARACTERS_MAX = 8_000_000
LINES_MAX = 2_000
"""A file is booked whole or not at all, so its size is that of a transaction."""


class Kind(StrEnum):
    """Why our bank is to send money."""

    REFUND = "refund"
    TRANSFER = "transfer"
    GIVE_BACK = "give_back"
    """Of a buyer's money what was not captured."""
    SEND_BACK = "send_back"
    """Money that nobody could match to a payment."""


class BankPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of a buyer, minor units; `received` is what has come so far, also what went back since."""

    id: str
    key: str
    order_id: str
    payment_id: str
    reference: str
    state: BankPaymentState
    currency: str
    amount: int
    received: int
    captured: int
    created_at: datetime


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of our bank account; `amount` in minor units is above zero for what came in."""

    id: str
    bank_id: str
    booked_on: date
    amount: int
    currency: str
    text: str
    payer_name: str
    payer_iban: str | None
    end_to_end: str | None
    payment_id: str | None
    bank_order_id: str | None
    sent_back: bool
    source: str
    note: str
    recorded_by: str
    created_at: datetime


class BankOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Money that our bank is to send, minor units; without an `iban` it waits for an operator."""

    id: str
    key: str
    end_to_end: str
    kind: Kind
    state: BankOrderState
    order_id: str | None
    payment_id: str | None
    line_id: str | None
    vendor: str | None
    currency: str
    amount: int
    holder: str
    iban: str | None
    bic: str | None
    text: str
    export_id: str | None
    exported_at: datetime | None
    executed_at: datetime | None
    """Also of an order that has failed since."""
    reason: str
    created_at: datetime


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as a file or an operator tells it; `number` is where it stands in the file."""

    number: int
    bank_id: str
    booked_on: date
    amount: int
    currency: str
    text: str = ""
    payer_name: str = ""
    payer_iban: str | None = None
    end_to_end: str | None = None
    note: str = ""


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Money to be sent, once for each `key`; `account` None: an operator has to find it out."""

    key: str
    kind: Kind
    amount: int
    currency: str
    account: BankAccount | None
    text: str
    order_id: str | None = None
    payment_id: str | None = None
    line_id: str | None = None
    vendor: str | None = None


class BankFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement of our account.

    ``camt.053`` is the ISO 20022 XML. ``csv`` has a heading with the columns bank_id, booked_on (2026-01-31), amount
    (-12.50, below zero for what was sent), currency, and perhaps reference, payer_name, payer_iban, end_to_end_id.
    """

    format: Literal["camt.053", "csv"]
    content: Annotated[str, Meta(min_length=1, max_length=FILE_CHARACTERS_MAX)]


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a file brought, in lines: `known` were booked before; the others are counted by what they turned out to be."""

    lines: int
    known: int = 0
    matched: int = 0
    unmatched: int = 0
    executed: int = 0
    came_back: int = 0
    unexplained: int = 0


class NewReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that an operator has seen on the account; `bank_id` is the bank's own id, so that a later file does not count it again."""

    bank_id: Word
    booked_on: date
    amount: Positive
    currency: Currency
    note: Reason
    payer_name: Annotated[str, Meta(max_length=70)] = ""
    payer_iban: Annotated[str, Meta(max_length=42)] | None = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which payment an unmatched receipt is for."""

    reference: Annotated[str, Meta(min_length=1, max_length=50)]
    note: Reason


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an operator does it, or what the bank said."""

    reason: Reason


class SendTo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where money is to be sent; without `account` to where it came from."""

    reason: Reason
    account: BankAccount | None = None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Orders put together for the bank: as ``pain.001`` and ``csv`` under this id."""

    id: str | None
    orders: int


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """A payment with all that came in and is to go out for it."""

    payment: BankPayment
    receipts: list[BankLine]
    orders: list[BankOrder]
