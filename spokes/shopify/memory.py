"""What we asked a shop to set aside, noted before it is asked: asked again, it is the same request under the same key."""

import sqlite3
import time
from typing import Any

import msgspec

from vendor_sdk.durable import Durable

FILE = "shopify.sqlite"
SCHEMA = """
CREATE TABLE IF NOT EXISTS move (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, sub_order_id TEXT NOT NULL, input BLOB NOT NULL, key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'moved', 'back')), expires_at REAL NOT NULL,
    PRIMARY KEY (vendor, command_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS move_sub_order ON move (vendor, sub_order_id);
CREATE INDEX IF NOT EXISTS move_expires ON move (vendor, expires_at) WHERE state <> 'back';
"""
COLUMNS = "command_id, sub_order_id, input, key, state"
SWEEP_MAX = 20


class Move(msgspec.Struct, frozen=True):
    """A move to reserved, by a reserve command: `asked`, `moved`, or given `back`."""

    command_id: str
    sub_order_id: str
    input: dict[str, Any]
    key: str
    state: str


class Memory:
    """One vendor's; many may share the file."""

    def __init__(self, vendor: str, file: Durable) -> None:
        self._vendor = vendor
        self._file = file

    async def ask(self, move: Move, expires_at: float) -> None:
        """Note that a move is about to be asked for, in place of one that failed."""
        row = (self._vendor, move.command_id, move.sub_order_id, msgspec.json.encode(move.input), move.key, move.state, expires_at)
        await self._file.do(lambda db: db.execute("INSERT OR REPLACE INTO move VALUES (?, ?, ?, ?, ?, ?, ?)", row))

    async def of_command(self, command_id: str) -> Move | None:
        """The move of a reserve command."""
        return await self._one("command_id = ?", command_id)

    async def of_sub_order(self, sub_order_id: str) -> Move | None:
        """What a sub-order has set aside, or may have."""
        return await self._one("sub_order_id = ? AND state <> 'back'", sub_order_id)

    async def expired(self) -> list[Move]:
        """Some of what was set aside for too long."""
        statement = (
            f"SELECT {COLUMNS} FROM move WHERE vendor = ? AND state <> 'back' AND expires_at <= ? ORDER BY expires_at LIMIT {SWEEP_MAX}"
        )
        now = time.time()
        rows = await self._file.do(lambda db: db.execute(statement, (self._vendor, now)).fetchall())
        return [_move(row) for row in rows]

    async def still_expired(self, command_id: str) -> Move | None:
        """A row as it is now; None if it was kept, or is given back."""
        return await self._one("command_id = ? AND state <> 'back' AND expires_at <= ?", command_id, time.time())

    async def put_off(self, command_id: str, until: float) -> None:
        """It expires then, in unix seconds."""
        mine = (until, self._vendor, command_id)
        await self._file.do(lambda db: db.execute("UPDATE move SET expires_at = ? WHERE vendor = ? AND command_id = ?", mine))

    async def keep(self, sub_order_id: str) -> None:
        """What a sub-order has set aside does not expire any more."""
        mine = (self._vendor, sub_order_id)
        await self._file.do(lambda db: db.execute("UPDATE move SET expires_at = 9e99 WHERE vendor = ? AND sub_order_id = ?", mine))

    async def mark(self, command_id: str, state: str) -> None:
        """Note what became of it."""
        mine = (state, self._vendor, command_id)
        await self._file.do(lambda db: db.execute("UPDATE move SET state = ? WHERE vendor = ? AND command_id = ?", mine))

    async def forget(self, command_id: str) -> None:
        """It was not moved."""
        await self._file.do(lambda db: db.execute("DELETE FROM move WHERE vendor = ? AND command_id = ?", (self._vendor, command_id)))

    async def _one(self, where: str, *values: str | float) -> Move | None:
        statement = f"SELECT {COLUMNS} FROM move WHERE vendor = ? AND {where} LIMIT 1"
        row = await self._file.do(lambda db: db.execute(statement, (self._vendor, *values)).fetchone())
        return None if row is None else _move(row)


def _move(row: sqlite3.Row | tuple[Any, ...]) -> Move:
    return Move(row[0], row[1], msgspec.json.decode(row[2]), row[3], row[4])
