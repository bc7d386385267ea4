"""What may be asked to be given back, and how it is cut into portions of pieces."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.kernel.errors import Invalid
from hub.kernel.money import AMOUNT_MAX, allocate
from hub.pricing.piece import Piece, Portion

SHIPPING = "shipping"
ITEMS_MAX = 100
AmountAsked = Annotated[int, Meta(ge=1, le=AMOUNT_MAX, description="minor units of the order's currency")]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One piece (a line's id, or ``shipping``) of which so much goes back: `before` and `after` as `Piece.refunded`."""

    piece: str
    before: int
    after: int
    paid: int


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of a line, or an amount of it; `line_id` may be ``shipping``, of which only an amount or all can go back."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    amount: AmountAsked | None = None


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back of a sub-order: piece by piece, and in sum."""

    items: list[Item]
    portion: Portion


def cut(pieces: Mapping[str, Piece], asked: Sequence[Asked], *, within: str = "/items") -> Cut:
    """What `asked` amounts to.

    Raises `Invalid` naming the field: ``unknown_line``, ``asked_twice``, ``ambiguous`` (both or neither of quantity and
    amount), ``too_much``.
    """
    items: list[Item] = []
    portion = Portion()
    for number, one in enumerate(asked):
        where = f"{within}/{number}"
        piece = pieces.get(one.line_id)
        if piece is None:
            raise Invalid("unknown_line", f"no line {one.line_id}", field=f"{where}/line_id")
        if any(item.piece == one.line_id for item in items):
            raise Invalid("asked_twice", f"{one.line_id} stands here twice", field=f"{where}/line_id")
        after = _after(piece, one, where)
        items.append(Item(piece=one.line_id, before=piece.refunded, after=after, paid=piece.step(after).paid))
        portion += piece.step(after)
    return Cut(items=[item for item in items if item.after > item.before], portion=portion)


def whole(pieces: Mapping[str, Piece]) -> Cut:
    """All that is left of every piece."""
    left = {name: piece for name, piece in pieces.items() if piece.refunded < piece.gross}
    items = [Item(piece=name, before=p.refunded, after=p.gross, paid=p.step(p.gross).paid) for name, p in left.items()]
    return Cut(items=items, portion=sum((p.step(p.gross) for p in left.values()), Portion()))


def of_amount(pieces: Mapping[str, Piece], amount: int) -> Cut:
    """`amount` of what the buyer paid and has not got back, spread over the pieces in proportion."""
    left = {name: piece.paid - piece.returned(piece.refunded).paid for name, piece in pieces.items()}
    spread = allocate(amount, list(left.values()))
    asked = [Asked(line_id=name, amount=part) for name, part in zip(left, spread, strict=True) if part]
    return cut(pieces, asked)


def less(pieces: Mapping[str, Piece], wanted: Cut, amount: int) -> Cut:
    """No more than `amount` of what is wanted, spread over it in proportion."""
    spread = allocate(amount, [item.paid for item in wanted.items])
    return cut(pieces, [Asked(line_id=item.piece, amount=part) for item, part in zip(wanted.items, spread, strict=True) if part])


def left_to_refund(pieces: Mapping[str, Piece]) -> int:
    """What the buyer paid and has not got back."""
    return sum(piece.paid - piece.returned(piece.refunded).paid for piece in pieces.values())


def _after(piece: Piece, one: Asked, where: str) -> int:
    if (one.quantity is None) == (one.amount is None) and (one.line_id != SHIPPING or one.amount is not None):
        raise Invalid("ambiguous", "either quantity or amount", field=where)
    try:
        if one.amount is not None:
            return piece.after_amount(one.amount)
        return piece.gross if one.quantity is None else piece.after_units(one.quantity)
    except Invalid as error:
        raise Invalid(error.slug, error.detail, field=f"{where}/{error.field}") from error
