"""An exchange in a folder of this machine."""

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spokes.flatfile.folder import PARTS, Entry
from vendor_sdk.errors import Misconfigured

T = TypeVar("T")
ODD = frozenset({errno.ELOOP, errno.ENXIO})
"""What opening a link, or a pipe, says."""


class LocalFolder:
    """The folder at `root`; what another machine mounts there is the vendor's business."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def open(self) -> None:
        """Make the parts that are missing. Raises `Misconfigured` for one that is a link: it leads out of the folder."""
        for part in PARTS:
            await _threaded(_make, self._root / part)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def entries(self, part: str) -> list[Entry]:
        """The regular files of a part."""
        return await _threaded(_entries, self._root / part)

    async def read(self, path: str, most: int) -> bytes:
        """The first `most` bytes of a file, not through a link."""
        return await _threaded(_read, self._root / path, most)

    async def write(self, path: str, body: bytes) -> None:
        """Write a whole file anew, not through a link, synced."""
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
    except OSError as error:
        if error.errno not in ODD:
            raise
        raise Misconfigured(f"folder: a link or no file where a file of ours belongs: {error}") from error


def _make(part: Path) -> None:
    part.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(part.lstat().st_mode):
        raise Misconfigured(f"folder: {part} is a link")


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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)  # the vendor has to read it
    with os.fdopen(descriptor, "wb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            raise Misconfigured(f"folder: a link or no file where a file of ours belongs: {path}")
        file.truncate()
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
