"""Applies the rows of a feed, each for itself; in the caller's transaction, in which the vendor is locked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hub.catalog import store as catalog
from hub.catalog.model import OfferState
from hub.catalog.put_offers import check, check_against, look, put_checked
from hub.feeds.count import count
from hub.feeds.model import LevelRow, OfferedRow, Tally
from hub.feeds.sheet import Sheet
from hub.inventory.rows import passing, read_rows
from hub.kernel.errors import Invalid, NotFound
from hub.runtime.database import Tx


async def put_offers(tx: Tx, vendor: str, at: datetime, raw: Sequence[dict[str, Any]], sheet: Sheet) -> Tally:
    """The vendor's offers are as these rows say, as far as nothing newer is known of them."""
    rows = dict(read_rows(sheet, raw, OfferedRow))
    before = await catalog.standing(tx, vendor, [row.sku for row in rows.values()])
    news = {index: row for index, row in rows.items() if row.sku not in before or before[row.sku].told_at < at}
    known = await look(tx, vendor, [row.terms() for row in news.values()])

    def checked(row: OfferedRow) -> None:
        check(row.terms(), "")
        check_against(known, vendor, row.terms())

    good = passing(sheet, news, checked)
    same = {row.sku for row in good.values() if row.sku in before and row.says(before[row.sku])}
    await catalog.heard_again(tx, [before[sku].id for sku in same], at)
    other = [row for row in good.values() if row.sku not in same]
    put = await put_checked(tx, vendor, known, [row.terms() for row in other], at) if other else []
    created = {each.offer.sku for each in put if each.created}
    changed = {each.offer.sku for each in put} - created
    ids = {sku: each.id for sku, each in before.items()} | {each.offer.sku: each.offer.id for each in put}
    failed = {rows[index].sku for index in sheet.problems if index in rows}
    stock = {row.sku: row.stock for row in rows.values() if row.stock is not None and row.sku in ids and row.sku not in failed}
    counted = await _count(tx, {ids[sku]: sku for sku in stock}, {ids[sku]: units for sku, units in stock.items()}, at)
    recounted = (counted & ids.keys()) - created - changed
    await catalog.next_version(tx, [ids[sku] for sku in recounted])
    stale = len(rows) - len(news) - sum(row.sku in recounted for index, row in rows.items() if index not in news)
    return Tally(
        rows=len(raw),
        created=len(created),
        changed=len(changed | recounted),
        unchanged=len(same - recounted),
        stale=stale,
        failed=len(sheet.problems),
    )


async def _count(tx: Tx, skus: dict[str, str], units: dict[str, int], at: datetime) -> set[str]:
    """Take these counts, by offer; the SKUs whose stock changed."""
    changed, _ = await count(tx, units, at) if units else (set[str](), set[str]())
    return {skus[offer_id] for offer_id in changed}


async def put_levels(tx: Tx, vendor: str, at: datetime, raw: Sequence[dict[str, Any]], sheet: Sheet) -> Tally:
    """What is for sale of the vendor's offers is as these rows say, as far as no newer count is known."""
    rows = dict(read_rows(sheet, raw, LevelRow))
    offers = await catalog.offers_by_sku(tx, vendor, [row.sku for row in rows.values()])

    def checked(row: LevelRow) -> None:
        if row.sku not in offers:
            raise NotFound("unknown_offer", f"no offer {row.sku}", field="/sku")

    good = passing(sheet, rows, checked)
    changed, stale = await count(tx, {offers[row.sku].id: row.stock for row in good.values()}, at)
    await catalog.next_version(tx, changed)
    unchanged = len(good) - len(changed) - len(stale)
    return Tally(rows=len(raw), changed=len(changed), unchanged=unchanged, stale=len(stale), failed=len(sheet.problems))


async def withdraw(tx: Tx, vendor: str, at: datetime, skus: Sequence[str], sheet: Sheet) -> Tally:
    """The vendor no longer sells these, as far as nothing newer is known of them."""
    known = await catalog.standing(tx, vendor, skus)
    seen: set[str] = set()
    for index, sku in enumerate(skus):
        if sku in seen:
            sheet.refuse(index, Invalid("sku_twice", f"{sku} stands twice"))
        elif sku not in known:
            sheet.refuse(index, NotFound("unknown_offer", f"no offer {sku}"))
        seen.add(sku)
    news = [each for each in known.values() if each.told_at < at]
    gone = {each.id for each in news if each.state is OfferState.ACTIVE}
    await catalog.take_off_sale(tx, gone, at)
    await catalog.heard_again(tx, {each.id for each in news} - gone, at)
    return Tally(
        rows=len(skus),
        unchanged=len(news) - len(gone),
        stale=len(known) - len(news),
        withdrawn=len(gone),
        failed=len(sheet.problems),
    )
