"""Makes a quote of a cart: its offers at their prices now, frozen until it expires."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import func, select

from hub.cart import coupons, store
from hub.cart.rules import CartRules
from hub.catalog import store as catalog
from hub.catalog.model import Offer, OfferState
from hub.kernel.errors import Conflict
from hub.liveness import look
from hub.pricing.promotions import Code, choose
from hub.pricing.quote import PricedVendor, Prices, Quote, QuotedLine, Subject, build
from hub.runtime.database import Tx
from hub.vendors import store as vendors
from vendor_sdk.messages import Address

COUPONS_MAX = 10


class AskPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the goods are to go, and what is to be taken off."""

    address: Address
    coupons: Annotated[list[Code], Meta(max_length=COUPONS_MAX)] = []


_NOW = select(func.now())


async def ask_price(tx: Tx, rules: CartRules, cart_id: str, wanted: AskPrice) -> Quote:
    """A new quote, kept.

    Raises `NotFound` (``unknown_cart``), `Conflict` (``cart_empty``, ``cart_ordered``, ``offer_unavailable``,
    ``wrong_currency``), for coupons as `choose`, `discounts` and `coupons.check` do, and as `build` does.
    """
    cart = await store.load_cart(tx, cart_id, tx.actor.id)
    cart.require_open()
    lines = await store.lines_of(tx, cart_id)
    if not lines:
        raise Conflict("cart_empty", "there is nothing in this cart")
    offers = await catalog.offers_by_id(tx, lines)
    codes = {offer.vendor for offer in offers.values()}
    terms = await vendors.terms_of(tx, codes)
    prospects = await look.prospects(tx, rules.watch, codes)
    for offer in offers.values():
        sells = terms[offer.vendor].sells and prospects[offer.vendor].sold
        _require_sellable(offer, cart.currency, sells=sells)
    options = await vendors.options_of(tx, codes)
    who = {
        code: PricedVendor(
            name=terms[code].name,
            delayed=prospects[code].delivery == "delayed",
            options=[
                (o.code, o.name, o.price.amount, o.days + prospects[code].extra_days)
                for o in options.get(code, [])
                if o.price.currency == cart.currency
            ],
        )
        for code in codes
    }
    now: datetime = await tx.scalar(_NOW)
    subject = Subject(
        id=tx.ids.new("quo"),
        cart_id=cart_id,
        customer_id=tx.actor.id,
        currency=cart.currency,
        address=wanted.address,
        expires_at=now + timedelta(seconds=rules.quote_seconds),
    )
    prices = Prices(rates=rules.rates, coupons=choose(rules.promotions, wanted.coupons, now))
    quote = build(subject, [_line(offers[offer_id], quantity) for offer_id, quantity in lines.items()], who, prices)
    used = {coupon.code: coupon for coupon in quote.coupons}
    await coupons.check(tx, tx.actor.id, [(f"/coupons/{i}", used[code.upper()]) for i, code in enumerate(wanted.coupons)])
    await store.save_quote(tx, quote)
    return quote


def _require_sellable(offer: Offer, currency: str, *, sells: bool) -> None:
    if offer.state is not OfferState.ACTIVE or not sells:
        raise Conflict("offer_unavailable", f"{offer.title} is not for sale now", offer_id=offer.id)
    if offer.currency != currency:
        raise Conflict("wrong_currency", f"the cart is in {currency}, the offer in {offer.currency}", offer_id=offer.id)


def _line(offer: Offer, quantity: int) -> QuotedLine:
    return QuotedLine(
        offer_id=offer.id,
        vendor=offer.vendor,
        sku=offer.sku,
        title=offer.title,
        category=offer.category,
        quantity=quantity,
        unit_price=offer.price,
        shipping_price=offer.shipping_price,
    )
