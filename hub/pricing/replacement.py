"""Who takes over what a vendor does not deliver, and who pays what of it: decided from offers, stock, and what the buyer consented to."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.kernel.money import allocate, basis_points

VENDORS_MAX = 3
"""In how many parts one part may be taken over: each is a parcel more for the buyer."""


class RerouteRules(msgspec.Struct, frozen=True, kw_only=True):
    """How far the marketplace goes to have an order fulfilled by another vendor; see ``[reroute]`` of the settings."""

    we_bear_bps: Annotated[int, Meta(ge=0, le=10_000)] = 1_000
    """Of what the buyer was to pay for it, so much may be added where the other vendor is dearer."""
    difference: Literal["platform", "vendor"] = "platform"
    """Who bears that: we, or the vendor that has fallen short (a fine)."""
    answer_min: float = 3600.0
    """Seconds that another vendor must have left to answer, where a hold of the buyer's money bounds them."""
    down_seconds: float = 900.0
    """After so long a vendor that is down and has not answered counts as having declined, if another can deliver."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a line that its vendor does not deliver; `paid` is what the buyer was to pay for them, in minor units."""

    line_id: str
    variant_id: str
    quantity: int
    paid: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Another vendor's offer of a wanted variant, with how many units of it are for sale; prices in minor units."""

    offer_id: str
    variant_id: str
    vendor: str
    sku: str
    title: str
    category: str
    price: int
    shipping_price: int
    stock: int


class Ship(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a vendor ships: `price` of a parcel in minor units, `days` until it arrives."""

    code: str
    price: int
    days: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a replacement may cost and how long it may take.

    `shipping` is what the buyer was to pay for the shipping of what is replaced, `extra` how much more than before it pays
    at most, `room` what is left of the money that is held for the order (None: nothing is held yet), `ours` what may be
    added to the buyer's part. It must arrive by `arrive_by`, if that is given.
    """

    shipping: int
    extra: int
    room: int | None
    ours: int
    today: date
    arrive_by: date | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a wanted line that an offer delivers; `discount` is what is added to the buyer's part for all of them."""

    line_id: str
    offer: Candidate
    quantity: int
    discount: int = 0

    @property
    def price(self) -> int:
        """All units at list price."""
        return self.offer.price * self.quantity


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor takes over. `was` is what the buyer was to pay for that before, `discount` what is added of shipping."""

    vendor: str
    taken: Sequence[Taken]
    option: str
    shipping: int
    shipping_discount: int = 0
    was: int = 0

    @property
    def cost(self) -> int:
        """Goods and shipping at list price."""
        return sum(each.price for each in self.taken) + self.shipping

    @property
    def discount(self) -> int:
        """What is added to what the buyer pays."""
        return sum(each.discount for each in self.taken) + self.shipping_discount


def replace(
    wanted: Sequence[Wanted], candidates: Sequence[Candidate], ships: Mapping[str, Sequence[Ship]], limits: Limits
) -> list[Replacement]:
    """The parts in which other vendors take over what they can of `wanted`, within the limits; none if nobody can.

    One vendor after the other takes what it can, who delivers most of the value first, the cheapest of several, then the
    fastest. What is too dear is left out, the part that exceeds most first.
    """
    left = {each.line_id: each for each in wanted}
    parts: list[Replacement] = []
    while left and len(parts) < VENDORS_MAX:
        used = {part.vendor for part in parts}
        ways = [way for vendor in sorted(ships) if vendor not in used for way in _ways(vendor, left, candidates, ships[vendor], limits)]
        if not ways:
            break
        best = min(ways, key=lambda way: (-_value(way, left), way.cost, way.vendor, way.option))
        parts.append(best)
        left = _without(left, best)
    by_line = {each.line_id: each for each in wanted}
    while parts:
        paying = _pay(parts, by_line, limits)
        if paying is not None:
            return paying
        parts.remove(max(parts, key=lambda part: part.cost - _value(part, by_line)))
    return []


def _ways(
    vendor: str, left: Mapping[str, Wanted], candidates: Sequence[Candidate], ships: Sequence[Ship], limits: Limits
) -> list[Replacement]:
    """What a vendor could take over, by its cheapest shipping that arrives in time."""
    in_time = [ship for ship in ships if limits.arrive_by is None or limits.today + timedelta(days=ship.days) <= limits.arrive_by]
    taken: list[Taken] = []
    stock = {offer.offer_id: offer.stock for offer in candidates}
    for line in left.values():
        own = [offer for offer in candidates if offer.vendor == vendor and offer.variant_id == line.variant_id]
        for offer in sorted(own, key=lambda offer: (offer.price + offer.shipping_price, offer.offer_id))[:1]:
            units = min(line.quantity, stock[offer.offer_id])
            if units > 0:
                stock[offer.offer_id] -= units
                taken.append(Taken(line_id=line.line_id, offer=offer, quantity=units))
    if not taken or not in_time:
        return []
    added = sum(each.offer.shipping_price * each.quantity for each in taken)
    ship = min(in_time, key=lambda ship: (ship.price, ship.days, ship.code))
    return [Replacement(vendor=vendor, taken=taken, option=ship.code, shipping=ship.price + added)]


def _value(part: Replacement, wanted: Mapping[str, Wanted]) -> int:
    """What the buyer was to pay for what a part delivers, shipping aside; units that were free count for a little."""
    return sum(max(1, wanted[each.line_id].paid * each.quantity // wanted[each.line_id].quantity) for each in part.taken)


def _without(left: Mapping[str, Wanted], part: Replacement) -> dict[str, Wanted]:
    taken = {each.line_id: each.quantity for each in part.taken}
    rest: dict[str, Wanted] = {}
    for line_id, line in left.items():
        quantity = line.quantity - taken.get(line_id, 0)
        if quantity:
            rest[line_id] = msgspec.structs.replace(line, quantity=quantity, paid=line.paid * quantity // line.quantity)
    return rest


def _pay(parts: Sequence[Replacement], wanted: Mapping[str, Wanted], limits: Limits) -> list[Replacement] | None:
    """The parts with what is added to each; None where more would have to be added than may be."""
    before = _before(parts, wanted) + limits.shipping
    cost = sum(part.cost for part in parts)
    buyer = min(cost, before + limits.extra, cost if limits.room is None else max(0, limits.room))
    ours = cost - buyer
    if ours > limits.ours or not cost:
        return None if cost else list(parts)
    costs = [part.cost for part in parts]
    return [_discounted(part, off, was) for part, off, was in zip(parts, allocate(ours, costs), allocate(before, costs), strict=True)]


def _before(parts: Sequence[Replacement], wanted: Mapping[str, Wanted]) -> int:
    """What the buyer was to pay for the units that are taken over."""
    units: dict[str, int] = {}
    for part in parts:
        for each in part.taken:
            units[each.line_id] = units.get(each.line_id, 0) + each.quantity
    return sum(wanted[line_id].paid * quantity // wanted[line_id].quantity for line_id, quantity in units.items())


def _discounted(part: Replacement, off: int, was: int) -> Replacement:
    pieces = [*(each.price for each in part.taken), part.shipping]
    *lines, shipping = allocate(off, pieces) if off else [0] * len(pieces)
    taken = [msgspec.structs.replace(each, discount=discount) for each, discount in zip(part.taken, lines, strict=True)]
    return msgspec.structs.replace(part, taken=taken, shipping_discount=shipping, was=was)


def most_borne(rules: RerouteRules, paid: int) -> int:
    """What may be added where a replacement is dearer than what the buyer was to `pay`, in minor units."""
    return basis_points(paid, rules.we_bear_bps)


def covers(parts: Sequence[Replacement], units: int) -> bool:
    """Whether these parts deliver so many units in all."""
    return sum(each.quantity for part in parts for each in part.taken) == units
