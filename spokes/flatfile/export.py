"""Writes our files into the exchange, each once, wherever a crash comes between; and gets an order's back."""

import asyncio

from spokes.flatfile.book import Book
from spokes.flatfile.folder import CANCELED, WORK, Folder
from vendor_sdk.errors import Misconfigured


class Export:
    """From the book into the folder.

    A file is written into the work part, noted as staged, and moved to where the vendor takes it. Staged and not in the
    work part any more, it has been moved, though the vendor may have taken it since: so it is never written twice.
    """

    def __init__(self, book: Book, folder: Folder) -> None:
        self._book = book
        self._folder = folder
        self._one = asyncio.Lock()

    async def finish(self, sub_order_id: str) -> None:
        """Write what the book wants written of a sub-order."""
        async with self._one:
            for path, body, state in await self._book.unwritten(sub_order_id):
                staged = f"{WORK}/{_name(path)}"
                if state == "new":
                    await self._folder.write(staged, body)
                    await self._book.mark(path, "staged")
                await self._moved(staged, path)
                await self._book.mark(path, "written")

    async def withdraw(self, path: str) -> bool:
        """Whether an order's file could be got back before the vendor took it; asked again, whether it was."""
        async with self._one:
            kept = f"{CANCELED}/{_name(path)}"
            return await self._moved(path, kept) or await self._folder.exists(kept)

    async def _moved(self, old: str, new: str) -> bool:
        try:
            await self._folder.move(old, new)
        except FileNotFoundError as error:
            if await self._folder.exists(old):
                raise Misconfigured(f"folder: {new.partition('/')[0]}/ is missing") from error
            return False
        return True


def _name(path: str) -> str:
    return path.rpartition("/")[2]
