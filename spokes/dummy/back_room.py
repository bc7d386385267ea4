"""The vendor's back room: which returns it expects, when they are back, and how it found them."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vendor_sdk.durable import Durable
from vendor_sdk.messages import Authorized, Canceled, Inspected, Pending, Received, ReturnItem

SCHEMA = """
CREATE TABLE IF NOT EXISTS expected (
    vendor TEXT NOT NULL, return_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('authorized', 'canceled')), back_at REAL,
    PRIMARY KEY (vendor, return_id)) WITHOUT ROWID;
"""

FILE = "dummy-returns.sqlite"


class BackRoom:
    """What one vendor takes back. Each method is one transaction, on the disk when it returns."""

    def __init__(self, vendor: str, file: Durable, damaged: Mapping[str, int]) -> None:
        self._vendor = vendor
        self._file = file
        self._damaged = damaged

    @classmethod
    async def open(cls, vendor: str, data: Path, damaged: Mapping[str, int]) -> "BackRoom":
        """The back room of `vendor`, as it was left."""
        return cls(vendor, await Durable.open(data / FILE, SCHEMA), damaged)

    async def close(self) -> None:
        """Let go of the file."""
        await self._file.close()

    async def authorize(self, sub_order_id: str, return_id: str, back_after: float | None) -> Authorized:
        """Expect a return, which is back `back_after` seconds from the first asking (None: never)."""

        def work(db: sqlite3.Connection) -> Authorized:
            back_at = None if back_after is None else time.time() + back_after
            db.execute("INSERT OR IGNORE INTO expected VALUES (?, ?, 'authorized', ?)", (self._vendor, return_id, back_at))
            return Authorized(sub_order_id=sub_order_id, reference=f"RMA-{return_id[-8:]}", instructions="Return Street 1, Berlin")

        return await self._file.do(work)

    async def inspect(self, sub_order_id: str, return_id: str, items: Sequence[ReturnItem], back_after: float | None) -> Received | Pending:
        """What is back of a return, with as many damaged units as the switches say."""

        def work(db: sqlite3.Connection) -> Received | Pending:
            mine = (self._vendor, return_id)
            back_at = None if back_after is None else time.time() + back_after
            db.execute("INSERT OR IGNORE INTO expected VALUES (?, ?, 'authorized', ?)", (*mine, back_at))  # somebody may have agreed for us
            back = "SELECT 1 FROM expected WHERE vendor = ? AND return_id = ? AND state = 'authorized' AND back_at <= ?"
            if db.execute(back, (*mine, time.time())).fetchone() is None:
                return Pending(sub_order_id=sub_order_id)
            return self.received(sub_order_id, items)

        return await self._file.do(work)

    def received(self, sub_order_id: str, items: Sequence[ReturnItem]) -> Received:
        """All of it is back."""
        found = [(item, min(item.quantity, self._damaged.get(item.sku, 0))) for item in items]
        counted = [Inspected(sku=item.sku, good=item.quantity - damaged, damaged=damaged) for item, damaged in found]
        return Received(sub_order_id=sub_order_id, items=counted)

    async def cancel(self, sub_order_id: str, return_id: str) -> Canceled:
        """Expect it no longer."""

        def work(db: sqlite3.Connection) -> Canceled:
            db.execute("INSERT OR REPLACE INTO expected VALUES (?, ?, 'canceled', NULL)", (self._vendor, return_id))
            return Canceled(sub_order_id=sub_order_id)

        return await self._file.do(work)
