"""What vendors tell in their feeds: checked against who says it, applied once, page by page, or kept for triage."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
import structlog

from hub.catalog import store as catalog
from hub.feeds import put, store
from hub.feeds.model import Feed, FeedKind, Tally
from hub.feeds.rates import put_rates
from hub.feeds.rules import has_ended, proves_nothing
from hub.feeds.sheet import Sheet
from hub.feeds.store import NewPage
from hub.letters.keep import keep
from hub.letters.told import refused
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.trace import Trace, current
from hub.vendors import store as vendors
from vendor_sdk import feeds, messages, subjects
from vendor_sdk.feeds import CatalogDelta, CatalogEnd, CatalogPage, ShippingRates, StockLevels

log = structlog.get_logger("feeds")

News = CatalogPage | CatalogEnd | CatalogDelta | StockLevels | ShippingRates

_KIND: dict[type[object], FeedKind] = {
    CatalogPage: "catalog",
    CatalogEnd: "catalog",
    CatalogDelta: "delta",
    StockLevels: "levels",
    ShippingRates: "rates",
}
AHEAD = timedelta(seconds=feeds.AHEAD_SECONDS)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came; `vendor` is whose stream it came from."""

    vendor: str
    subject: str
    headers: Mapping[str, str]
    body: bytes


class Unfit(Exception):
    """The message cannot be what it claims to be: `reason` is ``malformed`` or ``foreign``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


async def hear(database: Database, told: Told) -> None:
    """Apply a message in one transaction. Whatever it is, it may be acknowledged once this returns."""
    trace = Trace.new(told.headers.get(messages.CORRELATION_ID), told.headers.get(messages.TRACEPARENT))
    current.set(trace)
    try:
        news = _read(told)
        async with database.tx(Actor("vendor", told.vendor), trace) as tx:
            await _apply(tx, told.vendor, news)
    except Unfit as error:
        await put_aside(database, told, error, trace)


def _read(told: Told) -> News:
    kind = subjects.kind_of(told.subject)
    if subjects.vendor_of(told.subject) != told.vendor or kind not in feeds.FEEDS:
        raise Unfit("malformed", f"no feed has the subject {told.subject}")
    if told.headers.get(messages.SCHEMA, messages.SCHEMA_VERSION) != messages.SCHEMA_VERSION:
        raise Unfit("malformed", f"schema {told.headers[messages.SCHEMA]} is not known")
    if len(told.body) > messages.BODY_BYTES_MAX:
        raise Unfit("malformed", "the body is too large")
    if b"\\u0000" in told.body or any("\0" in value for value in told.headers.values()):
        raise Unfit("malformed", "it holds a NUL, which PostgreSQL keeps nowhere")
    try:
        news = feeds.decode_feed(kind, told.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unfit("malformed", str(error)) from error
    assert isinstance(news, News), "there are no others"
    return news


async def _apply(tx: Tx, vendor: str, news: News) -> None:
    await vendors.lock(tx, vendor)
    if news.at > await tx.now() + AHEAD:
        raise Unfit("malformed", "it is of the future: the vendor's clock is ahead of ours - at `$.at`")
    feed = await store.begin(tx, vendor, news.feed_id, _KIND[type(news)], news.at)
    if (feed.kind, feed.at) != (_KIND[type(news)], news.at):
        raise Unfit("foreign", f"another feed, of {feed.at.isoformat()}, has this id - at `$.feed_id`")
    if isinstance(news, CatalogEnd):
        if feed.pages is None:
            await store.note_end(tx, vendor, feed.id, news.pages, news.rows)
        elif (feed.pages, feed.rows_told) != (news.pages, news.rows):
            raise Unfit("foreign", f"it has ended before, with {feed.pages} pages and {feed.rows_told} rows - at `$.pages`")
    else:
        number = news.number if isinstance(news, CatalogPage) else 1
        if await store.was_heard(tx, vendor, feed.id, number):
            return
        if feed.ended_at is not None:
            raise Unfit("foreign", f"the feed has ended, with {feed.pages} pages - at `$.number`")
        if isinstance(news, ShippingRates):
            await _apply_rates(tx, vendor, news)
            return
        await _apply_page(tx, vendor, news, number)
    await _finish(tx, vendor, feed)


async def _apply_page(tx: Tx, vendor: str, news: CatalogPage | CatalogDelta | StockLevels, number: int) -> None:
    sheet = Sheet(news.rows)
    rows = await (put.put_levels if isinstance(news, StockLevels) else put.put_offers)(tx, vendor, news.at, news.rows, sheet)
    problems = sheet.told()
    if isinstance(news, CatalogDelta) and news.withdrawn:
        below = Sheet(news.withdrawn, "/withdrawn", len(news.rows))
        rows = _sum(rows, await put.withdraw(tx, vendor, news.at, news.withdrawn, below))
        problems += below.told()
    page = NewPage(vendor=vendor, feed_id=news.feed_id, number=number, tally=rows, problems=problems)
    if isinstance(news, CatalogPage):
        page = msgspec.structs.replace(page, skus=sheet.skus(), unnamed=sheet.unnamed())
    await store.add_page(tx, page)
    log.info("feed.page", vendor=vendor, feed=news.feed_id, page=number, **msgspec.structs.asdict(rows))


async def _apply_rates(tx: Tx, vendor: str, news: ShippingRates) -> None:
    sheet = Sheet(news.rates, "/rates")
    rows, reason = await put_rates(tx, vendor, news.at, news.rates, sheet)
    await store.add_page(tx, NewPage(vendor=vendor, feed_id=news.feed_id, number=1, tally=rows, problems=sheet.told()))
    await store.end(tx, vendor, news.feed_id, reason=reason)
    log.info("feed.rates", vendor=vendor, feed=news.feed_id, reason=reason, **msgspec.structs.asdict(rows))


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(**{name: getattr(one, name) + getattr(other, name) for name in Tally.__struct_fields__})


async def _finish(tx: Tx, vendor: str, begun: Feed) -> None:
    """End what has come whole; of a whole catalog, what it does not name is no longer sold."""
    if begun.kind != "catalog":
        await store.end(tx, vendor, begun.id)
        return
    feed = await store.get(tx, vendor, begun.id)
    heard = (await store.heard(tx, vendor, [feed.id]))[feed.id]
    if feed.ended_at is not None or not has_ended(feed, heard):
        return
    if reason := proves_nothing(feed, heard):
        await store.end(tx, vendor, feed.id, reason=reason)
        log.warning("feed.incomplete", vendor=vendor, feed=feed.id, reason=reason)
        return
    absent = await catalog.on_sale_but(tx, vendor, store.listed(vendor, feed.id), feed.at)
    await catalog.take_off_sale(tx, absent, feed.at)
    await store.end(tx, vendor, feed.id, absent=len(absent))
    log.info("feed.complete", vendor=vendor, feed=feed.id, absent=len(absent))


async def put_aside(database: Database, told: Told, error: Unfit, trace: Trace) -> None:
    """Keep what cannot be applied, with why; it stops nothing that follows."""
    log.warning("feed.refused", vendor=told.vendor, subject=told.subject, reason=error.reason, detail=error.detail)
    async with database.tx(Actor("vendor", told.vendor), trace) as tx:
        await keep(tx, refused("feed", told, error.reason, error.detail))
