"""What the vendor API answers, as structs: strict about types, indifferent to fields that a newer hub adds."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every answer."""


class Money(Answer, frozen=True):
    """An amount in minor units of `currency` (ISO 4217)."""

    amount: int
    currency: str


class Page(Answer, Generic[T], frozen=True):
    """Part of a list; `next_cursor` is null on the last page."""

    data: list[T]
    next_cursor: str | None = None


class Moment(Answer, frozen=True):
    """Something that was tried."""

    attempt: int
    at: datetime
    error: str
