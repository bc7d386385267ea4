"""What your system has told by itself, and what became of it."""

from collections.abc import AsyncIterator

from vendor_sdk.client.aio.sender import Sender
from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.feeds import Feed, FeedWithErrors, RowError
from vendor_sdk.client.call import get, listed

WHERE = "feeds"


class Feeds:
    """Feeds, by their ids."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self) -> AsyncIterator[Feed]:
        """Each of yours, the last begun first."""
        return self._send.each(listed(Feed, WHERE, limit=100))

    async def page(self, *, limit: int = 20, cursor: str | None = None) -> Page[Feed]:
        """A page of the same."""
        return await self._send(listed(Feed, WHERE, limit=limit, cursor=cursor))

    async def get(self, feed: str) -> FeedWithErrors:
        """How far one is, and the first rows that were not taken."""
        return await self._send(get(FeedWithErrors, WHERE, feed))

    def errors(self, feed: str) -> AsyncIterator[RowError]:
        """All rows that were not taken, in their order, with why."""
        return self._send.each(listed(RowError, WHERE, feed, "errors", limit=100))
