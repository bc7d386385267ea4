"""Makes quotes of carts: their offers at their prices now, frozen until they expire; of all carts that wait in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.cart import coupons, store
from hub.cart.rules import CartRules
from hub.cart.store import Cart, Gathered
from hub.cart.view import QuoteView, show_quote
from hub.catalog.model import Offer, OfferState
from hub.kernel.errors import Conflict, NotFound
from hub.liveness.presence import Shipper, shippers
from hub.pricing.promotions import Code, choose
from hub.pricing.quote import PricedVendor, Prices, Quote, QuotedLine, Subject, build
from hub.runtime.database import Tx
from hub.runtime.together import Duty, Locked, Together
from vendor_sdk.messages import Address

COUPONS_MAX = 10


class AskPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the goods are to go, and what is to be taken off."""

    address: Address
    coupons: Annotated[list[Code], Meta(max_length=COUPONS_MAX)] = []


class Asked(msgspec.Struct, frozen=True):
    """What a cart costs."""

    cart_id: str
    wanted: AskPrice


class Basis(msgspec.Struct, frozen=True):
    """What quotes are made of, by cart and vendor."""

    carts: Mapping[str, Gathered]
    vendors: Mapping[str, Shipper]

    def lines_of(self, cart_id: str, customer_id: str) -> tuple[Cart, list[tuple[Offer, int]]]:
        """A customer's cart and what is in it. Raises `NotFound` (``unknown_cart``), `Conflict` (``cart_empty``, ``cart_ordered``)."""
        found = self.carts.get(cart_id)
        if found is None or found.customer_id != customer_id:
            raise NotFound("unknown_cart", f"no cart {cart_id}")
        found.cart.require_open()
        if not found.lines:
            raise Conflict("cart_empty", "there is nothing in this cart")
        return found.cart, found.lines

    def vendor(self, code: str, currency: str) -> PricedVendor:
        """How a vendor ships what is paid in a currency."""
        presence, options = self.vendors[code]
        prospect = presence.prospect
        return PricedVendor(
            name=presence.name,
            delayed=prospect.delivery == "delayed",
            options=[
                (option.code, option.name, option.price.amount, option.days + prospect.extra_days)
                for option in options
                if option.price.currency == currency
            ],
        )


class Ask(Duty[Asked, Basis]):
    """To ask for a price."""

    def __init__(self, rules: CartRules) -> None:
        self._rules = rules

    async def look_up(self, tx: Tx, wanted: Sequence[Asked], _: Locked = "first") -> Basis:
        carts = await store.gathered(tx, [asked.cart_id for asked in wanted])
        codes = {offer.vendor for each in carts.values() for offer, _ in each.lines}
        return Basis(carts=carts, vendors=await shippers(tx, self._rules.watch, codes))

    async def one(self, tx: Tx, known: Basis, wanted: Asked) -> QuoteView:
        return show_quote(await make(tx, self._rules, known, wanted))


Asking = Together[Asked, Basis]


async def ask_price(tx: Tx, rules: CartRules, cart_id: str, wanted: AskPrice) -> Quote:
    """A new quote, kept, alone. Raises as `make` does."""
    asked = Asked(cart_id, wanted)
    return await make(tx, rules, await Ask(rules).look_up(tx, [asked]), asked)


async def make(tx: Tx, rules: CartRules, basis: Basis, asked: Asked) -> Quote:
    """A new quote, kept.

    Raises as `Basis.lines_of` does, `Conflict` (``offer_unavailable``, ``wrong_currency``), for coupons as `choose`, `discounts`
    and `coupons.check` do, and as `build` does.
    """
    cart, lines = basis.lines_of(asked.cart_id, tx.actor.id)
    for offer, _ in lines:
        _require_sellable(offer, cart.currency, sells=basis.vendors[offer.vendor].presence.sells)
    now = await tx.now()
    subject = Subject(
        id=tx.ids.new("quo"),
        cart_id=cart.id,
        customer_id=tx.actor.id,
        currency=cart.currency,
        address=asked.wanted.address,
        expires_at=now + timedelta(seconds=rules.quote_seconds),
    )
    prices = Prices(rates=rules.rates, coupons=choose(rules.promotions, asked.wanted.coupons, now))
    who = {code: basis.vendor(code, cart.currency) for code in {offer.vendor for offer, _ in lines}}
    quote = build(subject, [_line(offer, quantity) for offer, quantity in lines], who, prices)
    used = {coupon.code: coupon for coupon in quote.coupons}
    await coupons.check(tx, tx.actor.id, [(f"/coupons/{i}", used[code.upper()]) for i, code in enumerate(asked.wanted.coupons)])
    store.put_quote(tx, quote)
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
