"""Coupons as data (`config/promotions.toml`), which of them hold for a cart, and which cent of a discount who bears."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.kernel.errors import Conflict, Invalid
from hub.kernel.money import allocate, basis_points, show
from hub.kernel.text import END
from hub.pricing.commission import Amounts, Bps, Name, OneOf

Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}" + END, max_length=32, description="upper and lower case are one")]
Moment = Annotated[datetime, Meta(tz=True)]
Uses = Annotated[int, Meta(ge=1)]

WHOLE = 10_000
"""All of it, in basis points."""

_NAMES = {"starts": "from", "ends": "until", "cap": "max"}
"""What Python cannot call so."""


class Promotion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=_NAMES):
    """What a coupon takes off: `bps` of the goods (or shipping) it is for, or a `fixed` amount, at most `max`.

    It is for the goods of `vendors`, `categories`, `offers`; what stands empty is not asked for. Those must come to `minimum`
    at list prices. `platform_bps` is our share of a `shared` discount. `uses` and `uses_per_customer` count orders that stand.
    """

    code: Code
    name: Name
    bps: Bps = 0
    fixed: Amounts = {}
    cap: Amounts = {}
    on: Literal["goods", "shipping"] = "goods"
    vendors: OneOf = []
    categories: OneOf = []
    offers: OneOf = []
    minimum: Amounts = {}
    starts: Moment | None = None
    ends: Moment | None = None
    borne_by: Literal["vendor", "platform", "shared"]
    platform_bps: Bps | None = None
    stackable: bool = True
    uses: Uses | None = None
    uses_per_customer: Uses | None = None

    @property
    def our_bps(self) -> int:
        """Our share of the discount."""
        return {"vendor": 0, "platform": WHOLE, "shared": self.platform_bps or 0}[self.borne_by]

    def is_for(self, piece: "Discountable") -> bool:
        """Whether these goods count, toward the minimum and, of a discount on goods, for being discounted."""
        asked = ((piece.vendor, self.vendors), (piece.category, self.categories), (piece.offer_id, self.offers))
        return not piece.shipping and all(value in values for value, values in asked if values)


class Promotions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All promotions, in the order in which discounts are taken off."""

    promotions: Annotated[list[Promotion], Meta(max_length=10_000)] = []


class Discountable(msgspec.Struct, frozen=True, kw_only=True):
    """A line, or the cheapest shipping of a part, at its list price in minor units."""

    vendor: str
    amount: int
    shipping: bool = False
    category: str = ""
    offer_id: str = ""


class Discount(msgspec.Struct, frozen=True):
    """What is taken off a piece, by who bears it."""

    vendor: int = 0
    platform: int = 0

    @property
    def total(self) -> int:
        """What the buyer saves."""
        return self.vendor + self.platform


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon in a quote: what it saves in minor units, and how often it may be used."""

    code: str
    name: str
    amount: int
    uses: int | None = None
    uses_per_customer: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it matters how often it was used."""
        return self.uses is not None or self.uses_per_customer is not None


def promotions_from(data: Mapping[str, object]) -> Promotions:
    """The promotions from the data of the file. Raises `ValueError` naming the field."""
    try:
        found = msgspec.convert(data, Promotions)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"promotions: {wrong}") from wrong
    codes: set[str] = set()
    for i, promotion in enumerate(found.promotions):
        if (wrong := _nonsense(promotion)) or promotion.code.upper() in codes:
            field, why = wrong or ("code", f"{promotion.code} is taken")
            raise ValueError(f"promotions: /promotions/{i}/{field}: {why}")
        codes.add(promotion.code.upper())
    return found


def _nonsense(promotion: Promotion) -> tuple[str, str] | None:
    """The field that makes no sense beside the others, and why."""
    if bool(promotion.bps) == bool(promotion.fixed):
        return "bps", "either a percentage or fixed amounts"
    if promotion.fixed and promotion.cap:
        return "max", "a fixed amount has no maximum"
    if promotion.fixed and promotion.minimum and not promotion.fixed.keys() & promotion.minimum.keys():
        return "minimum", "names none of the currencies of the fixed amounts"
    if promotion.starts is not None and promotion.ends is not None and promotion.starts >= promotion.ends:
        return "until", f"{promotion.ends} is not after {promotion.starts}"
    if (promotion.borne_by == "shared") != (promotion.platform_bps is not None):
        return "platform_bps", "belongs to discounts that are shared, and to no others"
    return None


def choose(promotions: Promotions, codes: Sequence[str], now: datetime) -> list[tuple[int, Promotion]]:
    """The promotions behind `codes` in the operator's order, each with its place among `codes`.

    Raises `Invalid` (``unknown_coupon``, ``repeated_coupon``), `Conflict` (``coupon_not_yet_valid``, ``coupon_expired``,
    ``coupon_not_stackable``), all with the field, as in ``/coupons/0``.
    """
    known = {promotion.code.upper(): (place, promotion) for place, promotion in enumerate(promotions.promotions)}
    chosen: list[tuple[int, int, Promotion]] = []
    for i, code in enumerate(codes):
        place, promotion = known.get(code.upper(), (0, None))
        if promotion is None:
            raise Invalid("unknown_coupon", f"there is no coupon {code}", field=_at(i))
        if any(place == other for other, _, _ in chosen):
            raise Invalid("repeated_coupon", f"{code} stands twice", field=_at(i))
        if promotion.starts is not None and now < promotion.starts:
            raise Conflict("coupon_not_yet_valid", f"{code} holds from {promotion.starts.isoformat()} on", field=_at(i))
        if promotion.ends is not None and now >= promotion.ends:
            raise Conflict("coupon_expired", f"{code} held until {promotion.ends.isoformat()}", field=_at(i))
        if not promotion.stackable and len(codes) > 1:
            raise Conflict("coupon_not_stackable", f"{code} cannot be used together with another coupon", field=_at(i))
        chosen.append((place, i, promotion))
    return [(i, promotion) for _, i, promotion in sorted(chosen, key=lambda one: one[0])]


def discounts(chosen: Sequence[tuple[int, Promotion]], pieces: Sequence[Discountable], currency: str) -> tuple[list[Discount], list[Used]]:
    """What is taken off each piece, and what each coupon saves; each is taken of what the ones before it have left.

    Raises `Conflict` (``coupon_not_applicable``, ``coupon_below_minimum``) with the field.
    """
    given = [Discount()] * len(pieces)
    used: list[Used] = []
    for i, promotion in chosen:
        eligible = _eligible(i, promotion, pieces, currency)
        left = [piece.amount - given[n].total if n in eligible else 0 for n, piece in enumerate(pieces)]
        amount = min(_amount(promotion, sum(left), currency), sum(left))
        for n, part in enumerate(allocate(amount, left) if amount else []):
            ours, theirs = allocate(part, [promotion.our_bps, WHOLE - promotion.our_bps])
            given[n] = Discount(given[n].vendor + theirs, given[n].platform + ours)
        limits = {"uses": promotion.uses, "uses_per_customer": promotion.uses_per_customer}
        used.append(Used(code=promotion.code.upper(), name=promotion.name, amount=amount, **limits))
    return given, used


def _eligible(i: int, promotion: Promotion, pieces: Sequence[Discountable], currency: str) -> set[int]:
    """Which pieces the promotion takes something off."""
    goods = {n for n, piece in enumerate(pieces) if promotion.is_for(piece)}
    named = [table for table in (promotion.fixed, promotion.cap, promotion.minimum) if table]
    if not goods or any(currency not in table for table in named):
        raise Conflict("coupon_not_applicable", f"{promotion.code} is for nothing that is in this cart", field=_at(i))
    minimum = promotion.minimum.get(currency, 0)
    if (total := sum(pieces[n].amount for n in goods)) < minimum:
        detail = f"{promotion.code} needs goods for {show(minimum, currency)}; these come to {show(total, currency)}"
        raise Conflict("coupon_below_minimum", detail, field=_at(i), minimum=minimum, total=total)
    if promotion.on == "goods":
        return goods
    vendors = {pieces[n].vendor for n in goods}
    return {n for n, piece in enumerate(pieces) if piece.shipping and piece.vendor in vendors}


def _amount(promotion: Promotion, left: int, currency: str) -> int:
    amount = promotion.fixed.get(currency, 0) or basis_points(left, promotion.bps)
    return min(amount, promotion.cap.get(currency, amount))


def _at(i: int) -> str:
    return f"/coupons/{i}"
