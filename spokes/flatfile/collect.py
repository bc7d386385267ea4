"""Collects a vendor's files: whole ones only, each content once, filed afterwards with a report beside it."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable

from spokes.flatfile.csv_text import Unusable
from spokes.flatfile.folder import FAILED, INBOX, WORK, Entry, Folder
from spokes.flatfile.load import Loader, Report, report_text
from spokes.flatfile.names import Kind, filed, kind_of, report_of
from spokes.flatfile.settings import Settings
from spokes.flatfile.sheets import Problem, read_sheet
from vendor_sdk.adapter import Facts
from vendor_sdk.errors import AdapterError

log = logging.getLogger(__name__)

FILES_MAX = 1_000
"""At one look, the oldest; the others at the next."""


Loaded = Callable[[Kind, Report], Awaitable[None]]
"""What is to be done when a file has been loaded, before it is filed."""


class Collector:
    """Of one exchange."""

    def __init__(self, settings: Settings, folder: Folder, loader: Loader, facts: Facts, loaded: Loaded) -> None:
        self._settings = settings
        self._folder = folder
        self._loader = loader
        self._facts = facts
        self._loaded = loaded
        self._seen: dict[str, Entry] = {}
        self._one = asyncio.Lock()

    async def look(self) -> None:
        """One look into the inbox. A file whose size or time has changed since the last look is still being written."""
        async with self._one:
            entries = sorted(await self._folder.entries(INBOX), key=lambda each: (each.changed, each.name))
            before, self._seen = self._seen, {each.name: each for each in entries}
            for entry in entries[:FILES_MAX]:
                kind = kind_of(entry.name)
                if kind is None and entry.name not in before:
                    log.info("%r in %s is not for us, or not yet", entry.name[:200], INBOX)
                if kind is not None and before.get(entry.name) == entry:
                    await self._tried(kind, entry)

    async def _tried(self, kind: Kind, entry: Entry) -> None:
        """A file that cannot be collected keeps no other from it; it lies there still, and is tried again at the next look."""
        try:
            await self._collect(kind, entry)
        except (AdapterError, OSError) as error:
            log.warning("%s is not collected, tried again: %s", entry.name, error)
        except Exception:
            log.exception("%s is not collected, tried again", entry.name)

    async def _collect(self, kind: Kind, entry: Entry) -> None:
        path = f"{INBOX}/{entry.name}"
        if entry.size > self._settings.file_bytes_max:
            problem = Problem(0, "", f"larger than {self._settings.file_bytes_max} bytes")
            await self._file(entry, str(entry.size), FAILED, report_text(0, [problem]))
            return
        try:
            body = await self._folder.read(path, entry.size + 1)
        except FileNotFoundError:
            return
        if len(body) != entry.size:
            return
        digest = hashlib.sha256(body).hexdigest()
        if (known := await self._loader.before(kind, digest)) is not None:
            await self._file(entry, digest, *known)
            return
        report = await self._load(kind, body, digest)
        log.info("%s: %d rows loaded, %d problems", entry.name, report.loaded, len(report.problems))
        for fact, message, command_id in report.facts:
            await self._facts.tell(fact, message, command_id=command_id)
        await self._loaded(kind, report)
        await self._file(entry, digest, report.part, report.text)

    async def _load(self, kind: Kind, body: bytes, digest: str) -> Report:
        try:
            sheet = await asyncio.to_thread(read_sheet, kind, body, self._settings.columns)
        except Unusable as error:
            return await self._loader.fail(kind, digest, Problem(error.line, error.field, error.problem))
        return await self._loader.load(sheet, digest)

    async def _file(self, entry: Entry, digest: str, part: str, report: bytes) -> None:
        """The report first: a file that is filed has one."""
        name = filed(entry.name, digest)
        await self._folder.write(f"{WORK}/{report_of(name)}", report)
        await self._folder.move(f"{WORK}/{report_of(name)}", f"{part}/{report_of(name)}")
        await self._folder.move(f"{INBOX}/{entry.name}", f"{part}/{name}")
        self._seen.pop(entry.name, None)
