"""The vendor's own system: stock, orders and parcels in a SQLite file, with an idempotency key on every change."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from spokes.items import units
from vendor_sdk.durable import Durable
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Item,
    Kept,
    Parcel,
    Pending,
    Recalled,
    Refused,
    Released,
    Reserved,
    Restocked,
    Shipped,
    Shortfall,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS holding (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'ordered', 'shipped')), expires_at REAL,
    PRIMARY KEY (vendor, sub_order_id, sku)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holding_sku ON holding (vendor, sku);
CREATE TABLE IF NOT EXISTS purchase (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('ordered', 'recalled', 'shipped')),
    decided_at REAL NOT NULL, leaves_at REAL, arrives_at REAL,
    PRIMARY KEY (vendor, sub_order_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS restocked (id INTEGER PRIMARY KEY, vendor TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY, vendor TEXT NOT NULL, command_id TEXT NOT NULL, verb TEXT NOT NULL, sub_order_id TEXT NOT NULL,
    at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS effects_command ON effects (vendor, command_id);
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, vendor TEXT NOT NULL, command_id TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS strikes (
    vendor TEXT NOT NULL, fault TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (vendor, fault)) WITHOUT ROWID;
"""
"""`effects` is append-only and keyed by nothing, so that a change made twice would show as two rows."""

FILE = "dummy.sqlite"
LOADING_SECONDS = 0.25
"""So shortly before the goods leave, nothing can be stopped any more."""


class Warehouse:
    """What one vendor has and owes. Each method is one transaction, on the disk when it returns."""

    def __init__(self, vendor: str, file: Durable, stock: Mapping[str, int], *, forgetful: bool) -> None:
        self._vendor = vendor
        self._file = file
        self._stock = stock
        self._forgetful = forgetful

    @classmethod
    async def open(cls, vendor: str, data: Path, stock: Mapping[str, int], *, forgetful: bool) -> "Warehouse":
        """The warehouse of `vendor`, as it was left."""
        return cls(vendor, await Durable.open(data / FILE, SCHEMA), stock, forgetful=forgetful)

    async def close(self) -> None:
        """Let go of the file."""
        await self._file.close()

    async def reserve(self, key: str, sub_order_id: str, items: Sequence[Item], expires_at: float) -> Reserved | Refused:
        """Hold all items until `expires_at` (unix seconds), or none."""

        def work(db: sqlite3.Connection) -> Reserved | Refused:
            if not self._done(db, key):
                if short := self._short(db, sub_order_id, items):
                    return Refused(sub_order_id=sub_order_id, reason="out_of_stock", detail=f"not enough of {short}")
                self._hold(db, sub_order_id, items, "reserved", expires_at)
                self._effect(db, key, "reserve", sub_order_id)
            return Reserved(sub_order_id=sub_order_id, reference=f"R-{sub_order_id[-8:]}")

        return await self._file.do(work)

    async def release(self, key: str, sub_order_id: str) -> Released:
        """Give back what is reserved, if anything is."""

        def work(db: sqlite3.Connection) -> Released:
            rows = db.execute(
                "DELETE FROM holding WHERE vendor = ? AND sub_order_id = ? AND state = 'reserved'", (self._vendor, sub_order_id)
            )
            if rows.rowcount:
                self._effect(db, key, "release", sub_order_id)
            return Released(sub_order_id=sub_order_id)

        return await self._file.do(work)

    async def submit(
        self, key: str, sub_order_id: str, items: Sequence[Item], accept_after: float, short: Sequence[Shortfall] = ()
    ) -> Accepted | Declined | Pending:
        """Take an order on but for what is `short`, decided `accept_after` seconds from the first asking."""
        kept = without(items, short)

        def work(db: sqlite3.Connection) -> Accepted | Declined | Pending:
            now = time.time()
            if not self._done(db, key):
                if not kept:
                    return Declined(sub_order_id=sub_order_id, reason="out_of_stock")
                if lacking := self._short(db, sub_order_id, kept):
                    return Declined(sub_order_id=sub_order_id, reason="out_of_stock", detail=f"not enough of {lacking}")
                db.execute("DELETE FROM holding WHERE vendor = ? AND sub_order_id = ?", (self._vendor, sub_order_id))
                self._hold(db, sub_order_id, kept, "ordered", None)
                db.execute(
                    "INSERT OR REPLACE INTO purchase VALUES (?, ?, 'ordered', ?, NULL, NULL)",
                    (self._vendor, sub_order_id, now + accept_after),
                )
                self._effect(db, key, "submit", sub_order_id)
            row = self._purchase(db, sub_order_id, "state, decided_at")
            if row is not None and row[0] == "recalled":
                return Declined(sub_order_id=sub_order_id, reason="recalled")
            if row is not None and row[1] > now:
                return Pending(sub_order_id=sub_order_id)
            return accepted(sub_order_id, short)

        return await self._file.do(work)

    async def recall(self, key: str, sub_order_id: str) -> Recalled | Kept:
        """Stop an order unless its goods have left."""

        def work(db: sqlite3.Connection) -> Recalled | Kept:
            row = self._purchase(db, sub_order_id, "state, leaves_at")
            if row is not None and row[0] == "shipped" and row[1] - LOADING_SECONDS <= time.time():
                return Kept(sub_order_id=sub_order_id)
            if row is not None and row[0] != "recalled":
                mine = (self._vendor, sub_order_id)
                db.execute("UPDATE purchase SET state = 'recalled' WHERE vendor = ? AND sub_order_id = ?", mine)
                db.execute("DELETE FROM holding WHERE vendor = ? AND sub_order_id = ?", mine)
                self._effect(db, key, "recall", sub_order_id)
            return Recalled(sub_order_id=sub_order_id)

        return await self._file.do(work)

    async def ship(self, key: str, sub_order_id: str, times: tuple[float, float | None], carrier: str) -> Shipped | Pending | None:
        """Send an order: it leaves and arrives after `times` seconds. None if it was recalled."""

        def work(db: sqlite3.Connection) -> Shipped | Pending | None:
            now = time.time()
            row = self._purchase(db, sub_order_id, "state")
            if row is not None and row[0] == "recalled":
                return None
            if not self._done(db, key):
                leaves_at = now + times[0]
                arrives_at = None if times[1] is None else leaves_at + times[1]
                db.execute(
                    "INSERT OR REPLACE INTO purchase VALUES (?, ?, 'shipped', ?, ?, ?)",
                    (self._vendor, sub_order_id, now, leaves_at, arrives_at),
                )
                db.execute("UPDATE holding SET state = 'shipped' WHERE vendor = ? AND sub_order_id = ?", (self._vendor, sub_order_id))
                self._effect(db, key, "ship", sub_order_id)
            left = self._purchase(db, sub_order_id, "leaves_at")
            if left is not None and left[0] > now:
                return Pending(sub_order_id=sub_order_id)
            return shipped(sub_order_id, carrier)

        return await self._file.do(work)

    async def track(self, sub_order_id: str) -> Delivered | Pending:
        """Whether an order has arrived."""
        row = await self._file.do(lambda db: self._purchase(db, sub_order_id, "arrives_at"))
        arrived = row is not None and row[0] is not None and row[0] <= time.time()
        return Delivered(sub_order_id=sub_order_id) if arrived else Pending(sub_order_id=sub_order_id)

    async def restock(self, key: str, sub_order_id: str, items: Sequence[Item]) -> Restocked:
        """Count units as for sale again."""

        def work(db: sqlite3.Connection) -> Restocked:
            if not self._done(db, key):
                rows = [(self._vendor, sku, quantity) for sku, quantity in units(items).items()]
                db.executemany("INSERT INTO restocked (vendor, sku, quantity) VALUES (?, ?, ?)", rows)
                self._effect(db, key, "restock", sub_order_id)
            return Restocked(sub_order_id=sub_order_id)

        return await self._file.do(work)

    async def free(self) -> dict[str, int]:
        """Units of each SKU that can be short which nobody holds or was sent."""

        def work(db: sqlite3.Connection) -> dict[str, int]:
            return {sku: max(0, units + self._back(db, sku) - self._taken(db, sku)) for sku, units in self._stock.items()}

        return await self._file.do(work)

    async def called(self, key: str, kind: str) -> None:
        """Note that the system was asked, whether or not it then did anything."""
        await self._file.do(
            lambda db: db.execute("INSERT INTO calls (vendor, command_id, kind) VALUES (?, ?, ?)", (self._vendor, key, kind))
        )

    async def strike(self, fault: str, times: int) -> bool:
        """Count one strike of a fault, unless it has struck so many `times`; remembered over restarts."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT count FROM strikes WHERE vendor = ? AND fault = ?", (self._vendor, fault)).fetchone()
            count: int = row[0] if row else 0
            if count < times:
                db.execute("INSERT OR REPLACE INTO strikes VALUES (?, ?, ?)", (self._vendor, fault, count + 1))
            return count < times

        return await self._file.do(work)

    def _done(self, db: sqlite3.Connection, key: str) -> bool:
        mine = (self._vendor, key)
        return not self._forgetful and db.execute("SELECT 1 FROM effects WHERE vendor = ? AND command_id = ?", mine).fetchone() is not None

    def _effect(self, db: sqlite3.Connection, key: str, verb: str, sub_order_id: str) -> None:
        db.execute(
            "INSERT INTO effects (vendor, command_id, verb, sub_order_id, at) VALUES (?, ?, ?, ?, ?)",
            (self._vendor, key, verb, sub_order_id, time.time()),
        )

    def _short(self, db: sqlite3.Connection, sub_order_id: str, items: Sequence[Item]) -> str | None:
        """The first SKU of which there are too few for this order, not counting what it already holds."""
        wanted = units(items)
        for sku, quantity in wanted.items():
            if sku not in self._stock:
                continue
            if self._stock[sku] + self._back(db, sku) - self._taken(db, sku, but_for=sub_order_id) < quantity:
                return sku
        return None

    def _taken(self, db: sqlite3.Connection, sku: str, but_for: str = "") -> int:
        row = db.execute(
            "SELECT coalesce(sum(quantity), 0) FROM holding WHERE vendor = ? AND sku = ? AND sub_order_id <> ?"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (self._vendor, sku, but_for, time.time()),
        ).fetchone()
        return int(row[0])

    def _back(self, db: sqlite3.Connection, sku: str) -> int:
        row = db.execute("SELECT coalesce(sum(quantity), 0) FROM restocked WHERE vendor = ? AND sku = ?", (self._vendor, sku)).fetchone()
        return int(row[0])

    def _hold(self, db: sqlite3.Connection, sub_order_id: str, items: Sequence[Item], state: str, expires_at: float | None) -> None:
        for sku, quantity in units(items).items():
            db.execute(
                "INSERT OR REPLACE INTO holding VALUES (?, ?, ?, ?, ?, ?)", (self._vendor, sub_order_id, sku, quantity, state, expires_at)
            )

    def _purchase(self, db: sqlite3.Connection, sub_order_id: str, columns: str) -> sqlite3.Row | None:
        return db.execute(f"SELECT {columns} FROM purchase WHERE vendor = ? AND sub_order_id = ?", (self._vendor, sub_order_id)).fetchone()


def accepted(sub_order_id: str, short: Sequence[Shortfall]) -> Accepted:
    """An order taken on, but for what is `short`."""
    return Accepted(sub_order_id=sub_order_id, reference=f"O-{sub_order_id[-8:]}", short=list(short))


def too_many(items: Sequence[Item], at_most: Mapping[str, int]) -> list[Shortfall]:
    """What of these items is more than an order gets."""
    asked = units(items)
    return [Shortfall(sku=sku, quantity=asked[sku] - most) for sku, most in at_most.items() if asked.get(sku, 0) > most]


def without(items: Sequence[Item], short: Sequence[Shortfall]) -> list[Item]:
    """The items that are left."""
    missing = {each.sku: each.quantity for each in short}
    left = {sku: quantity - missing.get(sku, 0) for sku, quantity in units(items).items()}
    return [Item(sku=sku, quantity=quantity) for sku, quantity in left.items() if quantity > 0]


def shipped(sub_order_id: str, carrier: str) -> Shipped:
    """One box, with a tracking number that follows from the sub-order."""
    return Shipped(sub_order_id=sub_order_id, parcels=[Parcel(carrier=carrier, tracking_number=f"DP-{sub_order_id}"[:128])])
