"""A vendor's offers with their stock: put one, put many, look at them."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.catalog import store as catalog
from hub.catalog.model import BULK_MAX, Offer, OfferOfSku, OfferState, OfferTerms, OnHand
from hub.catalog.put_offers import check, put_offers
from hub.inventory import stock
from hub.kernel.errors import NotFound
from hub.kernel.money import Money
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.vendors import store as vendors


class NewOffers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many offers put at once: all of them or none."""

    offers: Annotated[list[OfferOfSku], Meta(min_length=1, max_length=BULK_MAX)]


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many units are for sale, not counting what is promised to orders."""

    stock: OnHand


class VendorOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as its vendor sees it; `stock` is what is for sale."""

    id: str
    product_id: str
    variant_id: str
    sku: str
    title: str
    price: Money
    shipping_price: Money
    state: OfferState
    stock: int
    version: int


class VendorOffers(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many offers, in the order in which they were put."""

    data: list[VendorOffer]


async def put_one(tx: Tx, vendor: str, sku: str, terms: OfferTerms, if_match: str | None) -> VendorOffer:
    """Put one offer. Raises as `put_offers` does."""
    check(terms, "")
    wanted = OfferOfSku(sku=sku, **{name: getattr(terms, name) for name in OfferTerms.__struct_fields__})
    return (await _put(tx, vendor, [wanted], if_match))[0]


async def put_many(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku]) -> VendorOffers:
    """Put many offers. Raises as `put_offers` does."""
    for number, terms in enumerate(wanted):
        check(terms, f"/offers/{number}")
    return VendorOffers(data=await _put(tx, vendor, wanted, None))


async def browse(tx: Tx, vendor: str, *, after: str | None, limit: int) -> list[VendorOffer]:
    """A vendor's offers, newest first."""
    return await with_stock(tx, await catalog.offers_of_vendor(tx, vendor, after=after, limit=limit))


async def one(tx: Tx, vendor: str, sku: str) -> VendorOffer:
    """A vendor's offer. Raises `NotFound` (``unknown_offer``)."""
    found = await with_stock(tx, list((await catalog.offers_by_sku(tx, vendor, [sku])).values()))
    if not found:
        raise NotFound("unknown_offer", f"no offer {sku}")
    return found[0]


async def count_one(tx: Tx, vendor: str, sku: str, units: int, if_match: str | None) -> VendorOffer:
    """An offer of which the vendor has counted so many. Raises `NotFound` (``unknown_offer``) and `Conflict` (``version_mismatch``)."""
    await vendors.lock(tx, vendor)
    check_version(if_match, (await one(tx, vendor, sku)).version)
    return (await count(tx, vendor, {sku: units}))[0]


async def count(tx: Tx, vendor: str, units: Mapping[str, int]) -> list[VendorOffer]:
    """Offers of which the vendor has counted so many, by SKU, in that order; each is a version further."""
    by_sku = await catalog.offers_by_sku(tx, vendor, list(units))
    await stock.set_on_hand(tx, {by_sku[sku].id: counted for sku, counted in units.items()})
    await catalog.next_version(tx, [offer.id for offer in by_sku.values()])
    after = await catalog.offers_by_sku(tx, vendor, list(units))
    return await with_stock(tx, [after[sku] for sku in units])


async def _put(tx: Tx, vendor: str, wanted: Sequence[OfferOfSku], if_match: str | None) -> list[VendorOffer]:
    offers = [put.offer for put in await put_offers(tx, vendor, wanted, if_match)]
    await stock.set_on_hand(tx, {offer.id: terms.stock for offer, terms in zip(offers, wanted, strict=True)})
    return await with_stock(tx, offers)


async def with_stock(tx: Tx, offers: Sequence[Offer]) -> list[VendorOffer]:
    """Offers as their vendor sees them, in the same order."""
    on_hand = await stock.on_hand(tx, [offer.id for offer in offers])
    return [
        VendorOffer(
            id=offer.id,
            product_id=offer.product_id,
            variant_id=offer.variant_id,
            sku=offer.sku,
            title=offer.title,
            price=Money(amount=offer.price, currency=offer.currency),
            shipping_price=Money(amount=offer.shipping_price, currency=offer.currency),
            state=offer.state,
            stock=on_hand.get(offer.id, 0),
            version=offer.version,
        )
        for offer in offers
    ]
