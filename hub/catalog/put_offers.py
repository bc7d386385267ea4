"""A vendor puts offers: those of new SKUs are added with their products, the others changed."""

from collections.abc import Sequence

import msgspec

from hub.catalog import store
from hub.catalog.model import Offer, OfferOfSku, OfferTerms
from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.vendors import store as vendors


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """How one offer came out."""

    offer: Offer
    created: bool


def check(offer: OfferTerms, at: str) -> None:
    """Raises `Invalid` for what a field alone cannot tell; `at` is the offer's place in the body."""
    if offer.price.amount == 0:
        raise Invalid("price_zero", "a price is at least one minor unit", field=f"{at}/price/amount")
    if offer.shipping_price is not None and offer.shipping_price.currency != offer.price.currency:
        raise Invalid("two_currencies", "price and shipping price are of one currency", field=f"{at}/shipping_price/currency")
    if offer.product is not None and offer.variant_id is not None:
        raise Invalid("product_or_variant", "describe a product or name a variant, not both", field=f"{at}/variant_id")


async def put_offers(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku], if_match: str | None = None) -> list[Put]:
    """The vendor's offers, after this as `wanted`, in its order.

    Raises `Invalid`, `NotFound` (``unknown_variant``), `Conflict` (``product_not_yours``, ``offer_of_another_variant``,
    ``version_mismatch``).
    """
    skus = [offer.sku for offer in wanted]
    if len(set(skus)) != len(skus):
        raise Invalid("sku_twice", "each SKU may stand once", field="/offers")
    await vendors.lock(tx, vendor)
    known = await store.offers_by_sku(tx, vendor, skus)
    if if_match is not None:
        for offer in wanted:
            check_version(if_match, known[offer.sku].version if offer.sku in known else 0)
    await _add(tx, vendor, [offer for offer in wanted if offer.sku not in known])
    await _change(tx, vendor, [(known[offer.sku], offer) for offer in wanted if offer.sku in known])
    after = await store.offers_by_sku(tx, vendor, skus)
    return [Put(offer=after[sku], created=sku not in known) for sku in skus]


async def _add(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku]) -> None:
    named = {offer.variant_id for offer in wanted if offer.variant_id is not None}
    if unknown := named - await store.variant_exists(tx, named):
        raise NotFound("unknown_variant", f"no variant {min(unknown)}", variant_id=min(unknown))
    described = [offer for offer in wanted if offer.variant_id is None]
    for offer in described:
        if offer.product is None:
            raise Invalid("product_missing", f"{offer.sku} is new: describe its product or name a variant", field="/product", sku=offer.sku)
    made = await store.add_products(tx, vendor, [offer.product for offer in described if offer.product is not None])
    variant_of = {offer.sku: variant_id for offer, (_, variant_id) in zip(described, made, strict=True)}
    await store.add_offers(
        tx,
        [
            {
                "id": tx.ids.new("off"),
                "vendor": vendor,
                "sku": offer.sku,
                "variant_id": offer.variant_id or variant_of[offer.sku],
                **_terms(offer),
            }
            for offer in wanted
        ],
    )


async def _change(tx: Tx, vendor: str, wanted: Sequence[tuple[Offer, OfferOfSku]]) -> None:
    describers = await store.describers(tx, [before.product_id for before, offer in wanted if offer.product is not None])
    for before, offer in wanted:
        if offer.variant_id not in {None, before.variant_id}:
            raise Conflict("offer_of_another_variant", f"{offer.sku} is an offer of {before.variant_id}", sku=offer.sku)
        if offer.product is not None:
            if describers[before.product_id] != vendor:
                raise Conflict("product_not_yours", f"the product of {offer.sku} is described by another vendor", sku=offer.sku)
            await store.describe(tx, before.product_id, offer.product)
        await store.change_offer(tx, before.id, **_terms(offer))


def _terms(offer: OfferTerms) -> dict[str, object]:
    return {
        "price": offer.price.amount,
        "currency": offer.price.currency,
        "shipping_price": offer.shipping_price.amount if offer.shipping_price is not None else 0,
        "state": str(offer.state),
    }
