"""Splits a part in two, to the cent: what its vendor takes on, and what it does not."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from hub.kernel.errors import Invalid
from hub.orders.model import Line, SubOrder
from hub.orders.states import SubOrderState
from vendor_sdk.messages import Shortfall


class Halves(msgspec.Struct, frozen=True):
    """A part as its vendor takes it on, and the rest as a part of its own; `moved` are lines that went over whole."""

    kept: SubOrder
    dropped: SubOrder
    moved: frozenset[str]


def short_of(sub: SubOrder, short: Sequence[Shortfall]) -> dict[str, int]:
    """How many units of each line (by its id) are not delivered.

    Raises `Invalid`: ``unknown_sku`` for what the part does not hold, ``sku_twice``, ``more_than_ordered``; `field` names it.
    """
    lines = {line.sku: line for line in sub.lines}
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


def is_all(sub: SubOrder, units: Mapping[str, int]) -> bool:
    """Whether nothing is left to deliver."""
    return all(units.get(line.id, 0) == line.quantity for line in sub.lines)


def split(sub: SubOrder, units: Mapping[str, int], number: int, new_id: Callable[[str], str]) -> Halves:
    """`units` of each line, not all of them, become a part of their own; commission is to be worked out anew for what is kept.

    Goods, discounts and what units add to shipping go with the units, discounts by a cumulative floor; the parcel stays.
    Both halves together are the part that was, to the cent.
    """
    stay: list[Line] = []
    go: list[Line] = []
    for line in sub.lines:
        gone = units.get(line.id, 0)
        kept, dropped = _line(line, gone, new_id)
        stay += kept
        go += dropped
    added = sum(line.shipping_price * units.get(line.id, 0) for line in sub.lines)
    price = sub.shipping_price - added
    vendor = min(sub.shipping_vendor_discount, price)
    platform = min(sub.shipping_platform_discount, price - vendor)
    kept = _part(sub, stay, (price, vendor, platform))
    rest = (added, sub.shipping_vendor_discount - vendor, sub.shipping_platform_discount - platform)
    fresh = replace(sub, id=new_id("sub"), number=number, state=SubOrderState.PLACED, split_from=sub.id, replaces=None, was=None)
    dropped = _part(fresh, go, rest)
    if sub.was is not None:
        kept = replace(kept, was=sub.was - sub.was * dropped.total // max(1, sub.total))
    moved = frozenset(line.id for line in go) & {line.id for line in sub.lines}
    return Halves(kept, dropped, moved)


def _line(line: Line, gone: int, new_id: Callable[[str], str]) -> tuple[list[Line], list[Line]]:
    if gone in {0, line.quantity}:
        bare = replace(line, commission=0, commission_tax=0, kept=0, kept_tax=0)
        return ([bare], []) if gone == 0 else ([], [bare])
    stays = line.quantity - gone
    vendor = line.vendor_discount * stays // line.quantity
    platform = (line.vendor_discount + line.platform_discount) * stays // line.quantity - vendor  # no half is discounted below nothing
    bare = replace(
        line, quantity=stays, vendor_discount=vendor, platform_discount=platform, commission=0, commission_tax=0, kept=0, kept_tax=0
    )
    dropped = replace(
        bare,
        id=new_id("line"),
        quantity=gone,
        vendor_discount=line.vendor_discount - vendor,
        platform_discount=line.platform_discount - platform,
    )
    return [bare], [dropped]


def _part(sub: SubOrder, lines: list[Line], shipping: tuple[int, int, int]) -> SubOrder:
    price, vendor, platform = shipping
    goods = sum(line.unit_price * line.quantity for line in lines)
    ours = sum(line.platform_discount for line in lines) + platform
    discount = sum(line.vendor_discount for line in lines) + vendor + ours
    return replace(
        sub,
        lines=lines,
        goods_total=goods,
        shipping_price=price,
        shipping_vendor_discount=vendor,
        shipping_platform_discount=platform,
        discount=discount,
        platform_discount=ours,
        total=goods + price - discount,
        commission=0,
        commission_tax=0,
        shipping_commission=0,
        shipping_commission_tax=0,
        shipping_kept=0,
        shipping_kept_tax=0,
    )
