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


class Known(msgspec.Struct, frozen=True):
    """What is there already of what a vendor puts: its offers by SKU, the variants it names, who described the products."""

    offers: dict[str, Offer]
    variants: set[str]
    describers: dict[str, str]


async def look(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku]) -> Known:
    """Lock the vendor's offers and see what is there."""
    await vendors.lock(tx, vendor)
    offers = await store.offers_by_sku(tx, vendor, [offer.sku for offer in wanted])
    named = {offer.variant_id for offer in wanted if offer.variant_id is not None}
    described = [offers[offer.sku].product_id for offer in wanted if offer.sku in offers and offer.product is not None]
    return Known(
        offers,
        await store.variant_exists(tx, named) if named else set(),
        await store.describers(tx, described) if described else {},
    )


def check_against(known: Known, vendor: str, offer: OfferOfSku) -> None:
    """Raises `Invalid`, `NotFound` (``unknown_variant``), `Conflict` (``product_not_yours``, ``offer_of_another_variant``)."""
    before = known.offers.get(offer.sku)
    if before is None:
        if offer.product is None and offer.variant_id is None:
            raise Invalid("product_missing", f"{offer.sku} is new: describe its product or name a variant", field="/product", sku=offer.sku)
        if offer.variant_id is not None and offer.variant_id not in known.variants:
            raise NotFound("unknown_variant", f"no variant {offer.variant_id}", variant_id=offer.variant_id)
    elif offer.variant_id not in {None, before.variant_id}:
        raise Conflict("offer_of_another_variant", f"{offer.sku} is an offer of {before.variant_id}", sku=offer.sku)
    elif offer.product is not None and known.describers[before.product_id] != vendor:
        raise Conflict("product_not_yours", f"the product of {offer.sku} is described by another vendor", sku=offer.sku)


async def put_offers(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku], if_match: str | None = None) -> list[Put]:
    """The vendor's offers, after this as `wanted`, in its order.

    Raises as `check_against` does, and `Conflict` (``version_mismatch``).
    """
    skus = [offer.sku for offer in wanted]
    if len(set(skus)) != len(skus):
        raise Invalid("sku_twice", "each SKU may stand once", field="/offers")
    known = await look(tx, vendor, wanted)
    for offer in wanted:
        if if_match is not None:
            check_version(if_match, version(known, offer.sku))
        check_against(known, vendor, offer)
    return await put_checked(tx, vendor, known, wanted)


async def put_checked(tx: Tx, vendor: str, known: Known, wanted: Sequence[OfferOfSku]) -> list[Put]:
    """The same for what has been checked against what is `known` in this transaction."""
    await _add(tx, vendor, [offer for offer in wanted if offer.sku not in known.offers])
    for offer in wanted:
        if (before := known.offers.get(offer.sku)) is not None:
            if offer.product is not None:
                await store.describe(tx, before.product_id, offer.product)
            await store.change_offer(tx, before.id, **_terms(offer))
    after = await store.offers_by_sku(tx, vendor, [offer.sku for offer in wanted])
    return [Put(offer=after[offer.sku], created=offer.sku not in known.offers) for offer in wanted]


def version(known: Known, sku: str) -> int:
    """That of an offer; 0 of one that is new."""
    return known.offers[sku].version if sku in known.offers else 0


async def _add(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku]) -> None:
    described = [offer for offer in wanted if offer.variant_id is None]
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


def _terms(offer: OfferTerms) -> dict[str, object]:
    return {
        "price": offer.price.amount,
        "currency": offer.price.currency,
        "shipping_price": offer.shipping_price.amount if offer.shipping_price is not None else 0,
        "state": str(offer.state),
    }
