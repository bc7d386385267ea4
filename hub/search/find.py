"""Finds products by words, shows them whole, and finds what is offered of them; everything of many products at once."""

from collections.abc import Collection

from hub.catalog import store as catalog
from hub.catalog.model import Listed
from hub.inventory import stock
from hub.liveness.presence import presences
from hub.liveness.rules import Watch
from hub.runtime.database import Tx
from hub.search.model import OfferView, ProductView, VariantView, views


async def best(tx: Tx, product_ids: Collection[str], watch: Watch) -> dict[str, OfferView]:
    """The best offer of each of these products; those of which none is for sale are left out."""
    found: dict[str, OfferView] = {}
    for offer, view in await _for_sale(tx, product_ids, watch):
        found.setdefault(offer.product_id, view)
    return found


async def show(tx: Tx, product_ids: Collection[str], watch: Watch) -> dict[str, ProductView]:
    """These products with their variants and all offers for sale; unknown ids are left out."""
    products = await catalog.products_by_id(tx, product_ids)
    variants = await catalog.variants_of(tx, products)
    offered: dict[str, list[OfferView]] = {}
    for offer, view in await _for_sale(tx, products, watch):
        offered.setdefault(offer.variant_id, []).append(view)
    return {
        product.id: ProductView(
            id=product.id,
            title=product.title,
            description=product.description,
            category=product.category,
            variants=[VariantView(id=each, offers=offered.get(each, [])) for each in variants.get(product.id, [])],
        )
        for product in products.values()
    }


async def _for_sale(tx: Tx, product_ids: Collection[str], watch: Watch) -> list[tuple[Listed, OfferView]]:
    offers = await catalog.listed(tx, product_ids)
    vendors = await presences(tx, watch, [offer.vendor for offer in offers])
    return views(offers, vendors, await stock.on_hand(tx, [offer.id for offer in offers]))
