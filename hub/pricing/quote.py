"""A quote: what the lines of a cart cost at one moment, by vendor, with the ways to ship them; good until it expires."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.kernel.money import AMOUNT_MAX
from hub.pricing.tax import TaxRates, included
from vendor_sdk.messages import Address


class QuotedLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer at its price now, in minor units; `shipping_price` is what each unit adds to shipping."""

    offer_id: str
    vendor: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    shipping_price: int


class PricedVendor(msgspec.Struct, frozen=True, kw_only=True):
    """Who sells, and how it ships: (code, name, price of a parcel in minor units, days)."""

    name: str
    options: Sequence[tuple[str, str, int, int]]


class ShippingOption(msgspec.Struct, frozen=True, kw_only=True):
    """One way to ship a part; `price` is for the whole part, what its units add included."""

    code: str
    name: str
    price: int
    days: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor would send; `shipping_options` cheapest first."""

    vendor: str
    vendor_name: str
    lines: list[QuotedLine]
    goods_total: int
    shipping_options: list[ShippingOption]


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A priced cart, in minor units of `currency`. `total` is gross, with each part's cheapest shipping; `tax_included` is in it."""

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


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose quote it is and how long it is good."""

    id: str
    cart_id: str
    customer_id: str
    currency: str
    address: Address
    expires_at: datetime


def build(subject: Subject, lines: Sequence[QuotedLine], vendors: Mapping[str, PricedVendor], rates: TaxRates) -> Quote:
    """Price `lines`, grouped by vendor in the order of its first line.

    Raises `Conflict` (``not_shippable``) where a vendor cannot ship in this currency, `Invalid` (``amount_too_large``).
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
    return Quote(
        id=subject.id,
        cart_id=subject.cart_id,
        customer_id=subject.customer_id,
        currency=subject.currency,
        address=subject.address,
        parts=parts,
        goods_total=goods,
        shipping_total=shipping,
        tax_included=included(goods + shipping, rates.of(subject.address.country)),
        total=goods + shipping,
        expires_at=subject.expires_at,
    )


def _part(vendor: str, lines: list[QuotedLine], who: PricedVendor) -> Part:
    added = sum(line.shipping_price * line.quantity for line in lines)
    options = [ShippingOption(code=code, name=name, price=base + added, days=days) for code, name, base, days in who.options]
    if not options:
        raise Conflict("not_shippable", f"{who.name} does not ship in this currency", vendor=vendor)
    return Part(
        vendor=vendor,
        vendor_name=who.name,
        lines=lines,
        goods_total=sum(line.unit_price * line.quantity for line in lines),
        shipping_options=sorted(options, key=lambda option: (option.price, option.code)),
    )
