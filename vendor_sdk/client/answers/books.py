"""Money: what you have with us, why, and what went to your bank."""

from datetime import datetime

import msgspec

from vendor_sdk.client.answers import Answer, Money


class Balance(Answer, frozen=True):
    """What you have in one currency, in minor units; `due` below zero is what you owe."""

    currency: str
    held: int
    reserved: int
    due: int
    on_its_way: int
    transferred: int
    reversed: int


class Standing(Answer, frozen=True):
    """What lies in each pot of one currency at a moment, in minor units."""

    currency: str
    held: int = 0
    reserved: int = 0
    due: int = 0
    transferred: int = 0


class Entry(Answer, frozen=True):
    """One change of one pot: `amount` in minor units, below zero what left it."""

    posting: int
    side: int
    transaction_id: str
    at: datetime
    kind: str
    pot: str
    amount: int
    currency: str
    order_id: str | None
    sub_order_id: str | None
    reference: str | None
    why: str


class Statement(Answer, frozen=True):
    """A page of a period's entries: `opening` and all of them make `closing`, to the cent."""

    start: datetime = msgspec.field(name="from")
    end: datetime = msgspec.field(name="to")
    opening: list[Standing]
    closing: list[Standing]
    data: list[Entry]
    next_cursor: str | None = None


class Adjustment(Answer, frozen=True):
    """A fine, a bonus or a correction, by which rule, and whether it was waived."""

    id: str
    kind: str
    amount: Money
    rule: str | None
    reason: str
    order_id: str | None
    sub_order_id: str | None
    created_at: datetime
    waived_at: datetime | None
    waived_why: str | None


class Payout(Answer, frozen=True):
    """Money on its way to your bank, or there, or not."""

    id: str
    vendor: str
    state: str
    amount: Money
    requested_by: str
    reason: str
    reference: str | None
    arrives_at: datetime | None
    created_at: datetime
    failed_at: datetime | None
    version: int


class PayoutPart(Answer, frozen=True):
    """One movement that a payout contains; `net` in minor units."""

    id: str
    kind: str
    source: str | None
    net: int
    at: datetime


class PayoutWithParts(Payout, frozen=True):
    """A payout and what it contains; null where the provider does not tell."""

    contains: list[PayoutPart] | None
