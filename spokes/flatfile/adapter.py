"""The flatfile adapter: answers from its own book, writes orders as files, and collects the vendor's in the background."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from spokes.flatfile.book import Book
from spokes.flatfile.collect import Collector
from spokes.flatfile.export import Export
from spokes.flatfile.load import Loader, Report
from spokes.flatfile.local import LocalFolder
from spokes.flatfile.names import Kind
from spokes.flatfile.orders import cancellation_file, order_file, request_file
from spokes.flatfile.settings import Settings
from spokes.flatfile.sftp import SftpFolder
from spokes.flatfile.tables import FILE, SCHEMA
from vendor_sdk.adapter import Adapter
from vendor_sdk.durable import Durable
from vendor_sdk.errors import AdapterError
from vendor_sdk.feeds import Level, Offered, Rate
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Kept,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Ship,
    Shipped,
    Submit,
    Track,
)
from vendor_sdk.ports import Catalog, Context, Orders, Shipping, Stock

log = logging.getLogger(__name__)

LOOK_SECONDS = 120.0
"""One look that takes longer has lost its server without noticing."""


class FlatFile(Adapter[Settings], Stock, Orders, Shipping, Catalog):
    """A vendor that exchanges files."""

    async def open(self) -> None:
        """Open the book and the exchange, then begin to collect."""
        its = self.config
        self._folder = SftpFolder(its) if its.host else LocalFolder(Path(its.folder))
        self._file = await Durable.open(self.data / FILE, SCHEMA)
        try:
            await self._folder.open()
        except BaseException:
            await self._folder.close()
            await self._file.close()
            raise
        self._book = Book(self.vendor, self._file)
        self._export = Export(self._book, self._folder)
        self._collector = Collector(its, self._folder, Loader(self.vendor, self._file), self.facts, self._loaded)
        self._looking = asyncio.create_task(self._look_on(), name=f"flatfile {self.vendor}")

    async def close(self) -> None:
        """Stop collecting, and let go of everything."""
        self._looking.cancel()
        with suppress(asyncio.CancelledError):
            await self._looking
        await self._folder.close()
        await self._file.close()

    async def look(self) -> None:
        """Look into the inbox now."""
        await self._collector.look()

    async def full(self) -> AsyncIterator[Offered]:
        """What the last catalog files say."""
        for each in await self._book.offered(self.config.category):
            yield each

    async def levels(self) -> AsyncIterator[Level]:
        """What the last stock file says, less what is held since and what has left."""
        for each in await self._book.levels():
            yield each

    async def rates(self) -> list[Rate]:
        """What the last rates files say; none where there was no such file."""
        return await self._book.rates()

    async def _loaded(self, kind: Kind, report: Report) -> None:
        """Tell what a file has changed at once. Dead before it is told, it is told with the next reading of all."""
        if kind is Kind.STOCK and report.loaded:
            await self.feeds.counted(await self._book.levels())
        if kind is Kind.CATALOG and report.loaded:
            await self.feeds.changed(await self._book.offered(self.config.category), report.gone)
        if kind is Kind.RATES and report.loaded:
            await self.feeds.rated(await self._book.rates())

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """From the stock that the vendor's files told."""
        return await self._book.reserve(command, context.command_id)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - it names what it gives back
        """Give it back."""
        await self._book.release(command)
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """At once, or by a request that the vendor answers with a file."""
        by_file = self.config.accept == "by_file"
        request = request_file(command, context.command_id, self.config.delimiter) if by_file else None
        answer = await self._book.submit(command, context.command_id, request)
        await self._export.finish(command.sub_order_id)
        return answer

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        """Stop it, if its order can be got back before the vendor takes it; taken, it counts as leaving."""
        sub = command.sub_order_id
        answer = await self._book.recall(command, cancellation_file(command, context.command_id, self.config.delimiter))
        await self._export.finish(sub)
        if answer is not None:
            return answer
        if await self._export.withdraw(await self._book.order_path(sub)):
            await self._book.withdrawn(sub)
            return Recalled(sub_order_id=sub)
        return Kept(sub_order_id=sub, reason="in_fulfillment")

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        """Write the order; its parcels come with a shipments file."""
        order = partial(order_file, command, context.command_id, delimiter=self.config.delimiter)
        answer = await self._book.ship(command, context.command_id, order)
        await self._export.finish(command.sub_order_id)
        return answer

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - it changes nothing
        """What the shipments files told."""
        return await self._book.track(command.sub_order_id)

    async def _look_on(self) -> None:
        """Look from time to time. What fails is tried again: the files lie there still."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look()
            except (AdapterError, OSError) as error:
                log.warning("not collected, tried again: %s", error)
            except Exception:
                log.exception("not collected, tried again")
            await asyncio.sleep(self.config.poll)
