"""What a vendor's spoke tells in feeds, heard without a broker."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hub.feeds.hear import Told, hear
from hub.runtime.database import Database
from vendor_sdk import messages, subjects

EUR = {"amount": 1000, "currency": "EUR"}


def at(minute: float = 0) -> datetime:
    """A moment by the vendor's clock, all of them long past."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def recent(seconds: float = 0) -> datetime:
    """A moment from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251  # the tests stand for the vendor


def offered(sku: str, amount: int = 1000, **more: Any) -> dict[str, Any]:
    """A row of a catalog."""
    product = {"title": f"Zebra {sku}", "category": "kitchen"}
    return {"sku": sku, "price": {"amount": amount, "currency": "EUR"}, "product": product, **more}


class Desk:
    """Tells for one vendor."""

    def __init__(self, database: Database, vendor: str) -> None:
        self._database = database
        self.vendor = vendor

    async def raw(self, kind: str, body: bytes, **headers: str) -> None:
        """Any bytes."""
        told = Told(
            vendor=self.vendor, subject=subjects.feed(self.vendor, kind), headers={messages.MSG_ID: f"{hash(body)}", **headers}, body=body
        )
        await hear(self._database, told)

    async def tell(self, kind: str, **body: Any) -> None:
        """A message."""
        await self.raw(kind, msgspec.json.encode(body))

    async def page(self, feed: str, when: datetime, *rows: Any, number: int = 1) -> None:
        await self.tell("catalog.page", feed_id=feed, number=number, at=when, rows=list(rows))

    async def end(self, feed: str, when: datetime, *, pages: int, rows: int) -> None:
        await self.tell("catalog.end", feed_id=feed, at=when, pages=pages, rows=rows)

    async def whole(self, feed: str, when: datetime, *rows: Any) -> None:
        """A catalog of one page."""
        await self.page(feed, when, *rows)
        await self.end(feed, when, pages=1, rows=len(rows))

    async def delta(self, feed: str, when: datetime, *rows: Any, withdrawn: Sequence[str] = ()) -> None:
        await self.tell("catalog.delta", feed_id=feed, at=when, rows=list(rows), withdrawn=list(withdrawn))

    async def levels(self, feed: str, when: datetime, **stock: int) -> None:
        await self.tell("stock.levels", feed_id=feed, at=when, rows=[{"sku": sku, "stock": units} for sku, units in stock.items()])
