"""Moves a sub-order as far as what is known allows: on to the next stage, or back, undoing what the vendor may have done."""

import re
from collections.abc import Sequence

import msgspec

from vendor_sdk.emulator import asks, money, price, refund
from vendor_sdk.emulator.model import Line, Order, Part, Step
from vendor_sdk.emulator.refusals import Conflict, NotFound
from vendor_sdk.emulator.states import BEFORE_ACCEPTANCE, State, after
from vendor_sdk.emulator.tell import tell_of_part
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Address, Item, Shipped

HOME = Address(name="Ada Buyer", line1="1 Way", city="Lisbon", postal_code="1000-001", country="PT")
ORDERS_MAX = 10_000
CANCELED = "canceled_by_customer"
UNDONE_BY = {asks.RESERVE: asks.RELEASE, asks.SUBMIT: asks.RECALL}


def advance(turn: Turn, part: Part, event: str, reason: str | None = None) -> None:
    """The one place where a sub-order's state changes."""
    part.state = after(part.state, event)
    if reason is not None:
        part.reason = reason
    turn.note(part.id, f"sub_order.{event}", f"the sub-order is {part.state}" + (f": {reason}" if reason else ""))
    tell_of_part(turn, part, event)


def place(turn: Turn, wanted: Sequence[Item], ship_to: Address = HOME) -> Part:
    """A buyer orders: stock is promised, the vendor is asked to set it aside.

    Raises `NotFound` (``unknown_offer``), `Conflict`: ``sold_out``, ``too_many_orders``.
    """
    if len(turn.book.orders) >= ORDERS_MAX:
        raise Conflict("too_many_orders", f"the emulator keeps at most {ORDERS_MAX} orders: begin a new one")
    lines = [_line(turn, item) for item in wanted]
    price.charge(lines, turn.terms.commission_bps)
    _promise(turn, lines, -1)
    order = Order(id=turn.new_id("ord"), placed_at=turn.now, ship_to=msgspec.to_builtins(ship_to))
    part = Part(id=turn.new_id("sub"), order_id=order.id, state=State.PLACED, lines=lines, shipping_price=_shipping(turn, lines))
    turn.book.orders[order.id] = order
    turn.book.parts[part.id] = part
    units = ", ".join(f"{line.quantity} x {line.sku}" for line in lines)
    turn.note(part.id, "sub_order.born", f"a buyer orders {units} for {money.show(turn, part.total)}")
    tell_of_part(turn, part, "born")
    if "stock" in turn.capabilities:
        asks.reserve(turn, part)
    else:
        reserved(turn, part, "promised_by_the_hub")
    return part


def reserved(turn: Turn, part: Part, reason: str | None = None) -> None:
    """It is set aside: the buyer's money is authorized, and the vendor asked."""
    advance(turn, part, "reserve", reason)
    turn.note(part.id, "payment.authorize", f"{money.show(turn, part.total)} is authorized")
    part.accept_by = turn.now + turn.terms.acceptance
    advance(turn, part, "route")
    asks.submit(turn, part)


def accepted(turn: Turn, part: Part) -> None:
    """The vendor takes it on; the buyer is charged a moment later."""
    advance(turn, part, "accept")


def captured(turn: Turn, part: Part) -> None:
    """The buyer is charged, and it is to be sent."""
    money.capture(turn, part)
    part.ship_by = turn.now + turn.terms.ship_by
    asks.ship(turn, part)


def shipped(turn: Turn, part: Part, said: Shipped) -> None:
    """It has left."""
    part.parcels, part.documents = msgspec.to_builtins(said.parcels), msgspec.to_builtins(said.documents)
    part.deliver_by = turn.now + turn.terms.deliver_by
    advance(turn, part, "ship")
    asks.track(turn, part)


def delivered(turn: Turn, part: Part) -> None:
    """It has arrived."""
    part.delivered_at = turn.now
    advance(turn, part, "deliver")
    money.hold(turn, part)


def fall(turn: Turn, part: Part, event: str, reason: str) -> None:
    """It will not be delivered: its stock is for sale again, and whatever its vendor may have done is undone."""
    advance(turn, part, event, reason)
    _promise(turn, part.lines, 1)
    _undo_at_vendor(turn, part, reason)


def stop(turn: Turn, part: Part, reason: str) -> None:
    """A paid part will not be sent: the buyer gets its money back."""
    fall(turn, part, "cancel", reason)
    if part.is_paid:
        refund.give_back(turn, part, price.left_of(part), reason, "hub")


def cancel(turn: Turn, order_id: str) -> None:
    """The buyer wants out. Raises `NotFound` (``unknown_order``), `Conflict` (``not_cancelable``)."""
    parts = turn.book.parts_of(order_id)
    if not parts:
        raise NotFound("unknown_order", f"no order {order_id}")
    stopped = [_cancel(turn, part) for part in parts]
    if not any(stopped):
        raise Conflict("not_cancelable", "every part has shipped or ended", state=str(parts[0].state))


def _cancel(turn: Turn, part: Part) -> bool:
    if part.state in BEFORE_ACCEPTANCE:
        turn.note(part.id, "order.cancel", "the buyer cancels")
        fall(turn, part, "cancel", CANCELED)
        return True
    if part.state is not State.ACCEPTED:
        return False
    turn.note(part.id, "order.cancel", "the buyer cancels what is paid")
    return recall(turn, part, CANCELED)


def recall(turn: Turn, part: Part, reason: str) -> bool:
    """Stop an accepted part, or ask its vendor to; False if its spoke was told to send it and takes no recall."""
    sending = next((step for step in turn.book.steps_of(part.id) if step.kind == asks.SHIP), None)
    if sending is None:
        stop(turn, part, reason)
        return True
    if sending.is_open and ((sending.attempt == 0 and not sending.is_by_hand) or not turn.capabilities & {"orders", "shipping"}):
        stop(turn, part, reason)
        return True
    if "orders" not in turn.capabilities:
        return False
    advance(turn, part, "recall", reason)
    submitted = next(step for step in turn.book.steps_of(part.id) if step.kind == asks.SUBMIT)
    asks.recall(turn, part, submitted, _word(reason))
    return True


def _undo_at_vendor(turn: Turn, part: Part, reason: str) -> None:
    """Withdraw the open steps, then undo, the last first, each that the vendor may have acted on."""
    mine = turn.book.steps_of(part.id)
    for step in mine:
        if step.is_open and step.kind not in UNDONE_BY.values():
            step.outcome = "withdrawn"
    for step in reversed(mine):
        if step.kind in UNDONE_BY and _may_have_acted(step) and not any(other.undoes == step.id for other in mine):
            if step.kind == asks.RESERVE:
                asks.release(turn, part, step)
            else:
                asks.recall(turn, part, step, _word(reason))


def _may_have_acted(step: Step) -> bool:
    return step.attempt > 0 and step.outcome != "refused"


def _line(turn: Turn, item: Item) -> Line:
    offer = turn.book.offers.get(item.sku)
    if offer is None or offer.state != "active":
        raise NotFound("unknown_offer", f"no offer {item.sku}")
    if offer.stock < item.quantity:
        raise Conflict("sold_out", f"fewer than {item.quantity} units of {item.sku} are left", offer_id=offer.id)
    return Line(id=turn.new_id("line"), offer_id=offer.id, sku=offer.sku, title=offer.title, quantity=item.quantity, unit_price=offer.price)


def _promise(turn: Turn, lines: Sequence[Line], sign: int) -> None:
    for line in lines:
        if line.sku in turn.book.offers:
            turn.book.offers[line.sku].stock += sign * line.quantity


def _shipping(turn: Turn, lines: Sequence[Line]) -> int:
    return turn.terms.shipping_price + sum(turn.book.offers[line.sku].shipping_price * line.quantity for line in lines)


def _word(reason: str) -> str:
    return reason if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", reason) else "canceled"
