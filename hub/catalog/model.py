"""What is said about products and offers, in and out."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.kernel.money import Money
from hub.kernel.text import END
from vendor_sdk.messages import Sku

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(max_length=5000)]
Category = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}" + END, max_length=64)]
OnHand = Annotated[int, Meta(ge=0, le=1_000_000)]
VariantId = Annotated[str, Meta(min_length=1, max_length=64)]

BULK_MAX = 500


class OfferState(StrEnum):
    """Whether the vendor wants it sold."""

    ACTIVE = "active"
    PAUSED = "paused"


class Described(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product in a vendor's words."""

    title: Title
    description: Description = ""
    category: Category


class OfferTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer as its vendor puts it: of a product it describes, or of a variant that is there.

    `shipping_price` is what each unit adds to the shipping option's price; `stock` is what is on hand, not counting
    what is promised to orders.
    """

    price: Money
    stock: OnHand
    product: Described | None = None
    variant_id: VariantId | None = None
    shipping_price: Money | None = None
    state: OfferState = OfferState.ACTIVE


class OfferOfSku(OfferTerms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many offers put at once."""

    sku: Sku


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An offer beside the words of its product; `price` and `shipping_price` in minor units of `currency`."""

    id: str
    variant_id: str
    product_id: str
    vendor: str
    sku: str
    price: int
    shipping_price: int
    currency: str


class Offer(Listed, frozen=True, kw_only=True):
    """An offer as the rest of the hub reads it."""

    title: str
    category: str
    state: OfferState
    version: int


class Sellable(Offer, frozen=True, kw_only=True):
    """An offer, and whether its vendor sells."""

    vendor_sells: bool

    @property
    def sold(self) -> bool:
        """Whether it is for sale."""
        return self.state is OfferState.ACTIVE and self.vendor_sells


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An offer with its product's words, as its vendor has last told them (as of `told_at`)."""

    id: str
    sku: str
    variant_id: str
    price: int
    currency: str
    shipping_price: int
    state: OfferState
    title: str
    description: str
    category: str
    told_at: datetime


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product; `rank` is how well it fits what was searched for."""

    id: str
    title: str
    description: str
    category: str
    rank: float = 0.0
