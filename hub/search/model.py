"""Products as customers see them."""

from collections.abc import Mapping, Sequence

import msgspec

from hub.catalog.model import Listed, Product
from hub.kernel.money import Money
from hub.liveness.rules import Delivery, Presence


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's price; `shipping_price` is what each unit adds to shipping, `quantity` what is for sale.

    `delivery` is delayed while the vendor does not answer: it is sold all the same, from what the vendor has promised.
    """

    id: str
    vendor: str
    vendor_name: str
    sku: str
    price: Money
    shipping_price: Money
    available: bool
    quantity: int
    delivery: Delivery


class VariantView(msgspec.Struct, frozen=True, kw_only=True):
    """One saleable form of a product; `offers` cheapest first, those with stock before those without, delayed ones later."""

    id: str
    offers: list[OfferView]


class ProductView(msgspec.Struct, frozen=True, kw_only=True):
    """A product with all that is offered of it."""

    id: str
    title: str
    description: str
    category: str
    variants: list[VariantView]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A product with its best offer: the cheapest with stock; null if none is for sale."""

    id: str
    title: str
    description: str
    category: str
    best_offer: OfferView | None


def views(offers: Sequence[Listed], vendors: Mapping[str, Presence], on_hand: Mapping[str, int]) -> list[tuple[Listed, OfferView]]:
    """What is for sale of `offers` (cheapest first), those with stock first, of these the delayed ones last."""
    shown = [
        (
            offer,
            OfferView(
                id=offer.id,
                vendor=offer.vendor,
                vendor_name=vendors[offer.vendor].name,
                sku=offer.sku,
                price=Money(amount=offer.price, currency=offer.currency),
                shipping_price=Money(amount=offer.shipping_price, currency=offer.currency),
                available=on_hand.get(offer.id, 0) > 0,
                quantity=on_hand.get(offer.id, 0),
                delivery=vendors[offer.vendor].prospect.delivery,
            ),
        )
        for offer in offers
        if vendors[offer.vendor].sells
    ]
    return sorted(shown, key=lambda pair: (not pair[1].available, pair[1].delivery == "delayed"))


def found(product: Product, best: OfferView | None) -> Found:
    """A product in a list."""
    return Found(id=product.id, title=product.title, description=product.description, category=product.category, best_offer=best)
