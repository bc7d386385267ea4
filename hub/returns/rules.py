"""What may come back, what it comes to, and how long is waited for it; as data in, data out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.orders.model import Line, Order, SubOrder
from hub.orders.states import SubOrderState
from hub.refunds.model import SHIPPING
from hub.refunds.model import Asked as AskedBack
from hub.returns.model import FAULTS, Asked, Payer, Return, ReturnLine
from hub.returns.states import ReturnState
from vendor_sdk.messages import Inspected

ARRIVED = frozenset({SubOrderState.DELIVERED, SubOrderState.SETTLED})
_R = ReturnState


class ReturnRules(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    window: float = 14 * 86400
    """How long after the delivery a buyer may ask; the least that the law of the EU gives (directive 2011/83, article 9)."""
    authorization: float = 3 * 86400
    """A vendor's time to answer."""
    when_no_answer: Literal["authorize", "operator"] = "authorize"
    """What becomes of a return that its vendor does not answer."""
    reception: float = 30 * 86400
    """How long is waited until the goods are back and looked at."""
    most: int = 50
    """Returns of an order, canceled ones too: whoever asks and cancels for ever keeps its vendor busy."""
    refund_shipping: Literal["whole", "never"] = "whole"
    """Whether the shipping to the buyer is given back too once all of a part has been."""


def parts_of(order: Order, asked: Sequence[Asked]) -> dict[str, dict[int, Asked]]:
    """What is asked by sub-order, each with its number in the request. Raises `Invalid`: ``unknown_line``, ``asked_twice``."""
    whose = {line.id: sub.id for sub in order.sub_orders for line in sub.lines}
    parts: dict[str, dict[int, Asked]] = {}
    seen: set[str] = set()
    for number, one in enumerate(asked):
        if one.line_id not in whose:
            raise Invalid("unknown_line", f"no line {one.line_id}", field=f"/lines/{number}/line_id")
        if one.line_id in seen:
            raise Invalid("asked_twice", f"{one.line_id} stands here twice", field=f"/lines/{number}/line_id")
        seen.add(one.line_id)
        parts.setdefault(whose[one.line_id], {})[number] = one
    return parts


def check_arrived(rules: ReturnRules, sub: SubOrder, delivered_at: datetime | None, now: datetime, where: str) -> None:
    """Raises `Conflict`: ``not_delivered``, ``window_over``."""
    if sub.state not in ARRIVED or delivered_at is None:
        raise Conflict("not_delivered", f"it is {sub.state}: only what has arrived can be sent back", field=where, state=str(sub.state))
    until = delivered_at + timedelta(seconds=rules.window)
    if now > until:
        raise Conflict("window_over", f"it could be sent back until {until.isoformat()}", field=where, until=until.isoformat())


def left(line: Line, known: Sequence[Return]) -> int:
    """Units that may still be asked for: neither given back, nor on their way, nor refused. `known` are the returns of its part."""
    mine = [(each.state, one) for each in known for one in each.lines if one.line_id == line.id]
    piece = line.piece
    back = piece.units_back if piece.gross else sum(one.taken_back for state, one in mine if state is _R.REFUNDED)
    return line.quantity - back - sum(_claimed(state, one) for state, one in mine)


def _claimed(state: ReturnState, one: ReturnLine) -> int:
    match state:
        case _R.CANCELED | _R.EXPIRED:
            return 0
        case _R.REFUNDED:
            return one.rejected
        case _R.RECEIVED:
            return one.taken_back + one.rejected
        case _:
            return one.quantity


def lines_for(sub: SubOrder, asked: Mapping[int, Asked], known: Sequence[Return]) -> list[ReturnLine]:
    """The lines of a new return. Raises `Conflict` (``too_many``) naming the quantity that is more than may still be sent back."""
    lines = {line.id: line for line in sub.lines}
    for number, one in asked.items():
        most = left(lines[one.line_id], known)
        if one.quantity > most:
            raise Conflict("too_many", f"{max(0, most)} units can still be sent back", field=f"/lines/{number}/quantity", left=max(0, most))
    return [
        ReturnLine(
            line_id=one.line_id,
            offer_id=lines[one.line_id].offer_id,
            sku=lines[one.line_id].sku,
            quantity=one.quantity,
            reason=one.reason,
        )
        for one in asked.values()
    ]


def payer(lines: Sequence[ReturnLine]) -> Payer:
    """Who pays the way back: the vendor if anything of it is its fault."""
    return "vendor" if any(line.reason in FAULTS for line in lines) else "buyer"


def inspected(it: Return, sub: SubOrder, others: Sequence[Return], found: Sequence[Inspected]) -> list[ReturnLine]:
    """The lines of a return as they were found; `others` are the other returns of its part.

    Raises `Invalid` naming the field: ``unknown_sku``, ``asked_twice``, ``too_many``, ``nothing``.
    """
    by_sku = {line.sku: line for line in it.lines}
    counted: dict[str, ReturnLine] = {}
    for number, one in enumerate(found):
        where, line = f"/items/{number}", by_sku.get(one.sku)
        if line is None:
            raise Invalid("unknown_sku", f"{one.sku} is not in this return", field=f"{where}/sku")
        if one.sku in counted:
            raise Invalid("asked_twice", f"{one.sku} stands here twice", field=f"{where}/sku")
        if one.good + one.damaged + one.rejected > line.quantity:
            raise Invalid("too_many", f"{line.quantity} units of {one.sku} were to come back", field=where)
        most = _bought(sub, line.line_id) - sum(each.taken_back for other in others for each in other.lines if each.line_id == line.line_id)
        if one.good + one.damaged > most:
            raise Invalid("too_many", f"only {most} units of {one.sku} are not back yet", field=where)
        counted[one.sku] = msgspec.structs.replace(
            line, good=one.good, damaged=one.damaged, rejected=one.rejected, rejected_reason=one.reason
        )
    if not any(line.taken_back + line.rejected for line in counted.values()):
        raise Invalid("nothing", "nothing has come back", field="/items")
    bare = {"good": 0, "damaged": 0, "rejected": 0, "rejected_reason": ""}
    return [counted.get(line.sku) or msgspec.structs.replace(line, **bare) for line in it.lines]


def _bought(sub: SubOrder, line_id: str) -> int:
    return next(line.quantity for line in sub.lines if line.id == line_id)


def to_refund(rules: ReturnRules, sub: SubOrder, lines: Sequence[ReturnLine]) -> list[AskedBack]:
    """What is asked to be refunded for what was taken back: no unit that the buyer has its money of; empty if there is none."""
    back = {line.line_id: line.taken_back for line in lines}
    asked: list[AskedBack] = []
    rest = 0
    for line in sub.lines:
        open_ = line.quantity - line.piece.units_back if line.piece.gross else 0
        units = min(back.get(line.id, 0), open_)
        rest += open_ - units
        if units:
            asked.append(AskedBack(line_id=line.id, quantity=units))
    shipping = sub.shipping_piece
    if asked and not rest and rules.refund_shipping == "whole" and shipping.refunded < shipping.gross:
        asked.append(AskedBack(line_id=SHIPPING))
    return asked
