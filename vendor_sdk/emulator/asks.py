"""What the vendor is asked: each command a step that ends with its answer, or when its time is over."""

from typing import Any

import msgspec

from vendor_sdk.emulator.model import Part, Step
from vendor_sdk.emulator.turn import Turn, moment
from vendor_sdk.messages import COMMANDS, Address, Item, Message, Parcel, PricedItem, Recall, Release, Reserve, Ship, Submit, Track

RESERVE, RELEASE = "stock.reserve", "stock.release"
SUBMIT, RECALL = "orders.submit", "orders.recall"
SHIP, TRACK = "shipping.ship", "shipping.track"
KIND_OF = {struct: kind for kind, struct in COMMANDS.items()}


def reserve(turn: Turn, part: Part) -> None:
    """Set it aside."""
    t = turn.terms
    expires_at = moment(turn.now + t.reserve + 2 * t.acceptance + t.ship)
    ask(turn, part, Reserve(sub_order_id=part.id, items=_items(part), expires_at=expires_at), within=t.reserve)


def submit(turn: Turn, part: Part) -> None:
    """Ask whether the vendor takes it on."""
    ends_at = turn.now + turn.terms.acceptance
    body = Submit(
        sub_order_id=part.id,
        order_id=part.order_id,
        items=[PricedItem(sku=line.sku, quantity=line.quantity, title=line.title, unit_price=line.unit_price) for line in part.lines],
        ship_to=_address(turn, part),
        shipping_option="standard",
        shipping_price=part.shipping_price,
        total=part.total,
        currency=turn.book.currency,
        answer_by=moment(ends_at),
    )
    ask(turn, part, body, within=turn.terms.acceptance)


def ship(turn: Turn, part: Part) -> None:
    """It is paid: send it."""
    body = Ship(sub_order_id=part.id, items=_items(part), ship_to=_address(turn, part), shipping_option="standard")
    ask(turn, part, body, within=turn.terms.ship)


def track(turn: Turn, part: Part) -> None:
    """Ask whether it has arrived."""
    body = Track(sub_order_id=part.id, parcels=msgspec.convert(part.parcels, list[Parcel]))
    ask(turn, part, body, within=turn.terms.deliver)


def release(turn: Turn, part: Part, undoes: Step) -> None:
    """Give back what was set aside, whether or not the asking arrived."""
    ask(turn, part, Release(sub_order_id=part.id, reserve_command_id=undoes.id), undoes=undoes.id)


def recall(turn: Turn, part: Part, undoes: Step, reason: str) -> None:
    """Stop it."""
    ask(turn, part, Recall(sub_order_id=part.id, submit_command_id=undoes.id, reason=reason), undoes=undoes.id)


def ask(turn: Turn, part: Part, body: Message, *, within: float | None = None, undoes: str = "") -> Step:
    """Write a step that is due now; without the spoke's capability the vendor answers it by hand."""
    kind = KIND_OF[type(body)]
    step = Step(
        id=turn.new_id("cmd"),
        kind=kind,
        part_id=part.id,
        body=_plain(body),
        due_at=turn.now,
        ends_at=None if within is None else turn.now + within,
        undoes=undoes,
        is_by_hand=kind.partition(".")[0] not in turn.capabilities,
    )
    turn.book.steps[step.id] = step
    return step


def _plain(body: Message) -> dict[str, Any]:
    return msgspec.to_builtins(body)


def _items(part: Part) -> list[Item]:
    return [Item(sku=line.sku, quantity=line.quantity) for line in part.lines]


def _address(turn: Turn, part: Part) -> Address:
    return msgspec.convert(turn.book.orders[part.order_id].ship_to, Address)
