"""What of a sub-order its vendor does not deliver becomes a part of its own, which falls; the rest goes on."""

from collections.abc import Mapping, Sequence

import msgspec

from vendor_sdk.emulator import course, price
from vendor_sdk.emulator.model import Line, Part
from vendor_sdk.emulator.refusals import Invalid
from vendor_sdk.emulator.states import State
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Shortfall


def short_of(part: Part, short: Sequence[Shortfall]) -> dict[str, int]:
    """How many units of each line (by its id) are not delivered.

    Raises `Invalid`: ``unknown_sku``, ``sku_twice``, ``more_than_ordered``; `field` names it.
    """
    lines = {line.sku: line for line in part.lines}
    units: dict[str, int] = {}
    for i, each in enumerate(short):
        line = lines.get(each.sku)
        if line is None:
            raise Invalid("unknown_sku", f"the order has no {each.sku}", field=f"/short/{i}/sku")
        if line.id in units:
            raise Invalid("sku_twice", f"{each.sku} may stand once", field=f"/short/{i}/sku")
        if each.quantity > line.quantity:
            raise Invalid("more_than_ordered", f"{line.quantity} of {each.sku} were ordered", field=f"/short/{i}/quantity")
        units[line.id] = each.quantity
    return units


def is_all(part: Part, units: Mapping[str, int]) -> bool:
    """Whether nothing is left to deliver."""
    return all(units.get(line.id, 0) == line.quantity for line in part.lines)


def split_off(turn: Turn, part: Part, units: Mapping[str, int], reason: str) -> None:
    """`units` of each line, not all of them, fall as a part of their own; commission on the rest is worked out anew."""
    gone = [_some(line, units[line.id], turn.new_id("line")) for line in part.lines if units.get(line.id)]
    part.lines = [_some(line, line.quantity - units.get(line.id, 0), line.id) for line in part.lines if units.get(line.id) != line.quantity]
    price.charge(part.lines, turn.terms.commission_bps)
    dropped = Part(
        id=turn.new_id("sub"),
        order_id=part.order_id,
        state=State.PLACED,
        lines=gone,
        shipping_price=0,
        split_from=part.id,
        accept_by=part.accept_by,
    )
    price.charge(dropped.lines, turn.terms.commission_bps)
    turn.book.parts[dropped.id] = dropped
    missing = ", ".join(f"{line.quantity} x {line.sku}" for line in gone)
    turn.note(dropped.id, "sub_order.born", f"{missing} are not delivered and become a part of their own")
    course.fall(turn, dropped, "decline", reason)


def _some(line: Line, quantity: int, line_id: str) -> Line:
    return msgspec.structs.replace(line, id=line_id, quantity=quantity)
