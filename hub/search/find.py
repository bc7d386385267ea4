"""Finds products by words and shows one whole."""

from collections.abc import Collection

from hub.catalog import store as catalog
from hub.catalog.model import Offer
from hub.inventory import stock
from hub.liveness import look
from hub.liveness.rules import Watch
from hub.runtime.database import Tx
from hub.runtime.pages import Page, page
from hub.search.model import Found, OfferView, ProductView, VariantView, found, views
from hub.vendors import store as vendors


async def find(tx: Tx, words: str, category: str | None, watch: Watch, *, after: tuple[float, str] | None, limit: int) -> Page[Found]:
    """A page of products with their best offers, best fit first."""
    products = await catalog.search(tx, words, category, after=after, limit=limit + 1)
    best: dict[str, OfferView] = {}
    for offer, view in await _for_sale(tx, [product.id for product in products[:limit]], watch):
        best.setdefault(offer.product_id, view)
    cut = page(products, limit, lambda product: (product.rank, product.id))
    return Page(data=[found(product, best.get(product.id)) for product in cut.data], next_cursor=cut.next_cursor)


async def show(tx: Tx, product_id: str, watch: Watch) -> ProductView:
    """A product with its variants and all offers for sale. Raises `NotFound` (``unknown_product``)."""
    product, variant_ids = await catalog.product(tx, product_id)
    offered: dict[str, list[OfferView]] = {variant_id: [] for variant_id in variant_ids}
    for offer, view in await _for_sale(tx, [product_id], watch):
        offered[offer.variant_id].append(view)
    return ProductView(
        id=product.id,
        title=product.title,
        description=product.description,
        category=product.category,
        variants=[VariantView(id=variant_id, offers=offers) for variant_id, offers in offered.items()],
    )


async def _for_sale(tx: Tx, product_ids: Collection[str], watch: Watch) -> list[tuple[Offer, OfferView]]:
    offers = await catalog.offers_of_products(tx, product_ids)
    terms = await vendors.terms_of(tx, [offer.vendor for offer in offers])
    prospects = await look.prospects(tx, watch, terms)
    return views(offers, terms, await stock.on_hand(tx, [offer.id for offer in offers]), prospects)
