"""What feeds hold."""

from datetime import datetime
from typing import Literal

import msgspec

from hub.catalog.model import Described, OfferOfSku, OfferState, OnHand, Standing, VariantId
from hub.kernel.money import Money
from vendor_sdk.messages import Sku

FeedKind = Literal["catalog", "delta", "levels", "rates"]


class OfferedRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offer as a feed tells it (`vendor_sdk.feeds.Offered`), checked."""

    sku: Sku
    price: Money
    product: Described | None = None
    variant_id: VariantId | None = None
    shipping_price: Money | None = None
    stock: OnHand | None = None
    state: OfferState = OfferState.ACTIVE

    def terms(self) -> OfferOfSku:
        """The same as the catalog takes it; stock is another matter."""
        return OfferOfSku(
            sku=self.sku,
            price=self.price,
            product=self.product,
            variant_id=self.variant_id,
            shipping_price=self.shipping_price,
            stock=self.stock or 0,
            state=self.state,
        )

    def says(self, known: Standing) -> bool:
        """Whether that is what is known already."""
        shipping = self.shipping_price.amount if self.shipping_price is not None else 0
        words = None if self.product is None else (self.product.title, self.product.description, self.product.category)
        return (
            (self.price.amount, self.price.currency, shipping, self.state)
            == (known.price, known.currency, known.shipping_price, known.state)
            and words in {None, (known.title, known.description, known.category)}
            and self.variant_id in {None, known.variant_id}
        )


class LevelRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of an offer as a feed tells them (`vendor_sdk.feeds.Level`), checked."""

    sku: Sku
    stock: OnHand


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rows: those that were `stale` are older than what is known, or as old; `failed` ones could not be taken."""

    rows: int
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    withdrawn: int = 0
    failed: int = 0


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed without what became of its rows."""

    id: str
    kind: FeedKind
    at: datetime
    begun_at: datetime
    pages: int | None
    rows_told: int | None
    ended_at: datetime | None
    reason: str
    absent: int


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What has come of a feed: how many pages, the highest number among them, and what became of their rows."""

    pages: int
    last: int
    unnamed: int
    tally: Tally
