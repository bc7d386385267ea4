"""Money that goes back to the buyer: our commission in proportion, the vendor's part from its hold, its account, or owed."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.emulator import money, price, shown
from vendor_sdk.emulator.model import Part, Refund
from vendor_sdk.emulator.price import SHIPPING, Portion
from vendor_sdk.emulator.refusals import Conflict, Invalid
from vendor_sdk.emulator.states import FALLEN
from vendor_sdk.emulator.tell import tell
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Quantity

Amount = Annotated[int, Meta(ge=1, le=10**12)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of a line, or an amount of it; `line_id` may be ``shipping``, of which only an amount or all can go back."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64)]
    quantity: Quantity | None = None
    amount: Amount | None = None


def ask(turn: Turn, part: Part, asked: Sequence[Asked] | None, reason: str, by: str) -> Refund:
    """Give back pieces of a paid part; with `asked` None all that is left.

    Raises `Conflict`: ``not_paid``, ``nothing_to_refund``; `Invalid` naming the item.
    """
    if not part.is_paid or part.state in FALLEN:
        raise Conflict("not_paid", f"the sub-order is {part.state}: there is nothing to give back", state=str(part.state))
    left = price.left_of(part)
    return give_back(turn, part, left if asked is None else _wanted(part, left, asked), reason, by)


def give_back(turn: Turn, part: Part, wanted: dict[str, int], reason: str, by: str) -> Refund:
    """Give so much back of each piece. Raises `Conflict` (``nothing_to_refund``)."""
    items = [(piece, amount) for piece, amount in wanted.items() if amount]
    if not items:
        raise Conflict("nothing_to_refund", "all of that has been given back")
    portions = [_take(part, piece, amount) for piece, amount in items]
    paid, commission = sum(p.paid for p in portions), sum(p.commission for p in portions)
    refund = Refund(
        id=turn.new_id("ref"),
        order_id=part.order_id,
        part_id=part.id,
        at=turn.now,
        reason=reason,
        by=by,
        items=items,
        paid=paid,
        commission=commission,
        sources=_gather(turn, part, paid - commission),
    )
    turn.book.refunds[refund.id] = refund
    share = money.show(turn, paid - commission)
    turn.note(part.id, "refund.succeed", f"{money.show(turn, paid)} goes back to the buyer ({reason}), of which the vendor bears {share}")
    for event, view in (("created", shown.asked_refund(turn.book, refund)), ("succeeded", shown.refund(turn.book, refund))):
        thin = {"id": refund.id, "state": view.state, "reason": "", "order_id": part.order_id, "sub_order_id": part.id}
        tell(turn, f"refund.{event}", part.id, thin, view)
    return refund


def _wanted(part: Part, left: dict[str, int], asked: Sequence[Asked]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for number, one in enumerate(asked):
        where = f"/items/{number}"
        if one.line_id not in left:
            raise Invalid("unknown_line", f"no line {one.line_id}", field=f"{where}/line_id")
        if one.line_id in wanted:
            raise Invalid("asked_twice", f"{one.line_id} stands here twice", field=f"{where}/line_id")
        if (one.quantity is None) == (one.amount is None) and (one.line_id != SHIPPING or one.amount is not None):
            raise Invalid("ambiguous", "either quantity or amount", field=where)
        wanted[one.line_id] = _amount(part, left[one.line_id], one, where)
    return wanted


def _amount(part: Part, left: int, one: Asked, where: str) -> int:
    if one.amount is not None:
        if one.amount > left:
            raise Invalid("too_much", f"{left} is left to refund", field=f"{where}/amount")
        return one.amount
    if one.line_id == SHIPPING:
        return left
    line = next(line for line in part.lines if line.id == one.line_id)
    units = left // line.unit_price if line.unit_price else line.quantity
    if one.quantity is None or one.quantity > units:
        raise Invalid("too_much", f"{units} of {line.quantity} are left to refund", field=f"{where}/quantity")
    return one.quantity * line.unit_price


def _take(part: Part, piece: str, amount: int) -> Portion:
    if piece == SHIPPING:
        part.shipping_refunded += amount
        return Portion(amount, 0)
    line = next(line for line in part.lines if line.id == piece)
    portion = price.step(line, line.refunded + amount)
    line.refunded += amount
    return portion


def _gather(turn: Turn, part: Part, share: int) -> dict[str, int]:
    """Take the vendor's part from where it lies: its hold, its account, and what is missing it owes."""
    held = min(share, money.lies(turn, "held", part.id))
    here = [t for t in turn.book.transfers.values() if t.part_id == part.id and t.state == "transferred"]
    sent = min(share - held, sum(transfer.amount - transfer.reversed for transfer in here))
    money.post(turn, "gather", "held", -held, part, why="your part of a refund")
    money.post(turn, "reverse", "transferred", -sent, part, why="your part of a refund, taken back from your account")
    money.post(turn, "gather", "due", -(share - held - sent), part, why="your part of a refund, owed by you")
    if sent:
        here[0].reversed += sent  # a part has one transfer
    return {"held": held, "transferred": sent, "due": share - held - sent}
