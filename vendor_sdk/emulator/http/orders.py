"""Sub-orders over HTTP: see what is owed, answer by hand, give back."""

from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.client.answers.orders import Order
from vendor_sdk.emulator import asks, refund, shown
from vendor_sdk.emulator.conclude import by_hand
from vendor_sdk.emulator.http.pages import newest_first
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import write
from vendor_sdk.emulator.model import Book, Part
from vendor_sdk.emulator.refund import Asked
from vendor_sdk.emulator.refusals import NotFound
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Accepted, Declined, Delivered, Documents, Kept, Message, Parcel, Reason, Recalled, Shipped, Short, Text

DueWithin = Annotated[int, Meta(ge=0, le=366 * 86_400)]


class Accept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken on: all but the units in `short`."""

    short: Short = []


class Decline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why not."""

    reason: Reason
    detail: Text = ""


class Shipment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The boxes in which it left, and its papers."""

    parcels: Annotated[list[Parcel], Meta(min_length=1, max_length=100)]
    documents: Documents = []


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether what the buyer wants canceled is stopped."""

    stopped: bool
    reason: Reason = "already_shipped"


class AskRefund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes back and why; without `items` all that is left."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    items: Annotated[list[Asked], Meta(min_length=1, max_length=100)] | None = None


def browse(call: Call) -> Answer:
    """The vendor's sub-orders, newest first; with `due_within` those whose promise ends soon."""
    book = call.emulator.book
    state, within = call.asked("state", State), call.asked("due_within", DueWithin)
    before = None if within is None else call.emulator.clock() + within
    return newest_first(call, _wanted(book, state, before), lambda part: shown.order(book, part))


def one(call: Call) -> Answer:
    """One sub-order."""
    book = call.emulator.book
    return encoded(shown.order(book, part_of(book, call.args[0])))


def accept(call: Call) -> Answer:
    """Take it on, in part or whole."""
    said = call.optional_body(Accept) or Accept()
    return _say(call, asks.SUBMIT, lambda part_id: Accepted(sub_order_id=part_id, short=said.short))


def decline(call: Call) -> Answer:
    """Do not take it on."""
    said = call.body(Decline)
    return _say(call, asks.SUBMIT, lambda part_id: Declined(sub_order_id=part_id, reason=said.reason, detail=said.detail))


def ship(call: Call) -> Answer:
    """It has left."""
    said = call.body(Shipment)

    def answer(part_id: str) -> Message:
        return Shipped(sub_order_id=part_id, parcels=said.parcels, documents=said.documents)

    return _say(call, asks.SHIP, answer, status=201)


def deliver(call: Call) -> Answer:
    """It has arrived."""
    return _say(call, asks.TRACK, lambda part_id: Delivered(sub_order_id=part_id))


def recall(call: Call) -> Answer:
    """Whether it could be stopped."""
    said = call.body(Stop)

    def answer(part_id: str) -> Message:
        return Recalled(sub_order_id=part_id) if said.stopped else Kept(sub_order_id=part_id, reason=said.reason)

    return _say(call, asks.RECALL, answer)


def give_back(call: Call) -> Answer:
    """Give money of a sub-order back to its buyer."""
    asked = call.body(AskRefund)

    def work(turn: Turn) -> object:
        by = f"vendor:{turn.book.vendor}"
        return shown.asked_refund(turn.book, refund.ask(turn, part_of(turn.book, call.args[0]), asked.items, asked.reason, by))

    return write(call, work, status=201)


def part_of(book: Book, part_id: str) -> Part:
    """A sub-order. Raises `NotFound` (``unknown_order``)."""
    if part_id not in book.parts:
        raise NotFound("unknown_order", f"no order {part_id}")
    return book.parts[part_id]


def _say(call: Call, asked: str, said: Callable[[str], Message], status: int = 200) -> Answer:
    def work(turn: Turn) -> Order:
        part = part_of(turn.book, call.args[0])
        by_hand(turn, part, asked, said(part.id))
        return shown.order(turn.book, part)

    return write(call, work, status)


def _wanted(book: Book, state: State | None, before: float | None) -> Iterator[Part]:
    for part in book.parts.values():
        awaited = shown.order(book, part).awaits
        is_due = before is None or (awaited is not None and awaited.by is not None and awaited.by.timestamp() < before)
        if is_due and state in {None, part.state}:
            yield part
