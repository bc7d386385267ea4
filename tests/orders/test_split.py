"""A part that is split is still the whole, to the cent."""

import itertools
from collections.abc import Callable
from datetime import date

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hub.kernel.errors import Invalid
from hub.orders.model import Line, SubOrder
from hub.orders.place import charged
from hub.orders.split import is_all, short_of, split
from hub.orders.states import SubOrderState
from hub.pricing.commission import commission_from
from vendor_sdk.messages import Shortfall

RULES = commission_from(
    {
        "rules": [
            {"name": "standard", "bps": 1500},
            {"name": "card", "group": "payment fee", "bps": 140, "fixed": {"EUR": 31}, "per": "part", "of": "both", "on_refund": "keep"},
        ],
        "tax": {"default_bps": 1900},
    }
)


def part(lines: list[Line], *, shipping: int = 490, vendor_off: int = 0, platform_off: int = 0) -> SubOrder:
    goods = sum(line.unit_price * line.quantity for line in lines)
    ours = sum(line.platform_discount for line in lines) + platform_off
    discount = ours + sum(line.vendor_discount for line in lines) + vendor_off
    bare = SubOrder(
        id="sub_1",
        order_id="ord_1",
        number=1,
        vendor="acme",
        state=SubOrderState.ROUTED,
        shipping_option="post",
        shipping_price=shipping,
        goods_total=goods,
        total=goods + shipping - discount,
        commission=0,
        reason=None,
        discount=discount,
        platform_discount=ours,
        shipping_vendor_discount=vendor_off,
        shipping_platform_discount=platform_off,
        lines=lines,
    )
    return charged(bare, RULES, "EUR", date(2026, 11, 29))[0]


def line(name: str, quantity: int, price: int, *, vendor_off: int = 0, platform_off: int = 0, shipping: int = 0) -> Line:
    return Line(
        id=name,
        offer_id=f"off_{name}",
        sku=f"sku-{name}",
        title=name,
        quantity=quantity,
        unit_price=price,
        shipping_price=shipping,
        vendor_discount=vendor_off,
        platform_discount=platform_off,
    )


def ids() -> Callable[[str], str]:
    numbers = itertools.count(1)

    def new(prefix: str) -> str:
        return f"{prefix}_new{next(numbers)}"

    return new


@st.composite
def parts(draw: st.DrawFn) -> tuple[SubOrder, dict[str, int]]:
    lines: list[Line] = []
    added = 0
    for name in draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)):
        quantity, price, shipping = draw(st.integers(1, 7)), draw(st.integers(1, 5000)), draw(st.sampled_from([0, 110]))
        vendor = draw(st.integers(0, quantity * price))
        platform = draw(st.integers(0, quantity * price - vendor))
        lines.append(line(name, quantity, price, vendor_off=vendor, platform_off=platform, shipping=shipping))
        added += quantity * shipping
    price = added + draw(st.integers(0, 900))
    vendor = draw(st.integers(0, price))
    whole = part(lines, shipping=price, vendor_off=vendor, platform_off=draw(st.integers(0, price - vendor)))
    units = {each.id: draw(st.integers(0, each.quantity)) for each in lines}
    return whole, {name: number for name, number in units.items() if number}


@given(parts())
def test_both_halves_are_the_whole(drawn: tuple[SubOrder, dict[str, int]]):
    whole, units = drawn
    assume(units and not is_all(whole, units))
    halves = split(whole, units, 2, ids())
    kept, dropped = charged(halves.kept, RULES, "EUR", date(2026, 11, 29))[0], halves.dropped
    for name in ("total", "goods_total", "shipping_price", "discount", "platform_discount", "shipping_vendor_discount"):
        assert getattr(kept, name) + getattr(dropped, name) == getattr(whole, name), name
    for half in (kept, dropped):
        assert half.total == half.goods_total + half.shipping_price - half.discount >= 0
        assert all(piece.paid >= 0 for piece in half.pieces.values())  # a piece that makes no sense cannot be made
        assert half.share.paid == half.total
    quantities = {each.offer_id: each.quantity for each in whole.lines}
    for half in (kept, dropped):
        for each in half.lines:
            quantities[each.offer_id] -= each.quantity
    assert set(quantities.values()) == {0}
    assert sum(each.vendor_discount for half in (kept, dropped) for each in half.lines) == sum(e.vendor_discount for e in whole.lines)
    assert (dropped.state, dropped.split_from, dropped.commission, dropped.number) == (SubOrderState.PLACED, "sub_1", 0, 2)
    assert halves.moved == {each.id for each in whole.lines if units.get(each.id) == each.quantity}


def test_a_part_that_stood_for_another_keeps_its_share_of_what_that_was():
    whole = part([line("a", 4, 1000)], shipping=0)
    halves = split(standing_for(whole, 3600), {"a": 1}, 3, ids())
    assert (halves.kept.was, halves.dropped.was, halves.dropped.replaces) == (2700, None, None)


def standing_for(sub: SubOrder, was: int) -> SubOrder:
    return msgspec.structs.replace(sub, replaces="sub_0", was=was)


@pytest.mark.parametrize(
    ("short", "slug", "field"),
    [
        ([Shortfall(sku="sku-z", quantity=1)], "unknown_sku", "/short/0/sku"),
        ([Shortfall(sku="sku-a", quantity=4)], "more_than_ordered", "/short/0/quantity"),
        ([Shortfall(sku="sku-a", quantity=1), Shortfall(sku="sku-a", quantity=1)], "sku_twice", "/short/1/sku"),
    ],
)
def test_what_was_not_ordered_cannot_be_short(short: list[Shortfall], slug: str, field: str):
    with pytest.raises(Invalid) as refused:
        short_of(part([line("a", 3, 1000)]), short)
    assert (refused.value.slug, refused.value.field) == (slug, field)
