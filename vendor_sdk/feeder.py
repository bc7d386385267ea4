"""Tells a vendor's catalog, stock and rates: whole on schedule, changes at once, each page in its turn and kept until the broker has it."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from vendor_sdk import feeds, messages
from vendor_sdk.adapter import Adapter
from vendor_sdk.feeds import CatalogDelta, CatalogEnd, CatalogPage, Level, Offered, Rate, Row, ShippingRates, StockLevels
from vendor_sdk.logs import said
from vendor_sdk.messages import Message
from vendor_sdk.pages import Page, Pages
from vendor_sdk.paging import paged
from vendor_sdk.ports import Catalog, Shipping, Stock

log = logging.getLogger(__name__)

Publish = Callable[[Page], Awaitable[None]]
"""Sends a page and returns when the broker has stored it; raises if it may not have."""

CATALOG, LEVELS, RATES = "catalog", "levels", "rates"
LOOK_SECONDS = 1.0
RETRY_FIRST = 0.5
RETRY_MAX = 10.0
AGAIN_SECONDS = 60.0
"""After a schedule's turn that failed, if the next is not sooner."""

Every = Annotated[float, Meta(ge=0, le=30 * 86400)]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often (seconds) the whole catalog, all stock and all rates are told by an adapter that can; 0: never. The first time is at once.

    `patience` is how long one row, or all rates, may be waited for.
    """

    catalog_every: Every = 86_400.0
    levels_every: Every = 900.0
    rates_every: Every = 3600.0
    patience: Annotated[float, Meta(gt=0, le=3600)] = 60.0


class Feeder:
    """The `vendor_sdk.adapter.Feeds` of a running spoke, and what drives its schedule."""

    def __init__(self, pages: Pages, publish: Publish, schedule: Schedule) -> None:
        self._pages = pages
        self._publish = publish
        self._schedule = schedule
        self._stirred = asyncio.Event()
        self._last = datetime.fromtimestamp(0, UTC)
        self._not_before: dict[str, float] = {}

    async def changed(self, offers: Sequence[Offered] = (), withdrawn: Sequence[str] = (), *, at: datetime | None = None) -> list[str]:
        """See `vendor_sdk.adapter.Feeds.changed`."""
        rows = [page async for page in paged(_each(offers), self._schedule.patience)]
        gone = [list(withdrawn[start : start + feeds.ROWS_MAX]) for start in range(0, len(withdrawn), feeds.ROWS_MAX)]
        told = [*(self._delta(at, page, []) for page in rows), *(self._delta(at, [], skus) for skus in gone)]
        await self._keep("", "catalog.delta", told)
        return [each.feed_id for each in told]

    async def counted(self, levels: Sequence[Level], *, at: datetime | None = None) -> list[str]:
        """See `vendor_sdk.adapter.Feeds.counted`."""
        rows = [page async for page in paged(_each(levels), self._schedule.patience)]
        told = [StockLevels(feed_id=_new_id("count"), at=self._moment(at), rows=page) for page in rows]
        await self._keep("", "stock.levels", told)
        return [each.feed_id for each in told]

    async def rated(self, rates: Sequence[Rate], *, at: datetime | None = None) -> list[str]:
        """See `vendor_sdk.adapter.Feeds.rated`."""
        if not rates:
            raise ValueError("no rates are no news")
        return [await self._keep_rates("", rates, self._moment(at))]

    async def tell_catalog(self, adapter: Catalog) -> str | None:
        """Tell all the adapter offers; the feed's id. None if that is nothing, for an empty catalog is rather a fault than news."""
        feed_id, at, number, rows = _new_id(CATALOG), self._moment(None), 0, 0
        async for page in paged(cast("AsyncIterator[Row]", adapter.full()), self._schedule.patience):
            number, rows = number + 1, rows + len(page)
            await self._keep(CATALOG, "catalog.page", [CatalogPage(feed_id=feed_id, number=number, at=at, rows=page)])
        if number == 0:
            return None
        await self._keep(CATALOG, "catalog.end", [CatalogEnd(feed_id=feed_id, at=at, pages=number, rows=rows)])
        return feed_id

    async def tell_levels(self, adapter: Stock) -> None:
        """Tell all counts as of when their reading began: what happened meanwhile is in the next."""
        at = self._moment(None)
        async for page in paged(cast("AsyncIterator[Row]", adapter.levels()), self._schedule.patience):
            await self._keep(LEVELS, "stock.levels", [StockLevels(feed_id=_new_id(LEVELS), at=at, rows=page)])

    async def tell_rates(self, adapter: Shipping) -> str | None:
        """Tell all rates as of when they were asked for; the feed's id. None if there are none. Raises `ValueError` for too many."""
        at = self._moment(None)
        async with asyncio.timeout(self._schedule.patience):
            rates = await adapter.rates()
        return await self._keep_rates(RATES, rates, at) if rates else None

    async def _keep_rates(self, series: str, rates: Sequence[Rate], at: datetime) -> str:
        if len(rates) > feeds.RATES_MAX:
            raise ValueError(f"{len(rates)} rates are more than the {feeds.RATES_MAX} that can be told")
        told = ShippingRates(feed_id=_new_id(RATES), at=at, rates=msgspec.to_builtins(list(rates)))
        await self._keep(series, "shipping.rates", [told])
        return told.feed_id

    def wake(self) -> None:
        """The broker may be there again."""
        self._stirred.set()

    async def send(self) -> None:
        """Publish what waits, in its order, until canceled."""
        pause = RETRY_FIRST
        while True:
            self._stirred.clear()
            try:
                while (found := await self._pages.first()) is not None:
                    await self._publish(found[1])
                    await self._pages.sent(found[0])
                    pause = RETRY_FIRST
            except Exception as error:  # noqa: BLE001 - the broker is away, or has enough for now: it is tried again
                log.warning("feeds wait: %s", said(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MAX)
                continue
            await self._stirred.wait()

    async def keep_time(self, adapter: Adapter[Any]) -> None:
        """Tell what is due by the schedule, until canceled."""
        turns: list[tuple[str, float, Callable[[], Awaitable[object]]]] = []
        if isinstance(adapter, Catalog) and self._schedule.catalog_every:
            turns.append((CATALOG, self._schedule.catalog_every, lambda: self.tell_catalog(adapter)))
        if isinstance(adapter, Stock) and tells_levels(type(adapter)) and self._schedule.levels_every:
            turns.append((LEVELS, self._schedule.levels_every, lambda: self.tell_levels(adapter)))
        if isinstance(adapter, Shipping) and tells_rates(type(adapter)) and self._schedule.rates_every:
            turns.append((RATES, self._schedule.rates_every, lambda: self.tell_rates(adapter)))
        while turns:
            for turn in turns:
                await self._turn(*turn)
            await asyncio.sleep(LOOK_SECONDS)

    async def _turn(self, series: str, every: float, tell: Callable[[], Awaitable[object]]) -> None:
        """While pages of the last time still wait, nothing is added to them."""
        begun = time.time()
        last = await self._pages.last_told(series)
        if begun < self._not_before.get(series, 0.0) or (last is not None and last + every > begun):
            return
        try:
            await tell()
        except Exception as error:  # noqa: BLE001 - the vendor's system is away: half a feed harms nobody, the next is whole
            self._not_before[series] = begun + min(every, AGAIN_SECONDS)
            log.warning("%s not told: %s", series, said(error))
        else:
            await self._pages.note_told(series, begun)

    def _delta(self, at: datetime | None, rows: list[dict[str, Any]], withdrawn: list[str]) -> CatalogDelta:
        return CatalogDelta(feed_id=_new_id("delta"), at=self._moment(at), rows=rows, withdrawn=withdrawn)

    def _moment(self, at: datetime | None) -> datetime:
        """`at`, or now; later than any now before, for what is as old as what is known is no news."""
        if at is not None:
            return at
        self._last = max(datetime.fromtimestamp(time.time(), UTC), self._last + timedelta(microseconds=1))
        return self._last

    async def _keep(self, series: str, kind: str, told: Sequence[Message]) -> None:
        await self._pages.put(
            [Page(series=series, message_id=_message_id(kind, each), kind=kind, body=messages.encode(each)) for each in told]
        )
        self.wake()


def tells_levels(adapter: type) -> bool:
    """Whether an adapter class can count its stock."""
    return getattr(adapter, "levels", None) not in {None, Stock.levels}


def tells_rates(adapter: type) -> bool:
    """Whether an adapter class can tell its shipping rates."""
    return getattr(adapter, "rates", None) not in {None, Shipping.rates}


def _message_id(kind: str, message: Message) -> str:
    word = kind.rsplit(".", 1)[-1]
    return f"{getattr(message, 'feed_id', '')}.{word}.{getattr(message, 'number', 1)}"


def _new_id(word: str) -> str:
    return f"{word}-{int(time.time() * 1000)}-{secrets.token_hex(4)}"


async def _each(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row
