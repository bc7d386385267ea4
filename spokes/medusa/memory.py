"""What we asked a Medusa server for, noted before it is asked: after a crash we look there instead of asking twice."""

import time

import msgspec

from vendor_sdk.durable import Durable

FILE = "medusa.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, sub_order_id TEXT NOT NULL, began_at REAL NOT NULL,
    asked_at REAL NOT NULL DEFAULT 0, expires_at REAL, over INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vendor, command_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_sub_order ON held (vendor, sub_order_id);
CREATE INDEX IF NOT EXISTS held_expires ON held (vendor, expires_at) WHERE over = 0;
CREATE TABLE IF NOT EXISTS ordered (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, began_at REAL NOT NULL, order_id TEXT,
    PRIMARY KEY (vendor, sub_order_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS restocked (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, item_id TEXT NOT NULL, was REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vendor, command_id, item_id)) WITHOUT ROWID;
"""
"""`asked_at` is when a call went out whose answer we do not have; 0 if there is none. `expires_at` is none from the submit on."""

OLDEST = "ORDER BY expires_at LIMIT 20"


class Held(msgspec.Struct, frozen=True, array_like=True):
    """Units that a reserve set aside, perhaps in vain."""

    command_id: str
    asked_at: float
    is_over: bool


class Ordered(msgspec.Struct, frozen=True, array_like=True):
    """An order that was asked for, perhaps in vain: then `order_id` is None, and the shop has to be searched from `began_at`."""

    began_at: float
    order_id: str | None


class Memory:
    """One vendor's; many may share the file."""

    def __init__(self, vendor: str, file: Durable) -> None:
        self._vendor = vendor
        self._file = file

    async def intend(self, command_id: str, sub_order_id: str, expires_at: float) -> None:
        """Units are about to be set aside."""
        statement = "INSERT OR IGNORE INTO held (vendor, command_id, sub_order_id, began_at, expires_at) VALUES (?, ?, ?, ?, ?)"
        await self._do(statement, command_id, sub_order_id, time.time(), expires_at)

    async def asked(self, command_id: str, *, answered: bool) -> None:
        """A call of a reserve goes out, or its answer came."""
        at = 0.0 if answered else time.time()
        await self._do("UPDATE held SET asked_at = ?2 WHERE vendor = ?1 AND command_id = ?3", at, command_id)

    async def keep(self, sub_order_id: str) -> None:
        """What a sub-order has set aside does not expire any more."""
        await self._do("UPDATE held SET expires_at = NULL WHERE vendor = ?1 AND sub_order_id = ?2", sub_order_id)

    async def end(self, command_id: str) -> None:
        """It counts no more."""
        await self._do("UPDATE held SET over = 1 WHERE vendor = ?1 AND command_id = ?2", command_id)

    async def held(self, command_id: str) -> Held | None:
        """What a reserve set aside."""
        row = await self._one("SELECT command_id, asked_at, over FROM held WHERE vendor = ? AND command_id = ?", command_id)
        return None if row is None else _held(row)

    async def held_for(self, sub_order_id: str) -> list[Held]:
        """All that a sub-order has set aside."""
        statement = "SELECT command_id, asked_at, over FROM held WHERE vendor = ? AND sub_order_id = ? AND over = 0 ORDER BY began_at"
        return [_held(row) for row in await self._all(statement, sub_order_id)]

    async def expired(self) -> list[Held]:
        """Some of what was held too long."""
        statement = f"SELECT command_id, asked_at, over FROM held WHERE vendor = ? AND over = 0 AND expires_at <= ? {OLDEST}"
        return [_held(row) for row in await self._all(statement, time.time())]

    async def still_expired(self, command_id: str) -> Held | None:
        """A row as it is now; None if it was kept, or is over."""
        statement = "SELECT command_id, asked_at, over FROM held WHERE vendor = ? AND command_id = ? AND over = 0 AND expires_at <= ?"
        row = await self._one(statement, command_id, time.time())
        return None if row is None else _held(row)

    async def put_off(self, command_id: str, until: float) -> None:
        """It expires then, in unix seconds."""
        await self._do("UPDATE held SET expires_at = ?2 WHERE vendor = ?1 AND command_id = ?3", until, command_id)

    async def ordering(self, sub_order_id: str) -> None:
        """An order is about to be asked for; from the first time on it is looked for."""
        statement = "INSERT OR IGNORE INTO ordered (vendor, sub_order_id, began_at) VALUES (?, ?, ?)"
        await self._do(statement, sub_order_id, time.time())

    async def made(self, sub_order_id: str, order_id: str) -> None:
        """The shop has it."""
        await self._do("UPDATE ordered SET order_id = ?3 WHERE vendor = ?1 AND sub_order_id = ?2", sub_order_id, order_id)

    async def forget(self, sub_order_id: str) -> None:
        """The shop surely has none."""
        await self._do("DELETE FROM ordered WHERE vendor = ?1 AND sub_order_id = ?2", sub_order_id)

    async def ordered(self, sub_order_id: str) -> Ordered | None:
        """A sub-order's order."""
        row = await self._one("SELECT began_at, order_id FROM ordered WHERE vendor = ? AND sub_order_id = ?", sub_order_id)
        return None if row is None else msgspec.convert(row, Ordered)

    async def restocking(self, command_id: str, item_id: str, was: float) -> tuple[float, bool]:
        """What was in stock when a restock first looked, and whether it is done."""
        await self._do("INSERT OR IGNORE INTO restocked (vendor, command_id, item_id, was) VALUES (?, ?, ?, ?)", command_id, item_id, was)
        statement = "SELECT was, done FROM restocked WHERE vendor = ? AND command_id = ? AND item_id = ?"
        first, done = (await self._all(statement, command_id, item_id))[0]
        return msgspec.convert(first, float), bool(done)

    async def restocked(self, command_id: str, item_id: str) -> None:
        """It is counted."""
        await self._do("UPDATE restocked SET done = 1 WHERE vendor = ?1 AND command_id = ?2 AND item_id = ?3", command_id, item_id)

    async def _do(self, statement: str, *values: str | float | None) -> None:
        await self._file.do(lambda db: db.execute(statement, (self._vendor, *values)))

    async def _one(self, statement: str, *values: str | float) -> tuple[object, ...] | None:
        rows = await self._all(statement, *values)
        return rows[0] if rows else None

    async def _all(self, statement: str, *values: str | float) -> list[tuple[object, ...]]:
        return await self._file.do(lambda db: db.execute(statement, (self._vendor, *values)).fetchall())


def _held(row: tuple[object, ...]) -> Held:
    return msgspec.convert((*row[:2], bool(row[2])), Held)
