"""Makes a quote of a cart: its offers at their prices now, frozen until it expires."""

from datetime import timedelta

import msgspec
from sqlalchemy import func, select

from hub.cart import store
from hub.cart.rules import CartRules
from hub.catalog import store as catalog
from hub.catalog.model import Offer, OfferState
from hub.kernel.errors import Conflict
from hub.pricing.quote import PricedVendor, Quote, QuotedLine, Subject, build
from hub.runtime.database import Tx
from hub.vendors import store as vendors
from vendor_sdk.messages import Address


class AskPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the goods are to go."""

    address: Address


async def ask_price(tx: Tx, rules: CartRules, cart_id: str, wanted: AskPrice) -> Quote:
    """A new quote, kept.

    Raises `NotFound` (``unknown_cart``), `Conflict` (``cart_empty``, ``cart_ordered``, ``offer_unavailable``,
    ``wrong_currency``) and as `build` does.
    """
    cart = await store.load_cart(tx, cart_id, tx.actor.id)
    cart.require_open()
    lines = await store.lines_of(tx, cart_id)
    if not lines:
        raise Conflict("cart_empty", "there is nothing in this cart")
    offers = await catalog.offers_by_id(tx, lines)
    codes = {offer.vendor for offer in offers.values()}
    terms = await vendors.terms_of(tx, codes)
    for offer in offers.values():
        _require_sellable(offer, cart.currency, sells=terms[offer.vendor].sells)
    options = await vendors.options_of(tx, codes)
    who = {
        code: PricedVendor(
            name=terms[code].name,
            options=[(o.code, o.name, o.price.amount, o.days) for o in options.get(code, []) if o.price.currency == cart.currency],
        )
        for code in codes
    }
    subject = Subject(
        id=tx.ids.new("quo"),
        cart_id=cart_id,
        customer_id=tx.actor.id,
        currency=cart.currency,
        address=wanted.address,
        expires_at=await tx.scalar(select(func.now())) + timedelta(seconds=rules.quote_seconds),
    )
    quote = build(subject, [_line(offers[offer_id], quantity) for offer_id, quantity in lines.items()], who, rules.rates)
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
        quantity=quantity,
        unit_price=offer.price,
        shipping_price=offer.shipping_price,
    )
