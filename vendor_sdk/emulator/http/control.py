"""The controls of the emulator over HTTP, which no hub has: its state, buyers' acts, the clock. Without a key, on loopback alone."""

from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.emulator import course, money, refund, shown
from vendor_sdk.emulator.clock import duration
from vendor_sdk.emulator.http.orders import part_of
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import write
from vendor_sdk.emulator.model import Letter, Part, Step
from vendor_sdk.emulator.refund import Asked
from vendor_sdk.emulator.refusals import Conflict, Invalid
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import Turn, iso
from vendor_sdk.messages import Address, Item

STORY_SHOWN = 200


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a buyer orders, each SKU once."""

    items: Annotated[list[Item], Meta(min_length=1, max_length=100)]
    ship_to: Address = course.HOME


class Comes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes back; without `items` all of it."""

    items: Annotated[list[Asked], Meta(min_length=1, max_length=100)] | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "returned"


class Moves(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the clock moves on: ``90s``, ``2h``, ``1d 12h``."""

    advance: Annotated[str, Meta(min_length=1, max_length=50)]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the story."""

    at: str | None
    about: str
    event: str
    says: str


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """How everything stands. It holds no key and no secret."""

    vendor: str
    now: str | None
    ahead_seconds: float
    decimals: int
    capabilities: list[str]
    orders: list[msgspec.Struct]
    balance: list[msgspec.Struct]
    steps: list[Step]
    letters: list[Letter]
    story: list[Told]


def state(call: Call) -> Answer:
    """Everything, as JSON."""
    emulator = call.emulator
    book = emulator.book
    return encoded(
        Whole(
            vendor=book.vendor,
            now=iso(emulator.clock()),
            ahead_seconds=round(emulator.clock.ahead, 3),
            decimals=money.decimals(book.currency),
            capabilities=sorted(emulator.capabilities),
            orders=[shown.order(book, part) for part in reversed(book.parts.values())],
            balance=list(shown.balances(book)),
            steps=[step for step in book.steps.values() if step.is_open],
            letters=book.letters,
            story=[Told(at=iso(one.at), about=one.about, event=one.event, says=one.says) for one in book.story[-STORY_SHOWN:]],
        )
    )


def place(call: Call) -> Answer:
    """A buyer orders."""
    new = call.body(NewOrder)

    def work(turn: Turn) -> object:
        if len({item.sku for item in new.items}) != len(new.items):
            raise Invalid("sku_twice", "each SKU may stand once", field="/items")
        return shown.order(turn.book, course.place(turn, new.items, new.ship_to))

    return write(call, work, status=201)


def cancel(call: Call) -> Answer:
    """The buyer wants out."""
    call.body(dict[str, str])

    def work(turn: Turn) -> object:
        part = part_of(turn.book, call.args[0])
        course.cancel(turn, part.order_id)
        return shown.order(turn.book, part)

    return write(call, work)


def give_back(call: Call) -> Answer:
    """The buyer sends goods back, or is given money back."""
    comes = call.body(Comes)

    def work(turn: Turn) -> object:
        part = part_of(turn.book, call.args[0])
        _check_arrived(part)
        return shown.asked_refund(turn.book, refund.ask(turn, part, comes.items, comes.reason, "customer:emulator"))

    return write(call, work, status=201)


def clock(call: Call) -> Answer:
    """The clock moves on at once; what falls due meanwhile is done now."""
    seconds = duration(call.body(Moves).advance)

    def work(turn: Turn) -> object:
        turn.note("", "clock", f"the clock moves on by {seconds:g} s")
        return {"now": iso(turn.now)}

    call.emulator.clock.advance(seconds)
    return write(call, work)


def _check_arrived(part: Part) -> None:
    if part.state not in {State.SHIPPED, State.DELIVERED, State.SETTLED}:
        raise Conflict("not_shipped", f"the order is {part.state}: nothing can come back", state=str(part.state))
