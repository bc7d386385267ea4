"""One vendor's pages on their way to the hub: on the disk when told, forgotten when the broker has them."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vendor_sdk.durable import Durable

FILE = "feeds.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS page (
    number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, series TEXT NOT NULL, message_id TEXT NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS page_vendor ON page (vendor, number);
CREATE TABLE IF NOT EXISTS told (
    vendor TEXT NOT NULL, series TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (vendor, series)) WITHOUT ROWID;
"""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a feed; `series` is ``catalog``, ``levels`` or ``rates`` if it was told on schedule, else empty."""

    series: str
    message_id: str
    kind: str
    body: bytes


class Pages:
    """All calls return after the change is on the disk. A file of its own, so that no answer waits for a catalog's fsync."""

    def __init__(self, vendor: str, durable: Durable) -> None:
        self._vendor = vendor
        self._durable = durable

    @classmethod
    async def open(cls, vendor: str, folder: Path) -> "Pages":
        """As they were left."""
        return cls(vendor, await Durable.open(folder / FILE, SCHEMA))

    async def close(self) -> None:
        """Let go of the file."""
        await self._durable.close()

    async def put(self, pages: Sequence[Page]) -> None:
        """Keep them, after those that wait."""
        rows = [(self._vendor, page.series, page.message_id, page.kind, page.body) for page in pages]
        await self._durable.do(
            lambda db: db.executemany("INSERT INTO page (vendor, series, message_id, kind, body) VALUES (?, ?, ?, ?, ?)", rows)
        )

    async def first(self) -> tuple[int, Page] | None:
        """The one that has waited longest, and its number."""
        query = "SELECT number, series, message_id, kind, body FROM page WHERE vendor = ? ORDER BY number LIMIT 1"
        row = await self._durable.do(lambda db: db.execute(query, (self._vendor,)).fetchone())
        return None if row is None else (row[0], Page(series=row[1], message_id=row[2], kind=row[3], body=row[4]))

    async def sent(self, number: int) -> None:
        """The broker has it."""
        await self._durable.do(lambda db: db.execute("DELETE FROM page WHERE number = ?", (number,)))

    async def last_told(self, series: str) -> float | None:
        """When (unix seconds) a series was last told whole; infinity while pages of it still wait, None if it never was."""

        def work(db: sqlite3.Connection) -> float | None:
            mine = (self._vendor, series)
            if db.execute("SELECT 1 FROM page WHERE vendor = ? AND series = ? LIMIT 1", mine).fetchone():
                return float("inf")
            row = db.execute("SELECT at FROM told WHERE vendor = ? AND series = ?", mine).fetchone()
            return None if row is None else float(row[0])

        return await self._durable.do(work)

    async def note_told(self, series: str, at: float) -> None:
        """A series has been told whole."""
        await self._durable.do(lambda db: db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (self._vendor, series, at)))
