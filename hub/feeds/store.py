"""The only reader and writer of feeds, their pages, and the rows that were not taken."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Subquery, bindparam, delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.feeds.model import Feed, FeedKind, Heard, Tally
from hub.feeds.tables import feed_errors, feed_pages, feeds
from hub.feeds.view import RowError
from hub.kernel.errors import NotFound
from hub.runtime.database import Tx
from hub.runtime.problems import Problem

_f, _p, _e = feeds.c, feed_pages.c, feed_errors.c
_FEED = [_f[name] for name in Feed.__struct_fields__]
_MINE = (_f.vendor == bindparam("of_vendor"), _f.id == bindparam("feed"))
_COUNTS = Tally.__struct_fields__

FORGET_AT_ONCE = 1_000

_BEGIN = pg_insert(feeds).on_conflict_do_nothing()
_GET = select(*_FEED).where(*_MINE)
_END_TOLD = update(feeds).where(*_MINE)
_PAGE_HEARD = select(_p.number).where(_p.vendor == bindparam("of_vendor"), _p.feed_id == bindparam("feed"), _p.number == bindparam("page"))
_ADD_PAGE, _ADD_ERROR = insert(feed_pages), insert(feed_errors)


async def begin(tx: Tx, vendor: str, feed_id: str, kind: FeedKind, at: datetime) -> Feed:
    """The feed of that id, as it was begun, by whomever."""
    await tx.execute(_BEGIN, {"vendor": vendor, "id": feed_id, "kind": kind, "at": at})
    feed = await tx.one(_GET, Feed, {"of_vendor": vendor, "feed": feed_id})
    assert feed is not None, "it has just been begun"
    return feed


async def get(tx: Tx, vendor: str, feed_id: str) -> Feed:
    """One of a vendor's feeds. Raises `NotFound` (``unknown_feed``)."""
    feed = await tx.one(_GET, Feed, {"of_vendor": vendor, "feed": feed_id})
    if feed is None:
        raise NotFound("unknown_feed", f"no feed {feed_id}")
    return feed


async def browse(tx: Tx, vendor: str, *, after: tuple[datetime, str] | None, limit: int) -> list[Feed]:
    """A vendor's feeds, the last begun first."""
    query = select(*_FEED).where(_f.vendor == vendor).order_by(_f.begun_at.desc(), _f.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(tuple_(_f.begun_at, _f.id) < after), Feed)


async def was_heard(tx: Tx, vendor: str, feed_id: str, page: int) -> bool:
    """Whether a page has been applied."""
    return await tx.row(_PAGE_HEARD, {"of_vendor": vendor, "feed": feed_id, "page": page}) is not None


class NewPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it was applied; `problems` are (row, SKU, problem)."""

    vendor: str
    feed_id: str
    number: int
    tally: Tally
    problems: Sequence[tuple[int, str | None, Problem]]
    skus: Sequence[str] = ()
    unnamed: int = 0


async def add_page(tx: Tx, page: NewPage) -> None:
    """Note what became of a page."""
    mine = {"vendor": page.vendor, "feed_id": page.feed_id}
    row = {**mine, "number": page.number, "skus": list(page.skus), "unnamed": page.unnamed}
    await tx.execute(_ADD_PAGE, row | msgspec.structs.asdict(page.tally))
    if page.problems:
        rows = [
            {**mine, "page": page.number, "row": number, "sku": sku, "problem": msgspec.to_builtins(found)}
            for number, sku, found in page.problems
        ]
        await tx.execute(_ADD_ERROR, rows)


async def note_end(tx: Tx, vendor: str, feed_id: str, pages: int, rows: int) -> None:
    """The vendor has said how much there was."""
    await tx.execute(_END_TOLD.values(pages=pages, rows_told=rows), {"of_vendor": vendor, "feed": feed_id})


async def end(tx: Tx, vendor: str, feed_id: str, *, reason: str = "", absent: int = 0) -> None:
    """Nothing more can come of it."""
    values = {"ended_at": func.clock_timestamp(), "reason": reason, "absent": absent}
    await tx.execute(_END_TOLD.values(values), {"of_vendor": vendor, "feed": feed_id})


async def heard(tx: Tx, vendor: str, feed_ids: Sequence[str]) -> dict[str, Heard]:
    """What has come of these feeds."""
    sums = [func.coalesce(func.sum(_p[name]), 0).label(name) for name in (*_COUNTS, "unnamed")]
    query = (
        select(_p.feed_id, func.count().label("pages"), func.max(_p.number).label("last"), *sums)
        .where(_p.vendor == vendor, _p.feed_id.in_(sorted(set(feed_ids))))
        .group_by(_p.feed_id)
    )
    found = {row.feed_id: _heard(row) for row in await tx.rows(query)}
    return {feed_id: found.get(feed_id, Heard(pages=0, last=0, unnamed=0, tally=Tally(rows=0))) for feed_id in feed_ids}


def _heard(row: Row[Any]) -> Heard:
    tally = Tally(**{name: int(getattr(row, name)) for name in _COUNTS})
    return Heard(pages=int(row.pages), last=int(row.last), unnamed=int(row.unnamed), tally=tally)


def listed(vendor: str, feed_id: str) -> Subquery:
    """Every `sku` that a feed's pages name."""
    return select(func.unnest(_p.skus).label("sku")).where(_p.vendor == vendor, _p.feed_id == feed_id).subquery("listed")


async def errors(tx: Tx, vendor: str, feed_id: str, *, after: tuple[int, int] | None, limit: int) -> list[RowError]:
    """Rows that were not taken, in their order."""
    conditions: list[ColumnElement[bool]] = [_e.vendor == vendor, _e.feed_id == feed_id]
    if after is not None:
        conditions.append(tuple_(_e.page, _e.row) > after)
    query = select(*(_e[name] for name in RowError.__struct_fields__)).where(*conditions).order_by(_e.page, _e.row).limit(limit)
    return [msgspec.convert(row, RowError, from_attributes=True) for row in await tx.rows(query)]


STANDING = text("""
SELECT (SELECT count(*) FROM feeds WHERE ended_at IS NULL AND begun_at > now() - interval '1 day') AS open,
    coalesce(sum(rows), 0) AS rows, coalesce(sum(failed), 0) AS failed, coalesce(sum(stale), 0) AS stale
FROM feed_pages WHERE heard_at > now() - interval '1 hour'
""")


class FeedStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Whole catalogs of today that are not whole yet; rows of the last hour."""

    open: int
    rows: int
    failed: int
    stale: int


async def standing(tx: Tx) -> FeedStanding:
    """How it goes."""
    (row,) = await tx.rows(STANDING)
    return msgspec.convert(row, FeedStanding, from_attributes=True, strict=False)


async def forget_old(tx: Tx, keep_days: float) -> int:
    """Drop feeds that were begun long ago with all that is known of them; how many."""
    old = func.now() - func.make_interval(0, 0, 0, 0, round(keep_days * 24))
    gone = [(row.vendor, row.id) for row in await tx.rows(select(_f.vendor, _f.id).where(_f.begun_at < old).limit(FORGET_AT_ONCE))]
    if gone:
        await tx.execute(delete(feed_errors).where(tuple_(_e.vendor, _e.feed_id).in_(gone)))
        await tx.execute(delete(feed_pages).where(tuple_(_p.vendor, _p.feed_id).in_(gone)))
        await tx.execute(delete(feeds).where(tuple_(_f.vendor, _f.id).in_(gone)))
    return len(gone)
