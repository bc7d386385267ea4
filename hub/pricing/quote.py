"""A quote: what the lines of a cart cost at one moment, by vendor, with the ways to ship them; good until it expires."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from hub.kernel.errors import Conflict, Invalid
from hub.kernel.money import AMOUNT_MAX
from hub.pricing.promotions import Discount, Discountable, Promotion, Used, discounts
from hub.pricing.tax import TaxRates, included
from vendor_sdk.messages import Address


class QuotedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer at its price now, in minor units; `shipping_price` is what each unit adds to shipping.

    The discounts are of all its units, by who bears them.
    """

    offer_id: str
    vendor: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    shipping_price: int
    category: str = ""
    vendor_discount: int = 0
    platform_discount: int = 0

    @property
    def price(self) -> int:
        """All units at list price."""
        return self.unit_price * self.quantity

    @property
    def discount(self) -> int:
        """What the buyer saves on it."""
        return self.vendor_discount + self.platform_discount


class PricedVendor(msgspec.Struct, frozen=True, kw_only=True):
    """Who sells, and how it ships: (code, name, price of a parcel in minor units, days); `delayed`: later than usual."""

    name: str
    delayed: bool = False
    options: Sequence[tuple[str, str, int, int]]


class ShippingOption(msgspec.Struct, frozen=True, kw_only=True):
    """One way to ship a part; `price` is for the whole part, what its units add included."""

    code: str
    name: str
    price: int
    days: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor would send; `shipping_options` cheapest first.

    `goods_total` and the options are at list prices. The discount on shipping is the same whichever option is chosen: it is
    never more than the cheapest costs, so that who wants to have it faster pays what that costs more.
    """

    vendor: str
    vendor_name: str
    lines: list[QuotedLine]
    goods_total: int
    shipping_options: list[ShippingOption]
    delayed: bool = False
    """Whether the options' days are more than usual, for the vendor does not answer now."""
    shipping_vendor_discount: int = 0
    shipping_platform_discount: int = 0

    @property
    def shipping_discount(self) -> int:
        """What the buyer saves on shipping."""
        return self.shipping_vendor_discount + self.shipping_platform_discount

    @property
    def discount(self) -> int:
        """What the buyer saves on this part."""
        return sum(line.discount for line in self.lines) + self.shipping_discount


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A priced cart, in minor units of `currency`.

    `total` is gross, with each part's cheapest shipping, after `discount`; `tax_included` is in it, at `tax_bps`.
    """

    id: str
    cart_id: str
    customer_id: str
    currency: str
    address: Address
    parts: list[Part]
    goods_total: int
    shipping_total: int
    tax_included: int
    total: int
    expires_at: datetime
    tax_bps: int = 0
    discount: int = 0
    coupons: list[Used] = []


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose quote it is and how long it is good."""

    id: str
    cart_id: str
    customer_id: str
    currency: str
    address: Address
    expires_at: datetime


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What makes prices beside the offers: the tax by destination, and the coupons in force (see `promotions.choose`)."""

    rates: TaxRates
    coupons: Sequence[tuple[int, Promotion]] = ()


def build(subject: Subject, lines: Sequence[QuotedLine], vendors: Mapping[str, PricedVendor], prices: Prices) -> Quote:
    """Price `lines`, grouped by vendor in the order of its first line.

    Raises `Conflict` (``not_shippable``) where a vendor cannot ship in this currency, `Invalid` (``amount_too_large``), and
    as `discounts` does.
    """
    by_vendor: dict[str, list[QuotedLine]] = {}
    for line in lines:
        by_vendor.setdefault(line.vendor, []).append(line)
    parts = [_part(vendor, own, vendors[vendor]) for vendor, own in by_vendor.items()]
    goods = sum(part.goods_total for part in parts)
    shipping = sum(part.shipping_options[0].price for part in parts)
    dearest = goods + sum(max(option.price for option in part.shipping_options) for part in parts)
    if dearest > AMOUNT_MAX:
        raise Invalid("amount_too_large", f"more than {AMOUNT_MAX} minor units in one quote")
    used: list[Used] = []
    if prices.coupons:
        parts, used = _discounted(parts, prices.coupons, subject.currency)
    discount = sum(part.discount for part in parts)
    total = goods + shipping - discount
    tax_bps = prices.rates.of(subject.address.country)
    return Quote(
        id=subject.id,
        cart_id=subject.cart_id,
        customer_id=subject.customer_id,
        currency=subject.currency,
        address=subject.address,
        parts=parts,
        goods_total=goods,
        shipping_total=shipping,
        discount=discount,
        tax_included=included(total, tax_bps),
        tax_bps=tax_bps,
        total=total,
        coupons=used,
        expires_at=subject.expires_at,
    )


def _discounted(parts: Sequence[Part], coupons: Sequence[tuple[int, Promotion]], currency: str) -> tuple[list[Part], list[Used]]:
    pieces: list[Discountable] = []
    for part in parts:
        pieces += [Discountable(vendor=q.vendor, category=q.category, offer_id=q.offer_id, amount=q.price) for q in part.lines]
        pieces.append(Discountable(vendor=part.vendor, shipping=True, amount=part.shipping_options[0].price))
    given, used = discounts(coupons, pieces, currency)
    found = iter(given)
    return [_cheaper(part, found) for part in parts], used


def _cheaper(part: Part, found: Iterator[Discount]) -> Part:
    """A part with its discounts: those of its lines, then that of its shipping."""
    lines: list[QuotedLine] = []
    for line in part.lines:
        off = next(found)
        lines.append(replace(line, vendor_discount=off.vendor, platform_discount=off.platform))
    off = next(found)
    return replace(part, lines=lines, shipping_vendor_discount=off.vendor, shipping_platform_discount=off.platform)


def _part(vendor: str, lines: list[QuotedLine], who: PricedVendor) -> Part:
    added = sum(line.shipping_price * line.quantity for line in lines)
    options = [ShippingOption(code=code, name=name, price=base + added, days=days) for code, name, base, days in who.options]
    if not options:
        raise Conflict("not_shippable", f"{who.name} does not ship in this currency", vendor=vendor)
    return Part(
        vendor=vendor,
        vendor_name=who.name,
        lines=lines,
        goods_total=sum(line.price for line in lines),
        shipping_options=sorted(options, key=lambda option: (option.price, option.code)),
        delayed=who.delayed,
    )
