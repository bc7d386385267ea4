"""Feeds over HTTP, for vendors: what became of what they told."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import PathParameter
from msgspec import Meta

from hub.feeds import store
from hub.feeds.view import ERRORS_SHOWN, FeedView, FeedWithErrors, RowError, view
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

FeedId = Annotated[str, PathParameter(max_length=64, description="the vendor's own id of the feed")]

BegunAt = Annotated[datetime, Meta(tz=True)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class VendorFeedController(Controller):
    """What a vendor's system has told by itself."""

    path = "/v1/vendor/feeds"
    tags = ["feeds (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[FeedView]]:
        """The vendor's own, the last begun first."""
        after = position_of(cursor, tuple[BegunAt, str])

        async def found(tx: Tx) -> Page[FeedView]:
            feeds = await store.browse(tx, read.actor.id, after=after, limit=limit + 1)
            heard = await store.heard(tx, read.actor.id, [feed.id for feed in feeds])
            return page([view(feed, heard[feed.id]) for feed in feeds], limit, lambda feed: (feed.begun_at, feed.id))

        return await read(found)

    @get("/{feed_id:str}", responses=refuses(404))
    async def one(self, feed_id: FeedId, read: Reading) -> Response[FeedWithErrors]:
        """How far a feed is, what became of its rows, and the first of those that were not taken."""

        async def found(tx: Tx) -> FeedWithErrors:
            feed = await store.get(tx, read.actor.id, feed_id)
            heard = await store.heard(tx, read.actor.id, [feed.id])
            errors = await store.errors(tx, read.actor.id, feed.id, after=None, limit=ERRORS_SHOWN)
            return FeedWithErrors(feed=view(feed, heard[feed.id]), errors=errors)

        return await read(found)

    @get("/{feed_id:str}/errors", responses=refuses(404))
    async def errors(self, feed_id: FeedId, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[RowError]]:
        """All rows that were not taken, in their order, with why."""
        after = position_of(cursor, tuple[Number, Number])

        async def found(tx: Tx) -> Page[RowError]:
            feed = await store.get(tx, read.actor.id, feed_id)
            errors = await store.errors(tx, read.actor.id, feed.id, after=after, limit=limit + 1)
            return page(errors, limit, lambda error: (error.page, error.row))

        return await read(found)
