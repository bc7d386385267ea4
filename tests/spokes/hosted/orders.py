"""The emulated hub in the place of the one that the kit plays: it has the orders that the adapter is asked about."""

import msgspec

from vendor_sdk.emulator import course, price
from vendor_sdk.emulator.model import Book, Line, Order, Part
from vendor_sdk.emulator.states import BEFORE_ACCEPTANCE, State
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Document,
    Message,
    Parcel,
    PricedItem,
    Recall,
    Ship,
    Shipped,
    Shortfall,
    Submit,
    Track,
)
from vendor_sdk.ports import CommandBody


def ask(turn: Turn, body: CommandBody) -> None:
    """What a hub has in its books when it asks this: the order and its promise, the money, the buyer's wish."""
    part = turn.book.parts.get(body.sub_order_id)
    match body:
        case Submit() if part is None:
            _place(turn, body)
        case Ship() if part is not None and part.state is State.ACCEPTED and not part.is_paid:
            course.captured(turn, part)
        case Recall() if part is not None and part.state in BEFORE_ACCEPTANCE:
            course.fall(turn, part, "cancel", body.reason)
        case Recall() if part is not None and part.state is State.ACCEPTED:
            course.advance(turn, part, "recall", body.reason)
        case _:
            pass


def answer(book: Book, body: CommandBody) -> Message | None:
    """What the vendor API has taken down of it; None while nobody has said anything."""
    part = book.parts.get(body.sub_order_id)
    if part is None:
        return None
    match body:
        case Submit() if part.state is State.DECLINED:
            return Declined(sub_order_id=part.id, reason=part.reason or "declined")
        case Submit() if part.state in {State.ACCEPTED, State.RECALLING, State.SHIPPED, State.DELIVERED}:
            return Accepted(sub_order_id=part.id, short=_left_out(book, part))
        case Ship() if part.parcels:
            parcels, documents = msgspec.convert((part.parcels, part.documents), tuple[list[Parcel], list[Document]])
            return Shipped(sub_order_id=part.id, parcels=parcels, documents=documents)
        case Track() if part.delivered_at is not None:
            return Delivered(sub_order_id=part.id)
        case _:
            return None


def _place(turn: Turn, body: Submit) -> None:
    lines: dict[str, Line] = {}
    for item in body.items:
        lines.setdefault(item.sku, _line(turn, item)).quantity += item.quantity
    price.charge([*lines.values()], turn.terms.commission_bps)
    order = Order(id=body.order_id, placed_at=turn.now, ship_to=msgspec.to_builtins(body.ship_to))
    part = Part(id=body.sub_order_id, order_id=order.id, state=State.PLACED, lines=[*lines.values()], shipping_price=body.shipping_price)
    turn.book.orders[order.id], turn.book.parts[part.id] = order, part
    course.reserved(turn, part, "promised_by_the_hub")


def _line(turn: Turn, item: PricedItem) -> Line:
    offer = turn.new_id("off")
    return Line(id=turn.new_id("line"), offer_id=offer, sku=item.sku, title=item.title, quantity=0, unit_price=item.unit_price)


def _left_out(book: Book, part: Part) -> list[Shortfall]:
    gone = [other for other in book.parts.values() if other.split_from == part.id]
    return [Shortfall(sku=line.sku, quantity=line.quantity, reason=other.reason or "") for other in gone for line in other.lines]
