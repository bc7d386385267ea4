"""Returns over HTTP: what a vendor sees and answers by hand, and, without a key, what a buyer does about them."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.emulator.http.orders import part_of
from vendor_sdk.emulator.http.pages import newest_first
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import write
from vendor_sdk.emulator.returns import answer, ask, life
from vendor_sdk.emulator.returns.model import LINES_MAX, Asked, Return
from vendor_sdk.emulator.returns.shown import ReturnView, return_view
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Authorized, Documents, Inspected, Parcel, Reason, Text

POST = Parcel(carrier="post", tracking_number="BACK-1")


class Authorize(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vendor's own number of the return, where to and how the goods are to be sent, and what is to be printed."""

    reference: Annotated[str, Meta(max_length=128)] = ""
    instructions: Text = ""
    documents: Documents = []


class Refuse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing is taken back."""

    reason: Reason
    detail: Text = ""


class Receive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came back, each SKU once."""

    items: Annotated[list[Inspected], Meta(min_length=1, max_length=LINES_MAX)]


class AskReturn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a buyer wants to send back; without `lines` all that can be."""

    lines: Annotated[list[Asked], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    note: Annotated[str, Meta(max_length=1000)] = ""


class SendBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which parcel."""

    parcel: Parcel = POST


def browse(call: Call) -> Answer:
    """The vendor's returns, newest first."""
    book, state = call.emulator.book, call.asked("state", ReturnState)
    found = [it for it in book.returns.values() if state in {None, it.state}]
    return newest_first(call, found, lambda it: return_view(book, it))


def one(call: Call) -> Answer:
    """One of them."""
    book = call.emulator.book
    return encoded(return_view(book, life.get(book, call.args[0])))


def authorize(call: Call) -> Answer:
    """Let the buyer send the units, with or without a body; also after having refused them."""
    said = call.optional_body(Authorize) or Authorize()
    return _do(call, lambda turn, it: answer.authorize_by_hand(turn, it, _authorized(it, said)))


def _authorized(it: Return, said: Authorize) -> Authorized:
    return Authorized(sub_order_id=it.part_id, reference=said.reference, instructions=said.instructions, documents=said.documents)


def refuse(call: Call) -> Answer:
    """Take nothing back, before the buyer may send it."""
    said = call.body(Refuse)
    return _do(call, lambda turn, it: answer.refuse_by_hand(turn, it, said.reason))


def receive(call: Call) -> Answer:
    """Tell what came back, and how."""
    said = call.body(Receive)
    return _do(call, lambda turn, it: answer.receive_by_hand(turn, it, said.items))


def ask_for(call: Call) -> Answer:
    """The buyer wants to send units of a sub-order back."""
    wanted = call.body(AskReturn)

    def work(turn: Turn) -> ReturnView:
        return return_view(turn.book, ask.ask(turn, part_of(turn.book, call.args[0]), wanted.lines, wanted.note))

    return write(call, work, status=201)


def send_back(call: Call) -> Answer:
    """The buyer has sent them."""
    said = call.body(SendBack)
    return _do(call, lambda turn, it: ask.send_back(turn, it, said.parcel))


def cancel(call: Call) -> Answer:
    """The buyer keeps them."""
    call.body(dict[str, str])
    return _do(call, ask.cancel)


def _do(call: Call, act: Callable[[Turn, Return], None]) -> Answer:
    def work(turn: Turn) -> ReturnView:
        it = life.get(turn.book, call.args[0])
        act(turn, it)
        return return_view(turn.book, it)

    return write(call, work)
