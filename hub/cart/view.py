"""Carts and quotes as they stand on the wire, with money as amount and currency."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from hub.cart.store import Cart
from hub.catalog.model import Offer
from hub.kernel.money import AMOUNT_MAX, Money
from hub.liveness.rules import Delivery
from hub.pricing.quote import Part, Quote
from vendor_sdk.messages import Address


class CartLine(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer at its price now."""

    offer_id: str
    vendor: str
    sku: str
    title: str
    quantity: int
    unit_price: Money


class CartView(msgspec.Struct, frozen=True, kw_only=True):
    """A cart at today's prices; what is owed, shipping and tax included, is in a quote. `goods_total` is null beyond all sense."""

    id: str
    currency: str
    state: str
    version: int
    lines: list[CartLine]
    goods_total: Money | None


class QuoteLineView(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one offer; `shipping_price` is what each adds to shipping, `total` is for all of them after `discount`."""

    offer_id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    shipping_price: Money
    discount: Money
    total: Money


class ShippingOptionView(msgspec.Struct, frozen=True, kw_only=True):
    """One way to ship a part, for the whole part; `total` is after `discount`, which is the same for each of them."""

    code: str
    name: str
    price: Money
    days: int
    discount: Money
    total: Money


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor would send; `total` is with its cheapest shipping, after `discount`.

    `delivery` is delayed while the vendor does not answer; the days of its shipping options are longer then.
    """

    vendor: str
    vendor_name: str
    delivery: Delivery
    lines: list[QuoteLineView]
    goods_total: Money
    shipping_options: list[ShippingOptionView]
    discount: Money
    total: Money


class CouponView(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon and what it takes off."""

    code: str
    name: str
    discount: Money


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A quote; `total` is gross, with each part's cheapest shipping, after `discount`, and holds until `expires_at`."""

    id: str
    cart_id: str
    currency: str
    address: Address
    parts: list[PartView]
    goods_total: Money
    shipping_total: Money
    discount: Money
    coupons: list[CouponView]
    tax_included: Money
    total: Money
    expires_at: datetime


def show_cart(cart: Cart, lines: Mapping[str, int], offers: Mapping[str, Offer]) -> CartView:
    """A cart with its lines."""
    total = sum(offers[offer_id].price * quantity for offer_id, quantity in lines.items())
    return CartView(
        id=cart.id,
        currency=cart.currency,
        state=cart.state,
        version=cart.version,
        lines=[_cart_line(offers[offer_id], quantity) for offer_id, quantity in lines.items()],
        goods_total=Money(amount=total, currency=cart.currency) if total <= AMOUNT_MAX else None,
    )


def show_quote(quote: Quote) -> QuoteView:
    """A quote, without whose it is."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=quote.currency)

    return QuoteView(
        id=quote.id,
        cart_id=quote.cart_id,
        currency=quote.currency,
        address=quote.address,
        parts=[_part(part, quote.currency) for part in quote.parts],
        goods_total=money(quote.goods_total),
        shipping_total=money(quote.shipping_total),
        discount=money(quote.discount),
        coupons=[CouponView(code=used.code, name=used.name, discount=money(used.amount)) for used in quote.coupons],
        tax_included=money(quote.tax_included),
        total=money(quote.total),
        expires_at=quote.expires_at,
    )


def _cart_line(offer: Offer, quantity: int) -> CartLine:
    return CartLine(
        offer_id=offer.id,
        vendor=offer.vendor,
        sku=offer.sku,
        title=offer.title,
        quantity=quantity,
        unit_price=Money(amount=offer.price, currency=offer.currency),
    )


def _part(part: Part, currency: str) -> PartView:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return PartView(
        vendor=part.vendor,
        vendor_name=part.vendor_name,
        delivery="delayed" if part.delayed else "normal",
        lines=[
            QuoteLineView(
                offer_id=line.offer_id,
                sku=line.sku,
                title=line.title,
                quantity=line.quantity,
                unit_price=money(line.unit_price),
                shipping_price=money(line.shipping_price),
                discount=money(line.discount),
                total=money(line.price - line.discount),
            )
            for line in part.lines
        ],
        goods_total=money(part.goods_total),
        shipping_options=[
            ShippingOptionView(
                code=option.code,
                name=option.name,
                price=money(option.price),
                days=option.days,
                discount=money(part.shipping_discount),
                total=money(option.price - part.shipping_discount),
            )
            for option in part.shipping_options
        ],
        discount=money(part.discount),
        total=money(part.goods_total + part.shipping_options[0].price - part.discount),
    )
