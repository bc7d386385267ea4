"""Offers and their stock over HTTP."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vendor_sdk.client.answers.offers import Offer
from vendor_sdk.emulator import shown
from vendor_sdk.emulator.catalog import new_offer
from vendor_sdk.emulator.http.pages import newest_first
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import check_version, write
from vendor_sdk.emulator.model import Book
from vendor_sdk.emulator.model import Offer as Kept
from vendor_sdk.emulator.refusals import Conflict, Invalid, NotFound
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Minor, Sku

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", min_length=3, max_length=3)]
Units = Annotated[int, Meta(ge=0, le=1_000_000)]
BULK_MAX = 500
OFFERS_MAX = 10_000


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount in minor units."""

    amount: Minor
    currency: Currency


class Described(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product in the vendor's words."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    category: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", max_length=64)]
    description: Annotated[str, Meta(max_length=5000)] = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer as it is put; here each is of a product of its own."""

    price: Price
    stock: Units
    product: Described | None = None
    variant_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    shipping_price: Price | None = None
    state: Literal["active", "paused"] = "active"


class TermsOfSku(Terms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many."""

    sku: Sku


class Many(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them or none."""

    offers: Annotated[list[TermsOfSku], Meta(min_length=1, max_length=BULK_MAX)]


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units are for sale."""

    stock: Units


def browse(call: Call) -> Answer:
    """The vendor's offers, newest first."""
    return newest_first(call, call.emulator.book.offers.values(), shown.offer)


def one(call: Call) -> Answer:
    """One of them."""
    return encoded(shown.offer(_offer(call.emulator.book, call.args[0])))


def put_one(call: Call) -> Answer:
    """Put an offer: its product, price and stock."""
    terms = call.body(Terms)

    def work(turn: Turn) -> Offer:
        before = turn.book.offers.get(call.args[0])
        check_version(call, before.version if before else 0)
        return _put(turn, call.args[0], terms, "")

    return write(call, work)


def put_many(call: Call) -> Answer:
    """Put many: all of them or none."""
    many = call.body(Many).offers
    skus = [terms.sku for terms in many]

    def work(turn: Turn) -> dict[str, list[Offer]]:
        if len(set(skus)) != len(skus):
            raise Invalid("sku_twice", "each SKU may stand once", field="/offers")
        return {"data": [_put(turn, terms.sku, terms, f"/offers/{number}") for number, terms in enumerate(many)]}

    return write(call, work)


def count(call: Call) -> Answer:
    """Say how many units of an offer are for sale."""
    counted = call.body(Counted)

    def work(turn: Turn) -> Offer:
        offer = _offer(turn.book, call.args[0])
        check_version(call, offer.version)
        offer.stock = counted.stock
        offer.version += 1
        return shown.offer(offer)

    return write(call, work)


def _offer(book: Book, sku: str) -> Kept:
    if sku not in book.offers:
        raise NotFound("unknown_offer", f"no offer {sku}")
    return book.offers[sku]


def _put(turn: Turn, sku: str, terms: Terms, at: str) -> Offer:
    book = turn.book
    _check(turn, terms, at)
    offer = book.offers.get(sku)
    if offer is None:
        if terms.product is None:
            raise Invalid("product_missing", f"{sku} is new: describe its product or name a variant", field="/product", sku=sku)
        if len(book.offers) >= OFFERS_MAX:
            raise Conflict("too_many_offers", f"the emulator keeps at most {OFFERS_MAX} offers")
        offer = book.offers[sku] = new_offer(turn, sku, terms.product.title, terms.price.amount, terms.stock)
    else:
        if terms.variant_id not in {None, offer.variant_id}:
            raise Conflict("offer_of_another_variant", f"{sku} is an offer of {offer.variant_id}", sku=sku)
        offer.version += 1
    if terms.product is not None:
        offer.title = terms.product.title
    offer.price, offer.stock, offer.state = terms.price.amount, terms.stock, terms.state
    offer.shipping_price = terms.shipping_price.amount if terms.shipping_price else 0
    return shown.offer(offer)


def _check(turn: Turn, terms: Terms, at: str) -> None:
    if terms.product is not None and terms.variant_id is not None:
        raise Invalid("product_or_variant", "describe a product or name a variant, not both", field=f"{at}/variant_id")
    for name in ("price", "shipping_price"):
        price: Price | None = getattr(terms, name)
        if price is not None and price.currency != turn.book.currency:
            detail = f"the emulator sells in {turn.book.currency} alone"
            raise Invalid("wrong_currency", detail, field=f"{at}/{name}/currency")
