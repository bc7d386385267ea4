"""A buyer wants to send delivered units back, says that they are on their way, or thinks better of it."""

from collections.abc import Sequence

from vendor_sdk.emulator.model import Part
from vendor_sdk.emulator.refusals import Conflict
from vendor_sdk.emulator.returns import authorize, life, rules
from vendor_sdk.emulator.returns.model import FAULTS, Asked, Return
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Parcel

RETURNS_MAX = 50
REASON = "canceled_by_customer"


def ask(turn: Turn, part: Part, asked: Sequence[Asked] | None, note: str = "") -> Return:
    """A return of these units, with `asked` None of all that can still be sent back.

    Raises `Conflict`: ``not_delivered``, ``window_over``, ``too_many_returns``, ``too_many``, ``nothing_left``; and as `rules.lines_for`.
    """
    rules.check_arrived(turn.terms, part, turn.now)
    if len([it for it in turn.book.returns.values() if it.order_id == part.order_id]) >= RETURNS_MAX:
        raise Conflict("too_many_returns", f"an order has at most {RETURNS_MAX} returns, those that were canceled included")
    known = turn.book.returns_of(part.id)
    if asked is None:
        units = {line.id: rules.left(line, known) for line in part.lines}
        asked = [Asked(line_id=line_id, quantity=quantity) for line_id, quantity in units.items() if quantity > 0]
    lines = rules.lines_for(part, asked, known)
    if not lines:
        raise Conflict("nothing_left", "all of it has been sent back, or is about to be")
    it = Return(
        id=turn.new_id("ret"),
        order_id=part.order_id,
        part_id=part.id,
        lines=lines,
        created_at=turn.now,
        authorize_by=turn.now + turn.terms.return_authorization,
        pays_shipping="vendor" if any(line.reason in FAULTS for line in lines) else "buyer",
        note=note,
    )
    turn.book.returns[it.id] = it
    wanted = ", ".join(f"{line.quantity} x {line.sku} ({line.reason})" for line in lines)
    turn.note(it.id, "return.born", f"the buyer wants to send {wanted} back")
    life.tell_of_return(turn, it, "born")
    authorize.ask(turn, it)
    return it


def send_back(turn: Turn, it: Return, parcel: Parcel) -> None:
    """The goods are on their way. Raises `Conflict` where the vendor has not agreed."""
    it.parcel = parcel
    life.advance(turn, it, "send")


def cancel(turn: Turn, it: Return) -> None:
    """The buyer keeps the goods. Raises `Conflict` once they are on their way or it has ended."""
    it.reason = REASON
    life.advance(turn, it, "cancel", REASON)
    authorize.call_off(turn, it, REASON)
