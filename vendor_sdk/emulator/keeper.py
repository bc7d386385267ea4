"""Keeps the book: each change is saved whole before anything comes of it, or leaves no trace."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from vendor_sdk.emulator.model import Book
from vendor_sdk.errors import Misconfigured

T = TypeVar("T")


class Keeper:
    """The book in memory and, with a `path`, in a file that survives the process."""

    def __init__(self, book: Book, path: Path | None) -> None:
        self.book = book
        self._path = path
        self._saved = b""
        self._save()

    @classmethod
    def open(cls, vendor: str, path: Path | None) -> "Keeper":
        """The book of `vendor` as it was left, or a new one. Raises `Misconfigured` for a file that is none of ours."""
        fresh = Book(vendor=vendor, api_key=f"wk_vendor_{secrets.token_urlsafe(24)}")
        if path is None or not path.exists():
            return cls(fresh, path)
        try:
            book = msgspec.json.decode(path.read_bytes(), type=Book)
        except (msgspec.MsgspecError, OSError) as error:
            raise Misconfigured(f"{path}: not an emulator's book: {error}") from error
        if book.vendor != vendor:
            raise Misconfigured(f"{path}: this is the book of {book.vendor}")
        return cls(book, path)

    def change(self, do: Callable[[Book], T]) -> T:
        """What `do` returns, once what it changed is saved; if it raises, nothing has changed."""
        try:
            result = do(self.book)
            self._save()
        except BaseException:
            self.reload()
            raise
        return result

    def reload(self) -> None:
        """Forget what was not saved, as a process that ends here would."""
        self.book = msgspec.json.decode(self._saved, type=Book)

    def _save(self) -> None:
        saved = msgspec.json.encode(self.book)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.write_bytes(saved)
            os.replace(beside, self._path)  # noqa: PTH105  # the one way to put a file in another's place at once
        self._saved = saved
