"""Who takes over what a vendor does not deliver: the cheapest that can, within the limits, to the cent."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.pricing.replacement import VENDORS_MAX, Candidate, Limits, Replacement, RerouteRules, Ship, Wanted, most_borne, replace

TODAY = date(2026, 11, 29)
POST = Ship(code="post", price=490, days=3)
EXPRESS = Ship(code="express", price=1290, days=1)


def offer(vendor: str, price: int, *, variant: str = "v1", stock: int = 100, shipping: int = 0) -> Candidate:
    return Candidate(
        offer_id=f"off-{vendor}-{variant}",
        variant_id=variant,
        vendor=vendor,
        sku=f"{vendor}-{variant}",
        title=variant,
        category="test",
        price=price,
        shipping_price=shipping,
        stock=stock,
    )


def wanted(line: str = "l1", *, variant: str = "v1", quantity: int = 2, paid: int = 2000) -> Wanted:
    return Wanted(line_id=line, variant_id=variant, quantity=quantity, paid=paid)


def limits(*, shipping: int = 490, extra: int = 0, room: int | None = None, ours: int = 0, arrive_by: date | None = None) -> Limits:
    return Limits(shipping=shipping, extra=extra, room=room, ours=ours, today=TODAY, arrive_by=arrive_by)


def buyer_pays(parts: list[Replacement]) -> int:
    return sum(part.cost - part.discount for part in parts)


def test_the_cheapest_takes_it_and_the_buyer_pays_no_more_than_that():
    (part,) = replace([wanted()], [offer("bolt", 950), offer("cedar", 900)], {"bolt": [POST], "cedar": [POST]}, limits())
    assert (part.vendor, part.cost, part.discount, part.was) == ("cedar", 2290, 0, 2490)


def test_shipping_counts():
    cheap_parcel = Ship(code="post", price=190, days=3)
    (part,) = replace([wanted()], [offer("bolt", 950), offer("cedar", 900)], {"bolt": [cheap_parcel], "cedar": [POST]}, limits())
    assert part.vendor == "bolt"


def test_what_units_add_to_shipping_counts():
    (part,) = replace([wanted()], [offer("bolt", 850, shipping=60)], {"bolt": [POST]}, limits())
    assert (part.shipping, part.cost) == (610, 2310)


def test_we_add_what_another_costs_more_as_far_as_we_may():
    dearer, ships = [offer("bolt", 1100)], {"bolt": [POST]}
    (part,) = replace([wanted()], dearer, ships, limits(ours=200))
    assert (part.cost, part.discount, buyer_pays([part])) == (2690, 200, 2490)
    assert part.discount == sum(each.discount for each in part.taken) + part.shipping_discount
    assert replace([wanted()], dearer, ships, limits(ours=199)) == []


def test_the_buyer_pays_more_first_if_it_agreed_to():
    (part,) = replace([wanted()], [offer("bolt", 1100)], {"bolt": [POST]}, limits(extra=150, ours=50))
    assert (part.discount, buyer_pays([part])) == (50, 2640)


def test_never_more_than_is_held_for_the_order():
    (part,) = replace([wanted()], [offer("bolt", 1100)], {"bolt": [POST]}, limits(extra=500, room=2500, ours=190))
    assert buyer_pays([part]) == 2500
    assert replace([wanted()], [offer("bolt", 1100)], {"bolt": [POST]}, limits(extra=500, room=2499, ours=190)) == []


def test_it_has_to_arrive_in_time():
    ships = {"bolt": [POST, EXPRESS]}
    (part,) = replace([wanted()], [offer("bolt", 500)], ships, limits(arrive_by=TODAY + timedelta(days=2)))
    assert part.option == "express"
    assert replace([wanted()], [offer("bolt", 500)], {"bolt": [POST]}, limits(arrive_by=TODAY + timedelta(days=2))) == []


def test_one_vendor_for_all_before_two_that_are_cheaper():
    lines = [wanted("l1", variant="v1"), wanted("l2", variant="v2")]
    offers = [offer("bolt", 500, variant="v1"), offer("cedar", 500, variant="v2"), *(offer("dune", 990, variant=v) for v in ("v1", "v2"))]
    (part,) = replace(lines, offers, {code: [POST] for code in ("bolt", "cedar", "dune")}, limits())
    assert part.vendor == "dune"


def test_units_that_one_has_not_another_has():
    ships = {"bolt": [POST], "cedar": [POST]}
    parts = replace([wanted(quantity=3, paid=3000)], [offer("bolt", 700, stock=2), offer("cedar", 800, stock=2)], ships, limits())
    assert {part.vendor: part.taken[0].quantity for part in parts} == {"bolt": 1, "cedar": 2} or {
        part.vendor: part.taken[0].quantity for part in parts
    } == {"bolt": 2, "cedar": 1}


def test_what_is_too_dear_is_left_out_and_the_rest_taken():
    lines = [wanted("l1", variant="v1"), wanted("l2", variant="v2")]
    offers = [offer("bolt", 900, variant="v1"), offer("cedar", 9000, variant="v2")]
    (part,) = replace(lines, offers, {"bolt": [POST], "cedar": [POST]}, limits())
    assert [each.line_id for each in part.taken] == ["l1"]


def test_nobody():
    assert replace([wanted()], [], {}, limits()) == []
    assert replace([wanted()], [offer("bolt", 1, stock=0)], {"bolt": [POST]}, limits()) == []
    assert replace([wanted()], [offer("bolt", 1)], {}, limits()) == []


def test_what_was_free_stays_free():
    (part,) = replace([wanted(paid=0)], [offer("bolt", 100)], {"bolt": [POST]}, limits(shipping=0, ours=690))
    assert buyer_pays([part]) == 0


def test_what_we_bear_is_a_part_of_what_was_to_be_paid():
    assert most_borne(RerouteRules(we_bear_bps=1000), 2495) == 250


candidates = st.lists(
    st.builds(
        offer,
        st.sampled_from(["bolt", "cedar", "dune", "elm"]),
        st.integers(1, 3000),
        variant=st.sampled_from(["v1", "v2", "v3"]),
        stock=st.integers(0, 5),
        shipping=st.integers(0, 100),
    ),
    max_size=12,
    unique_by=lambda each: each.offer_id,
)
lines = st.lists(
    st.builds(
        wanted,
        st.sampled_from(["l1", "l2", "l3"]),
        variant=st.sampled_from(["v1", "v2", "v3"]),
        quantity=st.integers(1, 4),
        paid=st.integers(0, 9000),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.line_id,
)
bounds = st.builds(
    limits,
    shipping=st.integers(0, 1000),
    extra=st.integers(0, 2000),
    room=st.none() | st.integers(0, 10_000),
    ours=st.integers(0, 2000),
)


@given(lines, candidates, bounds)
def test_within_every_limit_and_to_the_cent(asked: list[Wanted], offers: list[Candidate], bound: Limits):
    parts = replace(asked, offers, {code: [POST, EXPRESS] for code in ("bolt", "cedar", "dune")}, bound)
    assert len(parts) <= VENDORS_MAX
    assert len({part.vendor for part in parts}) == len(parts)
    assert "elm" not in {part.vendor for part in parts}, "it does not ship"
    by_line = {each.line_id: each for each in asked}
    units = dict.fromkeys(by_line, 0)
    sold: dict[str, int] = {}
    for part in parts:
        for each in part.taken:
            units[each.line_id] += each.quantity
            sold[each.offer.offer_id] = sold.get(each.offer.offer_id, 0) + each.quantity
            assert each.offer.variant_id == by_line[each.line_id].variant_id
            assert 0 <= each.discount <= each.price
            assert each.offer.vendor == part.vendor
        assert 0 <= part.shipping_discount <= part.shipping
        assert part.discount == sum(each.discount for each in part.taken) + part.shipping_discount
    assert all(units[line_id] <= line.quantity for line_id, line in by_line.items())
    assert all(sold[each.offer_id] <= each.stock for each in offers if each.offer_id in sold)
    before = sum(line.paid * units[line_id] // line.quantity for line_id, line in by_line.items()) + bound.shipping
    if parts:
        assert buyer_pays(parts) <= before + bound.extra
        assert bound.room is None or buyer_pays(parts) <= bound.room
        assert sum(part.discount for part in parts) <= bound.ours
        assert sum(part.was for part in parts) == before
