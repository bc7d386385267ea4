"""What must hold when a story has come to its end: the orders' ends, the vendor's money to the cent, its stock, nothing left open."""

from collections.abc import Iterator, Mapping

import msgspec

from vendor_sdk.emulator.model import Book, Part
from vendor_sdk.emulator.states import FALLEN, State


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """How a part may end; `may_be_late`: the faults alone may have cost it its time."""

    part_id: str
    ends: frozenset[State]
    may_be_late: bool = False


def breaches(book: Book, expected: list[Expected], stock: Mapping[str, int]) -> list[str]:
    """What does not hold; `stock` is what was for sale at the beginning."""
    return [*_ends(book, expected), *_letters(book), *_open(book), *_money(book), *_stock(book, stock)]


def _ends(book: Book, expected: list[Expected]) -> Iterator[str]:
    for one in expected:
        part = book.parts[one.part_id]
        late = one.may_be_late and part.state is State.DECLINED and part.reason == "no_answer"
        if part.state not in one.ends and not late:
            wanted = " or ".join(sorted(one.ends))
            yield f"{part.id} ended {part.state}" + (f" ({part.reason})" if part.reason else "") + f", not {wanted}"


def _letters(book: Book) -> Iterator[str]:
    yield from (f"dead letter: {letter.kind}: {letter.reason}: {letter.detail}" for letter in book.letters)


def _open(book: Book) -> Iterator[str]:
    for step in book.steps.values():
        if step.is_open:
            yield f"{step.kind} ({step.id}) was asked {step.attempt} times and never answered"
        if step.undoes and step.outcome != "done" and book.parts[step.part_id].state in FALLEN:
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
        if book.offers[sku].stock != before - sold:
            yield f"{sku}: {book.offers[sku].stock} for sale, {before} less {sold} sold expected"


def is_over(book: Book) -> bool:
    """Whether nothing happens any more: every part at an end, every command answered, all money where it goes."""
    ended = all(part.state in FALLEN or part.state is State.SETTLED for part in book.parts.values())
    sent = all(payout.state == "paid" for payout in book.payouts.values())
    return ended and sent and not any(step.is_open for step in book.steps.values())


def last_word(part: Part) -> str:
    """How a part ended, in words."""
    return f"{part.id} {part.state}" + (f" ({part.reason})" if part.reason else "")
