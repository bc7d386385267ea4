"""What the vendor sells in an emulator: a file of offers, or three samples."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.emulator.model import Offer
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.errors import Misconfigured
from vendor_sdk.messages import Minor, Sku

Units = Annotated[int, Meta(ge=0, le=1_000_000)]


class Good(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer; `price` in minor units."""

    sku: Sku
    price: Minor
    title: Annotated[str, Meta(min_length=1, max_length=200)] = ""
    stock: Units = 1000


class Catalog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is sold, in one currency."""

    offers: Annotated[list[Good], Meta(min_length=1, max_length=1000)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "EUR"


SAMPLE = Catalog(
    offers=[
        Good(sku="mug", price=1250, title="A mug"),
        Good(sku="book", price=1999, title="A book"),
        Good(sku="bowl", price=795, title="A bowl"),
    ]
)


def read(path: Path) -> Catalog:
    """The catalog in a file: ``[[offers]]`` with sku, price, title, stock. Raises `Misconfigured` naming the field."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Catalog)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise Misconfigured(f"{path}: {error}") from error


def stock_up(turn: Turn, catalog: Catalog) -> None:
    """Put the offers into a book that has none."""
    if turn.book.offers:
        return
    turn.book.currency = catalog.currency
    for good in catalog.offers:
        turn.book.offers[good.sku] = new_offer(turn, good.sku, good.title or good.sku, good.price, good.stock)


def new_offer(turn: Turn, sku: str, title: str, price: int, stock: int) -> Offer:
    """An offer of a product of its own."""
    return Offer(
        id=turn.new_id("off"),
        product_id=turn.new_id("prd"),
        variant_id=turn.new_id("var"),
        sku=sku,
        title=title,
        price=price,
        currency=turn.book.currency,
        stock=stock,
    )
