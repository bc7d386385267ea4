"""What we asked a shop to create, noted before it is asked: after a crash we look there instead of creating twice."""

import sqlite3
import time

import msgspec

from vendor_sdk.durable import Durable

FILE = "woocommerce.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, sub_order_id TEXT NOT NULL, began_at REAL NOT NULL, asked_at REAL NOT NULL,
    expires_at REAL,
    order_id INTEGER, ship_command_id TEXT NOT NULL DEFAULT '', over INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vendor, command_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_sub_order ON held (vendor, sub_order_id);
CREATE INDEX IF NOT EXISTS held_expires ON held (vendor, expires_at) WHERE over = 0;
CREATE INDEX IF NOT EXISTS held_order ON held (vendor, order_id);
"""
"""`expires_at` is none from the submit on. What is `over` counts no more."""

COLUMNS = "command_id, sub_order_id, began_at, asked_at, order_id, expires_at IS NULL, ship_command_id"
SWEEP_MAX = 20


class Held(msgspec.Struct, frozen=True, array_like=True):
    """An order that was asked for, perhaps in vain: then `order_id` is None, and the shop has to be searched from `began_at`."""

    command_id: str
    sub_order_id: str
    began_at: float
    asked_at: float
    order_id: int | None
    is_submitted: bool
    ship_command_id: str


class Memory:
    """One vendor's; many may share the file."""

    def __init__(self, vendor: str, file: Durable) -> None:
        self._vendor = vendor
        self._file = file

    async def intend(self, command_id: str, sub_order_id: str, expires_at: float | None) -> None:
        """Note that an order is about to be asked for; from the first time on it is looked for."""
        now = time.time()
        row = (self._vendor, command_id, sub_order_id, now, now, expires_at)
        statement = (
            "INSERT INTO held (vendor, command_id, sub_order_id, began_at, asked_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET asked_at = excluded.asked_at"
        )
        await self._file.do(lambda db: db.execute(statement, row))

    async def forget(self, command_id: str) -> None:
        """It was surely not created."""
        await self._file.do(
            lambda db: db.execute("DELETE FROM held WHERE vendor = ? AND command_id = ? AND order_id IS NULL", (self._vendor, command_id))
        )

    async def of_command(self, command_id: str) -> Held | None:
        """The order that a reserve or a submit asked for."""
        return await self._one("command_id = ?", command_id)

    async def of_sub_order(self, sub_order_id: str) -> Held | None:
        """A sub-order's latest order that is not over."""
        return await self._one("sub_order_id = ? AND over = 0", sub_order_id)

    async def of_order(self, order_id: int) -> Held | None:
        """Whose order this is; None for one that is not ours."""
        return await self._one("order_id = ?", order_id)

    async def expired(self) -> list[Held]:
        """Some of what was held too long."""
        now = time.time()
        statement = f"SELECT {COLUMNS} FROM held WHERE vendor = ? AND over = 0 AND expires_at <= ? ORDER BY expires_at LIMIT {SWEEP_MAX}"
        rows = await self._file.do(lambda db: db.execute(statement, (self._vendor, now)).fetchall())
        return [_held(row) for row in rows]

    async def still_expired(self, command_id: str) -> Held | None:
        """A row as it is now; None if it was kept, or is over."""
        return await self._one("command_id = ? AND over = 0 AND expires_at <= ?", command_id, time.time())

    async def put_off(self, command_id: str, until: float) -> None:
        """It expires then, in unix seconds."""
        await self._note("expires_at = ?", until, command_id)

    async def keep(self, sub_order_id: str) -> None:
        """What a sub-order holds does not expire any more; only `submitted` keeps it from a release."""
        statement = "UPDATE held SET expires_at = 9e99 WHERE vendor = ? AND sub_order_id = ? AND expires_at IS NOT NULL"
        await self._file.do(lambda db: db.execute(statement, (self._vendor, sub_order_id)))

    async def created(self, command_id: str, order_id: int) -> None:
        """The shop has it."""
        await self._note("order_id = ?", order_id, command_id)

    async def submitted(self, command_id: str) -> None:
        """It does not expire any more."""
        await self._note("expires_at = ?", None, command_id)

    async def shipping(self, command_id: str, ship_command_id: str) -> None:
        """It is to be sent."""
        await self._note("ship_command_id = ?", ship_command_id, command_id)

    async def end(self, command_id: str) -> None:
        """It counts no more."""
        await self._note("over = ?", 1, command_id)

    async def _one(self, where: str, *values: str | float) -> Held | None:
        statement = f"SELECT {COLUMNS} FROM held WHERE vendor = ? AND {where} ORDER BY began_at DESC LIMIT 1"
        row = await self._file.do(lambda db: db.execute(statement, (self._vendor, *values)).fetchone())
        return None if row is None else _held(row)

    async def _note(self, what: str, value: str | float | None, command_id: str) -> None:
        statement = f"UPDATE held SET {what} WHERE vendor = ? AND command_id = ?"
        await self._file.do(lambda db: db.execute(statement, (value, self._vendor, command_id)))


def _held(row: sqlite3.Row | tuple[object, ...]) -> Held:
    return msgspec.convert((*row[:5], bool(row[5]), row[6]), Held)
