"""The only reader and writer of products, variants and offers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    REAL,
    DateTime,
    Integer,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from hub.catalog.model import Described, Listed, Offer, OfferState, Product, Sellable, Standing
from hub.catalog.tables import offers, products, variants
from hub.runtime.database import Tx
from hub.vendors.store import SELLS
from hub.vendors.tables import vendors

_PRODUCT = [products.c[name] for name in ("id", "title", "description", "category")]
OFFER = [
    *(offers.c[name] for name in Offer.__struct_fields__ if name not in {"product_id", "title", "category"}),
    variants.c.product_id,
    products.c.title,
    products.c.category,
]
"""The columns of `Offer`,"""
WITH_PRODUCT = offers.join(variants, variants.c.id == offers.c.variant_id).join(products, products.c.id == variants.c.product_id)
"""and whence they come."""
_OFFERS = select(*OFFER).select_from(WITH_PRODUCT)
_BY_ID = _OFFERS.where(offers.c.id.in_(bindparam("ids", expanding=True)))
_BY_SKU = _OFFERS.where(offers.c.vendor == bindparam("of_vendor"), offers.c.sku.in_(bindparam("skus", expanding=True)))


async def offers_by_id(tx: Tx, ids: Collection[str]) -> dict[str, Offer]:
    """These offers, whatever their state; unknown ids are left out."""
    return {offer.id: offer for offer in await tx.all(_BY_ID, Offer, {"ids": sorted(set(ids))})}


_WITH_VENDOR = (
    select(*OFFER, SELLS.label("vendor_sells"))
    .select_from(WITH_PRODUCT.join(vendors, vendors.c.code == offers.c.vendor))
    .where(offers.c.id.in_(bindparam("ids", expanding=True)))
)


async def with_vendors(tx: Tx, ids: Collection[str]) -> dict[str, Sellable]:
    """The same with whether their vendors sell."""
    return {offer.id: offer for offer in await tx.all(_WITH_VENDOR, Sellable, {"ids": sorted(set(ids))})}


async def offers_by_sku(tx: Tx, vendor: str, skus: Collection[str]) -> dict[str, Offer]:
    """A vendor's offers by SKU; unknown SKUs are left out."""
    return {offer.sku: offer for offer in await tx.all(_BY_SKU, Offer, {"of_vendor": vendor, "skus": sorted(set(skus))})}


async def offers_of_vendor(tx: Tx, vendor: str, *, after: str | None, limit: int) -> list[Offer]:
    """A vendor's offers, newest first, those before the id `after`."""
    query = _OFFERS.where(offers.c.vendor == vendor).order_by(offers.c.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(offers.c.id < after), Offer)


_LISTED = (
    select(*(offers.c[name] for name in Listed.__struct_fields__ if name != "product_id"), variants.c.product_id)
    .select_from(offers.join(variants, variants.c.id == offers.c.variant_id))
    .where(variants.c.product_id.in_(bindparam("products", expanding=True)), offers.c.state == OfferState.ACTIVE)
    .order_by(offers.c.price + offers.c.shipping_price, offers.c.id)
)


async def listed(tx: Tx, product_ids: Collection[str]) -> list[Listed]:
    """The active offers of these products, cheapest with its shipping first."""
    return await tx.all(_LISTED, Listed, {"products": sorted(set(product_ids))})


_OF_VARIANTS = (
    _OFFERS.where(
        offers.c.variant_id.in_(bindparam("variants", expanding=True)),
        offers.c.state == OfferState.ACTIVE,
        offers.c.currency == bindparam("in_currency"),
        offers.c.vendor.not_in(bindparam("but_of", expanding=True)),
    )
    .order_by(offers.c.price + offers.c.shipping_price, offers.c.id)
    .limit(bindparam("most", type_=Integer))
)


async def offers_of_variants(tx: Tx, variant_ids: Collection[str], currency: str, *, but_of: Collection[str], limit: int) -> list[Offer]:
    """The active offers of these variants in a currency but those of some vendors, cheapest with its shipping first."""
    values = {"variants": sorted(set(variant_ids)), "in_currency": currency, "but_of": sorted(set(but_of)), "most": limit}
    return await tx.all(_OF_VARIANTS, Offer, values)


_PRODUCTS = select(*_PRODUCT).where(products.c.id.in_(bindparam("products", expanding=True)))
_VARIANTS = (
    select(variants.c.id, variants.c.product_id)
    .where(variants.c.product_id.in_(bindparam("products", expanding=True)))
    .order_by(variants.c.id)
)


async def products_by_id(tx: Tx, ids: Collection[str]) -> dict[str, Product]:
    """These products; unknown ids are left out."""
    return {product.id: product for product in await tx.all(_PRODUCTS, Product, {"products": sorted(set(ids))})}


async def variants_of(tx: Tx, product_ids: Collection[str]) -> dict[str, list[str]]:
    """The ids of these products' variants, the oldest first."""
    found: dict[str, list[str]] = {}
    for row in await tx.rows(_VARIANTS, {"products": sorted(set(product_ids))}):
        found.setdefault(row.product_id, []).append(row.id)
    return found


async def search(tx: Tx, words: str, category: str | None, *, after: tuple[float, str] | None, limit: int) -> list[Product]:
    """Products that have all the words (any product for none), best first, newest first among equals."""
    rank, last = after or (None, None)
    said = {"words": words or None, "category_": category, "rank_": rank, "last": last, "most": limit}
    values = {name: value for name, value in said.items() if value is not None}
    return await tx.all(_search(frozenset(values)), Product, values)


@cache
def _search(said: frozenset[str]) -> Select[Any]:
    """The query with so much said: sixteen at most, each a constant."""
    p = products.c
    query = select(*_PRODUCT)
    rank: Any = cast(literal(0.0), REAL)
    if "words" in said:
        wanted = func.websearch_to_tsquery("english", bindparam("words", type_=Text))
        rank = cast(func.ts_rank(p.document, wanted), REAL)
        query = query.where(p.document.op("@@")(wanted))
    if "category_" in said:
        query = query.where(p.category == bindparam("category_"))
    if "last" in said:
        query = query.where(tuple_(rank, p.id) < tuple_(cast(bindparam("rank_"), REAL), bindparam("last", type_=Text)))
    return query.add_columns(rank.label("rank")).order_by(rank.desc(), p.id.desc()).limit(bindparam("most", type_=Integer))


async def variant_exists(tx: Tx, ids: Collection[str]) -> set[str]:
    """Which of these variants there are."""
    return {row.id for row in await tx.rows(select(variants.c.id).where(variants.c.id.in_(sorted(set(ids)))))}


async def describers(tx: Tx, product_ids: Collection[str]) -> dict[str, str]:
    """Which vendor described each product."""
    p = products.c
    return {row.id: row.described_by for row in await tx.rows(select(p.id, p.described_by).where(p.id.in_(sorted(set(product_ids)))))}


async def add_products(tx: Tx, vendor: str, described: Sequence[Described]) -> list[tuple[str, str]]:
    """Insert products with one variant each; their (product id, variant id)."""
    if not described:
        return []
    ids = [(tx.ids.new("prd"), tx.ids.new("var")) for _ in described]
    await tx.execute(
        insert(products),
        [
            {"id": product_id, "described_by": vendor, **msgspec.structs.asdict(words)}
            for (product_id, _), words in zip(ids, described, strict=True)
        ],
    )
    await tx.execute(insert(variants), [{"id": variant_id, "product_id": product_id} for product_id, variant_id in ids])
    return ids


_DESCRIBE = update(products).where(products.c.id == bindparam("of_product"))


async def describe(tx: Tx, described: Sequence[tuple[str, Described]]) -> None:
    """Rewrite products, by id."""
    if described:
        await tx.execute(_DESCRIBE, [{"of_product": product_id, **msgspec.structs.asdict(words)} for product_id, words in described])


async def add_offers(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Insert offers: id, variant_id, vendor, sku, price, shipping_price, currency, state."""
    if rows:
        await tx.execute(insert(offers), list(rows))


_AS_OF = bindparam("as_of", type_=DateTime(timezone=True))
_CHANGE = (
    update(offers)
    .where(offers.c.id == bindparam("of_offer"))
    .values(version=offers.c.version + 1, updated_at=func.now(), told_at=func.coalesce(_AS_OF, func.now()))
)


async def change_offers(tx: Tx, changed: Sequence[tuple[str, dict[str, Any]]], at: datetime | None) -> None:
    """Save offers' new terms, by id, as their next versions; told as of `at`, or now."""
    if changed:
        await tx.execute(_CHANGE, [{"of_offer": offer_id, "as_of": at, **terms} for offer_id, terms in changed])


async def next_version(tx: Tx, offer_ids: Collection[str]) -> None:
    """Something about these offers is new that stands elsewhere."""
    o = offers.c
    await tx.execute(update(offers).where(o.id.in_(sorted(offer_ids))).values(version=o.version + 1, updated_at=func.now()))


_STANDING = (
    select(
        *(offers.c[name] for name in Standing.__struct_fields__ if name not in {"title", "description", "category"}),
        products.c.title,
        products.c.description,
        products.c.category,
    )
    .select_from(WITH_PRODUCT)
    .where(offers.c.vendor == bindparam("of_vendor"), offers.c.sku.in_(bindparam("skus", expanding=True)))
)
_AT = bindparam("at", type_=DateTime(timezone=True))
_HEARD = update(offers).where(offers.c.id.in_(bindparam("ids", expanding=True))).values(told_at=_AT)


async def standing(tx: Tx, vendor: str, skus: Collection[str]) -> dict[str, Standing]:
    """How a vendor's offers stand, by SKU; unknown SKUs are left out."""
    return {each.sku: each for each in await tx.all(_STANDING, Standing, {"of_vendor": vendor, "skus": sorted(set(skus))})}


async def heard_again(tx: Tx, offer_ids: Collection[str], at: datetime) -> None:
    """The vendor has said of these offers what is known, as of `at`: no new version, but older news is none any more."""
    if offer_ids:
        await tx.execute(_HEARD, {"ids": sorted(offer_ids), "at": at})


async def take_off_sale(tx: Tx, offer_ids: Collection[str], at: datetime) -> None:
    """The vendor does not sell these any more, as of `at`."""
    if offer_ids:
        o = offers.c
        gone = {"state": OfferState.PAUSED, "version": o.version + 1, "updated_at": func.now(), "told_at": at}
        await tx.execute(update(offers).where(o.id.in_(sorted(offer_ids))).values(gone))


async def on_sale_but(tx: Tx, vendor: str, listed: Subquery, at: datetime) -> list[str]:
    """Ids of a vendor's offers that are on sale, whose `sku` is not `listed`, and of which nothing was told since `at`."""
    o = offers.c
    absent = ~exists().where(listed.c.sku == o.sku)  # unlike NOT IN, joined by hash however many there are
    query = select(o.id).where(o.vendor == vendor, o.state == OfferState.ACTIVE, o.told_at < at, absent)
    return [row.id for row in await tx.rows(query)]


_CURRENCIES = select(offers.c.currency).where(offers.c.vendor == bindparam("of_vendor"), offers.c.state == OfferState.ACTIVE).distinct()


async def currencies_on_sale(tx: Tx, vendor: str) -> set[str]:
    """In which a vendor's offers are on sale."""
    return {row.currency for row in await tx.rows(_CURRENCIES, {"of_vendor": vendor})}
