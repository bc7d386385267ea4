"""Units are back and were looked at: the good ones are for sale again, and the buyer gets its money for what was taken back."""

from collections.abc import Sequence

from vendor_sdk.emulator import asks, refund
from vendor_sdk.emulator.model import Book, Step
from vendor_sdk.emulator.refusals import Conflict
from vendor_sdk.emulator.returns import life, rules
from vendor_sdk.emulator.returns.authorize import withdraw
from vendor_sdk.emulator.returns.model import Return, ReturnLine
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Inspected, Item, Restock

RESTOCK = "stock.restock"
REJECTED = "rejected"
NOT_AWAITED = "not_awaited"
GIVEN_BACK_BEFORE = "given_back_before"


def receive(turn: Turn, it: Return, found: Sequence[Inspected]) -> None:
    """Note what came back, and what follows from it.

    Raises `Invalid` as `rules.inspected` does, and `Conflict` for a return of which nothing can be received (any more).
    """
    others = [other for other in turn.book.returns_of(it.part_id) if other.id != it.id]
    it.lines = rules.inspected(it, turn.book.parts[it.part_id], others, found)
    if any(line.taken_back for line in it.lines):
        it.reason = None
        life.advance(turn, it, "receive")
        _restock(turn, it, [line for line in it.lines if line.good])
    else:
        it.reason = next((line.rejected_reason for line in it.lines if line.rejected_reason), REJECTED)
        life.advance(turn, it, "refuse", it.reason)
    withdraw(turn, it)


def awaited(book: Book, asked: Step, found: Sequence[Inspected]) -> Step | None:
    """The open step that ends when units are told to be back, be it told of this step or of the one that asked for the return.

    None if exactly these were counted before, or if it overtook the authorization: then the inspection will ask for it.
    Raises `Conflict` (``not_awaited``): goods are somewhere, and nobody waits for them.
    """
    it = life.get(book, asked.body["return_id"])
    step = book.steps.get(it.inspect_id)
    if step is not None and step.is_open:
        return step
    counted = rules.counts(it.lines)
    if it.state is ReturnState.REQUESTED or (counted and counted == rules.counts(found)):
        return None
    raise Conflict(NOT_AWAITED, f"units have come back of the return {it.id}, which is {it.state}")


def is_to_be_refunded(it: Return) -> bool:
    """Whether the buyer is to get its money now."""
    return it.state is ReturnState.RECEIVED


def give_back(turn: Turn, it: Return) -> None:
    """The refund of what was taken back; none where the buyer has that money already."""
    part = turn.book.parts[it.part_id]
    wanted = rules.to_refund(part, it.lines)
    if wanted:
        it.refund_id = refund.give_back(turn, part, wanted, f"returned {it.id}", "hub:worker").id
    else:
        it.reason = GIVEN_BACK_BEFORE
    life.advance(turn, it, "refund", it.reason or "")


def _restock(turn: Turn, it: Return, good: Sequence[ReturnLine]) -> None:
    """Good units are for sale again, here and in the vendor's own stock."""
    for line in good:
        if line.sku in turn.book.offers:
            turn.book.offers[line.sku].stock += line.good
    if good and "stock" in turn.capabilities:
        units = [Item(sku=line.sku, quantity=line.good) for line in good]
        asks.ask(turn, turn.book.parts[it.part_id], Restock(sub_order_id=it.part_id, return_id=it.id, items=units))
