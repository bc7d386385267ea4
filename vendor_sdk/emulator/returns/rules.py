"""What may come back and what it comes to, by a hub's rules; as data in, data out."""

from collections.abc import Sequence

import msgspec

from vendor_sdk.emulator.model import Line, Part, Terms
from vendor_sdk.emulator.price import SHIPPING
from vendor_sdk.emulator.refusals import Conflict, Invalid
from vendor_sdk.emulator.returns.model import Asked, Return, ReturnLine
from vendor_sdk.emulator.returns.states import ReturnState
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import moment
from vendor_sdk.messages import Inspected

ARRIVED = frozenset({State.DELIVERED, State.SETTLED})


def check_arrived(terms: Terms, part: Part, now: float) -> None:
    """Raises `Conflict`: ``not_delivered``, ``window_over``."""
    if part.state not in ARRIVED or part.delivered_at is None:
        raise Conflict("not_delivered", f"it is {part.state}: only what has arrived can be sent back", state=str(part.state))
    until = part.delivered_at + terms.return_window
    if now > until:
        day = moment(until).isoformat()
        raise Conflict("window_over", f"it could be sent back until {day}", until=day)


def lines_for(part: Part, asked: Sequence[Asked], known: Sequence[Return]) -> list[ReturnLine]:
    """The lines of a new return; `known` are the returns of its part.

    Raises `Invalid`: ``unknown_line``, ``asked_twice``; `Conflict` (``too_many``). Each names its field.
    """
    lines = {line.id: line for line in part.lines}
    wanted: dict[str, ReturnLine] = {}
    for number, one in enumerate(asked):
        where, line = f"/lines/{number}", lines.get(one.line_id)
        if line is None:
            raise Invalid("unknown_line", f"no line {one.line_id}", field=f"{where}/line_id")
        if line.id in wanted:
            raise Invalid("asked_twice", f"{one.line_id} stands here twice", field=f"{where}/line_id")
        most = max(0, left(line, known))
        if one.quantity > most:
            raise Conflict("too_many", f"{most} units can still be sent back", field=f"{where}/quantity", left=most)
        wanted[line.id] = ReturnLine(line_id=line.id, sku=line.sku, quantity=one.quantity, reason=one.reason)
    return list(wanted.values())


def left(line: Line, known: Sequence[Return]) -> int:
    """Units that may still be asked for: neither given back, nor on their way, nor refused."""
    mine = [(it.state, one) for it in known for one in it.lines if one.line_id == line.id]
    back = units_back(line) if line.gross else sum(one.taken_back for state, one in mine if state is ReturnState.REFUNDED)
    return line.quantity - back - sum(_claimed(state, one) for state, one in mine)


def units_back(line: Line) -> int:
    """Units whose money has gone back whole; a fraction of one is none yet."""
    return line.refunded // line.unit_price if line.unit_price else 0


def inspected(it: Return, part: Part, others: Sequence[Return], found: Sequence[Inspected]) -> list[ReturnLine]:
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
        _check_count(line, part, others, one, where)
        counted[one.sku] = _found(line, one)
    if not any(line.taken_back + line.rejected for line in counted.values()):
        raise Invalid("nothing", "nothing has come back", field="/items")
    return [counted.get(line.sku) or _found(line, Inspected(sku=line.sku)) for line in it.lines]


def to_refund(part: Part, lines: Sequence[ReturnLine]) -> dict[str, int]:
    """How much of each piece goes back for what was taken back: for no unit whose money is back, and with the last one the shipping."""
    back = {line.line_id: line.taken_back for line in lines}
    wanted: dict[str, int] = {}
    rest = 0
    for line in part.lines:
        done = units_back(line)
        open_ = line.quantity - done if line.unit_price else 0
        units = min(back.get(line.id, 0), open_)
        rest += open_ - units
        if units:
            wanted[line.id] = (done + units) * line.unit_price - line.refunded
    shipping = part.shipping_price - part.shipping_refunded
    return {**wanted, SHIPPING: shipping} if wanted and not rest and shipping else wanted


def counts(units: Sequence[ReturnLine] | Sequence[Inspected]) -> list[tuple[str, int, int, int]]:
    """What was counted, to be compared."""
    return sorted((one.sku, one.good, one.damaged, one.rejected) for one in units if one.good + one.damaged + one.rejected)


def _claimed(state: ReturnState, one: ReturnLine) -> int:
    match state:
        case ReturnState.CANCELED | ReturnState.EXPIRED:
            return 0
        case ReturnState.REFUNDED:
            return one.rejected
        case ReturnState.RECEIVED:
            return one.taken_back + one.rejected
        case _:
            return one.quantity


def _check_count(line: ReturnLine, part: Part, others: Sequence[Return], one: Inspected, where: str) -> None:
    if one.good + one.damaged + one.rejected > line.quantity:
        raise Invalid("too_many", f"{line.quantity} units of {one.sku} were to come back", field=where)
    bought = next(each.quantity for each in part.lines if each.id == line.line_id)
    most = bought - sum(each.taken_back for other in others for each in other.lines if each.line_id == line.line_id)
    if one.good + one.damaged > most:
        raise Invalid("too_many", f"only {most} units of {one.sku} are not back yet", field=where)


def _found(line: ReturnLine, one: Inspected) -> ReturnLine:
    return msgspec.structs.replace(line, good=one.good, damaged=one.damaged, rejected=one.rejected, rejected_reason=one.reason)
