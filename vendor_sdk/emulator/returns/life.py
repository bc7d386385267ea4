"""Where a return's state changes, and what is told of it."""

from vendor_sdk.emulator.model import Book
from vendor_sdk.emulator.refusals import NotFound
from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.returns.shown import return_view
from vendor_sdk.emulator.returns.states import after
from vendor_sdk.emulator.tell import tell
from vendor_sdk.emulator.turn import Turn

KINDS = {
    "born": "return.requested",
    "authorize": "return.authorized",
    "refuse": "return.refused",
    "send": "return.in_transit",
    "receive": "return.received",
    "refund": "return.refunded",
    "cancel": "return.canceled",
    "expire": "return.expired",
}
"""By what happens to a return."""


def advance(turn: Turn, it: Return, event: str, reason: str = "") -> None:
    """The one place where a return's state changes. Raises `Conflict` (``illegal_transition``)."""
    it.state = after(it.state, event)
    it.version += 1
    turn.note(it.id, f"return.{event}", f"the return is {it.state}" + (f": {reason}" if reason else ""))
    tell_of_return(turn, it, event, reason)


def tell_of_return(turn: Turn, it: Return, event: str, reason: str = "") -> None:
    """Something happened to a return, as it stands now; told in order with what happens to its sub-order."""
    thin = {"id": it.id, "state": str(it.state), "reason": reason, "order_id": it.order_id, "sub_order_id": it.part_id}
    tell(turn, KINDS[event], it.part_id, thin, return_view(turn.book, it))


def get(book: Book, return_id: str) -> Return:
    """A return. Raises `NotFound` (``unknown_return``)."""
    if return_id not in book.returns:
        raise NotFound("unknown_return", f"no return {return_id}")
    return book.returns[return_id]
