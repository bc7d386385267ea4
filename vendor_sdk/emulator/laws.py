"""What must hold when a story has come to its end: the orders' ends, the vendor's money to the cent, its stock, nothing left open."""

from collections.abc import Iterator, Mapping

import msgspec

from vendor_sdk.emulator.model import Book, Part
from vendor_sdk.emulator.returns.authorize import CANCEL
from vendor_sdk.emulator.returns.model import Return
from vendor_sdk.emulator.returns.receive import NOT_AWAITED
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.states import FALLEN, State


class ExpectedReturn(msgspec.Struct, frozen=True, kw_only=True):
    """How a return may end; `may_be_late`: through the faults alone its vendor may hear too late that nothing will come of it."""

    return_id: str
    ends: frozenset[ReturnState]
    may_be_late: bool = False


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """How a part may end; `may_be_late`: the faults alone may have cost it its time."""

    part_id: str
    ends: frozenset[State]
    may_be_late: bool = False


def breaches(book: Book, expected: list[Expected], returns: list[ExpectedReturn], stock: Mapping[str, int]) -> list[str]:
    """What does not hold; `stock` is what was for sale at the beginning."""
    return [*_ends(book, expected), *_returns(book, returns), *_letters(book, returns), *_open(book), *_money(book), *_stock(book, stock)]


def _ends(book: Book, expected: list[Expected]) -> Iterator[str]:
    for one in expected:
        part = book.parts[one.part_id]
        late = one.may_be_late and part.state is State.DECLINED and part.reason == "no_answer"
        if part.state not in one.ends and not late:
            wanted = " or ".join(sorted(one.ends))
            yield f"{part.id} ended {part.state}" + (f" ({part.reason})" if part.reason else "") + f", not {wanted}"


def _returns(book: Book, expected: list[ExpectedReturn]) -> Iterator[str]:
    for one in expected:
        it = book.returns[one.return_id]
        if it.state not in one.ends:
            yield f"{it.id} ended {it.state}" + (f" ({it.reason})" if it.reason else "") + f", not {' or '.join(sorted(one.ends))}"
        if it.refund_id is not None:
            given = dict(book.refunds[it.refund_id].items)
            prices = {line.id: line.unit_price for line in book.parts[it.part_id].lines}
            owed = {line.line_id: line.taken_back * prices[line.line_id] for line in it.lines}
            if any(given.get(line_id, 0) != amount for line_id, amount in owed.items()):
                yield f"{it.id}: {given} was given back, {owed} was taken back"


def _letters(book: Book, expected: list[ExpectedReturn]) -> Iterator[str]:
    late = {book.returns[one.return_id].part_id for one in expected if one.may_be_late}
    for letter in book.letters:
        if letter.reason != NOT_AWAITED or letter.part_id not in late:
            yield f"dead letter: {letter.kind}: {letter.reason}: {letter.detail}"


def _open(book: Book) -> Iterator[str]:
    for step in book.steps.values():
        if step.is_open:
            yield f"{step.kind} ({step.id}) was asked {step.attempt} times and never answered"
        if step.undoes and step.outcome != "done" and (step.kind == CANCEL or book.parts[step.part_id].state in FALLEN):
            yield f"{step.kind} ({step.id}) ended {step.outcome or 'open'}: what the vendor did is not undone"


def _money(book: Book) -> Iterator[str]:
    for part in book.parts.values():
        has = sum(entry.amount for entry in book.entries if entry.part_id == part.id)
        given = sum(refund.paid - refund.commission for refund in book.refunds.values() if refund.part_id == part.id)
        share = part.total - part.commission if part.is_paid else 0
        if has != share - given:
            yield f"{part.id}: the entries come to {has}, the share less refunds to {share - given}"
        if part.state in FALLEN and has:
            yield f"{part.id} has {has} and was not delivered"


def _stock(book: Book, stock: Mapping[str, int]) -> Iterator[str]:
    for sku, before in stock.items():
        sold = sum(line.quantity for part in book.parts.values() if part.state not in FALLEN for line in part.lines if line.sku == sku)
        back = sum(line.good for it in book.returns.values() if it.state is ReturnState.REFUNDED for line in it.lines if line.sku == sku)
        if book.offers[sku].stock != before - sold + back:
            yield f"{sku}: {book.offers[sku].stock} for sale, {before} less {sold} sold and {back} back expected"


def is_over(book: Book) -> bool:
    """Whether nothing happens any more: every part at an end, every command answered, all money where it goes."""
    ended = all(part.state in FALLEN or part.state is State.SETTLED for part in book.parts.values())
    sent = all(payout.state == "paid" for payout in book.payouts.values())
    back = not any(it.state is ReturnState.RECEIVED for it in book.returns.values())
    return ended and sent and back and not any(step.is_open for step in book.steps.values())


def last_word(one: Part | Return) -> str:
    """How a part or a return ended, in words."""
    return f"{one.id} {one.state}" + (f" ({one.reason})" if one.reason else "")
