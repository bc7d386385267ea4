"""What is said of offers when they are put."""

import msgspec

from vendor_sdk.client.answers import Money


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A product in your words."""

    title: str
    category: str
    description: str = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer: of a product that you describe, or of a variant that is there.

    `shipping_price` is what each unit adds to the shipping option's; `stock` is what is for sale, beside what is promised.
    """

    price: Money
    stock: int
    product: Described | None = None
    variant_id: str | None = None
    shipping_price: Money | None = None
    state: str = "active"


class OfferRow(Terms, frozen=True, kw_only=True, omit_defaults=True):
    """One of many; refused if it is not at `version` (0: new) any more."""

    sku: str
    version: int | None = None


class StockRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many units of one offer are for sale; refused as an `OfferRow` is."""

    sku: str
    stock: int
    version: int | None = None
