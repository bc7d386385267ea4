"""The folder between a vendor and us: its parts, what is done in it, and who may be in which part."""

from typing import Protocol

import msgspec

INBOX = "in"
REQUESTS, ORDERS, CANCELLATIONS = "requests", "orders", "cancellations"
DONE, FAILED = "done", "failed"
WORK, CANCELED = "work", "canceled"
PARTS = (INBOX, REQUESTS, ORDERS, CANCELLATIONS, DONE, FAILED, WORK, CANCELED)
"""The vendor writes into `INBOX` and takes from the next three; the others are ours."""


class Entry(msgspec.Struct, frozen=True):
    """A regular file; `size` in bytes, `changed` in unix seconds."""

    name: str
    size: int
    changed: float


class Folder(Protocol):
    """What an exchange needs of a place for files. Paths are ``<part>/<name>``.

    Raises `FileNotFoundError` for a file that is not there, and otherwise in the SDK's words.
    """

    async def open(self) -> None:
        """Make the parts that are missing."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...

    async def entries(self, part: str) -> list[Entry]:
        """The regular files of a part; links and folders are none."""
        ...

    async def read(self, path: str, most: int) -> bytes:
        """The first `most` bytes of a file."""
        ...

    async def write(self, path: str, body: bytes) -> None:
        """Write a whole file anew; on the disk when it returns."""
        ...

    async def move(self, old: str, new: str) -> None:
        """Move a file in one step, over what is there."""
        ...

    async def exists(self, path: str) -> bool:
        """Whether there is a file."""
        ...
