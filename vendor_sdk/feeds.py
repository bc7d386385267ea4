"""What a vendor tells by itself: its catalog, whole or what has changed in it, its stock and its shipping rates, answered row by row.

A message is told as of one moment, `at`, by the vendor's clock: of each offer the hub takes only what is newer than what it
knows, so a message may come twice, late, or from two spokes. What is wrong with a row is said of that row alone.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vendor_sdk.messages import Id, Message, Minor, Sku

ROWS_MAX = 500
"""Rows in one message, which has at most `vendor_sdk.messages.BODY_BYTES_MAX` bytes like any other."""
PAGES_MAX = 100_000
RATES_MAX = 20
"""Ways by which one vendor ships."""
AHEAD_SECONDS = 5
"""How far a vendor's clock may be ahead of the hub's: news from a later future would bar the way of all that follows it."""

Rows = Annotated[list[dict[str, Any]], Meta(max_length=ROWS_MAX)]
Moment = Annotated[datetime, Meta(tz=True)]
PageNumber = Annotated[int, Meta(ge=1, le=PAGES_MAX)]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every row; written down as an adapter gives it, checked by the hub."""


class Price(Row, frozen=True):
    """An amount in minor units of `currency` (ISO 4217)."""

    amount: Minor
    currency: str


class Described(Row, frozen=True):
    """A product in the vendor's words; `category` in lower case, at most 64 letters, digits, ``-`` and ``_``."""

    title: str
    category: str
    description: str = ""


class Offered(Row, frozen=True):
    """All terms of one offer: what is left out is as its default, not as it was.

    A new SKU needs `product`, or the `variant_id` of a product that is there; one that is known may leave both out.
    `shipping_price` is what each unit adds to shipping. `stock`, where it is given, counts as `Level.stock` does.
    """

    sku: Sku
    price: Price
    product: Described | None = None
    variant_id: str | None = None
    shipping_price: Price | None = None
    stock: int | None = None
    state: Literal["active", "paused"] = "active"


class Level(Row, frozen=True):
    """How many units of an offer can be sold to new orders; see `vendor_sdk.ports.Stock.levels` for what counts."""

    sku: Sku
    stock: int


class Rate(Row, frozen=True):
    """One way by which the vendor ships: `price` for the parcel, `days` until it arrives (0 to 365).

    `code` is what ``orders.submit`` and ``shipping.ship`` name it by: lower case, at most 32 letters, digits, ``-`` and ``_``.
    """

    code: str
    name: str
    price: Price
    days: int


class CatalogPage(Message, frozen=True):
    """``catalog.page``: a part of the whole catalog as of `at`. `feed_id` and `at` are the same on all pages; `rows` are `Offered`."""

    feed_id: Id
    number: PageNumber
    at: Moment
    rows: Rows


class CatalogEnd(Message, frozen=True):
    """``catalog.end``: the whole catalog was so many `pages`, with so many `rows` in all.

    Once every one of them has come, in whatever order, offers that were in none are taken off sale, if nothing newer is known
    of them. A feed that is not whole, or is empty, takes nothing off sale.
    """

    feed_id: Id
    at: Moment
    pages: PageNumber
    rows: Annotated[int, Meta(ge=0)]


class CatalogDelta(Message, frozen=True):
    """``catalog.delta``: what has changed by `at`: offers as they are now (`Offered`), and SKUs that are no longer sold."""

    feed_id: Id
    at: Moment
    rows: Rows = msgspec.field(default_factory=list[dict[str, Any]])
    withdrawn: Annotated[list[Sku], Meta(max_length=ROWS_MAX)] = msgspec.field(default_factory=list[Sku])


class StockLevels(Message, frozen=True):
    """``stock.levels``: units counted at `at`; `rows` are `Level`."""

    feed_id: Id
    at: Moment
    rows: Rows


class ShippingRates(Message, frozen=True):
    """``shipping.rates``: all ways by which the vendor ships as of `at`, in place of those before; `rates` are `Rate`.

    Taken whole or not at all: if one row is wrong, if there is none, or none in a currency in which the vendor ships and sells
    now, nothing changes, and the feed's result says why.
    """

    feed_id: Id
    at: Moment
    rates: Annotated[list[dict[str, Any]], Meta(max_length=RATES_MAX)]


FEEDS: dict[str, type[Message]] = {
    "catalog.page": CatalogPage,
    "catalog.end": CatalogEnd,
    "catalog.delta": CatalogDelta,
    "stock.levels": StockLevels,
    "shipping.rates": ShippingRates,
}
"""What a vendor may tell by itself, by ``<area>.<fact>``."""


def decode_feed(kind: str, body: bytes) -> Message:
    """A message of a feed, its rows aside. Raises `msgspec.ValidationError` with the field's path; `KeyError` for an unknown kind."""
    return msgspec.json.decode(body, type=FEEDS[kind])
