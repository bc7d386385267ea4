"""An exchange in a folder of this machine."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spokes.flatfile.folder import PARTS, Entry
from vendor_sdk.errors import Misconfigured

T = TypeVar("T")


class LocalFolder:
    """The folder at `root`; what another machine mounts there is the vendor's business."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def open(self) -> None:
        """Make the parts that are missing."""
        for part in PARTS:
            await _threaded((self._root / part).mkdir, parents=True, exist_ok=True)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def entries(self, part: str) -> list[Entry]:
        """The regular files of a part."""
        return await _threaded(_entries, self._root / part)

    async def read(self, path: str, most: int) -> bytes:
        """The first `most` bytes of a file, not through a link."""
        return await _threaded(_read, self._root / path, most)

    async def write(self, path: str, body: bytes) -> None:
        """Write a whole file anew, synced."""
        await _threaded(_write, self._root / path, body)

    async def move(self, old: str, new: str) -> None:
        """Move a file in one step, and sync where it now is."""
        await _threaded(_move, self._root / old, self._root / new)

    async def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return await _threaded(os.path.lexists, self._root / path)


async def _threaded(work: Callable[..., T], *args: object, **kwargs: object) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise Misconfigured(f"folder: {error}") from error


def _entries(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                about = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(about.st_mode):
                found.append(Entry(entry.name, about.st_size, about.st_mtime))
    return found


def _read(path: Path, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most)


def _write(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _move(old: Path, new: Path) -> None:
    old.replace(new)
    for folder in {old.parent, new.parent}:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
