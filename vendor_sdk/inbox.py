"""One vendor's durable memory: what it answered, what must not be done any more, and the facts still to be told."""

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from vendor_sdk.durable import Durable
from vendor_sdk.envelope import Command, Event
from vendor_sdk.messages import ANSWERS

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, command_kind TEXT NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, carried TEXT NOT NULL, attempt INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (vendor, command_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tombstone (
    vendor TEXT NOT NULL, command_id TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (vendor, command_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (
    vendor TEXT NOT NULL, event_id TEXT NOT NULL, command_id TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    carried TEXT NOT NULL, attempt INTEGER NOT NULL, due_at REAL NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (vendor, event_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fact_due ON fact (vendor, due_at) WHERE sent = 0;
CREATE INDEX IF NOT EXISTS fact_command ON fact (vendor, command_id);
"""

KEEP_SECONDS = 30 * 86400.0
"""Far longer than the broker keeps a command (7 days): nothing forgotten can come again."""

PENDING = ".pending"

Clock = Callable[[], float]
"""What says which time it is (unix seconds); only an emulator's is not the clock on the wall."""

Known = tuple[str, Event]
"""A remembered answer: the kind of the command it answered, and the event."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be told at `due_at` (unix seconds)."""

    event: Event
    due_at: float


class Inbox:
    """All calls return after the change is on the disk. One file may hold many vendors."""

    def __init__(self, vendor: str, durable: Durable, clock: Clock = time.time) -> None:
        self._vendor = vendor
        self._clock = clock
        self._durable = durable

    @classmethod
    async def open(cls, vendor: str, path: Path, clock: Clock = time.time) -> "Inbox":
        """The memory of `vendor` in the file at `path`; what is older than any redelivery is dropped."""
        inbox = cls(vendor, await Durable.open(path, SCHEMA), clock)
        try:
            await inbox.forget(clock() - KEEP_SECONDS)
        except BaseException:
            await inbox.close()
            raise
        return inbox

    async def close(self) -> None:
        """Let go of the file."""
        await self._durable.close()

    async def look(self, command: Command) -> Known | str | None:
        """What is known of a command: its answer, the reason of its tombstone, or nothing.

        Known and asked anew (a higher attempt): its facts are told anew too, for the broker may have lost them. A
        pending answer asked anew is no answer any more, unless a fact has settled it.
        """
        vendor, now = self._vendor, self._clock()

        def work(db: sqlite3.Connection) -> Known | str | None:
            row = _answer(db, vendor, command, now)
            if row is None:
                stone = db.execute("SELECT reason FROM tombstone WHERE vendor = ? AND command_id = ?", (vendor, command.id)).fetchone()
                return stone and str(stone[0])
            event = Event(id=row[1], command_id=command.id, kind=row[2], body=row[3], attempt=command.attempt, carried=command.carried)
            return row[0], event

        return await self._durable.do(work)

    async def record(self, command: Command, answer: Event, facts: list[Fact], tombstone: tuple[str, str] | None) -> None:
        """Remember an answer, with the facts told on the way and the (command id, reason) that must not be done any more."""
        now = self._clock()

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self._vendor, command.id, command.kind, answer.id, answer.kind, answer.body, _text(answer), answer.attempt, now),
            )
            if tombstone:
                db.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?, ?, ?)", (self._vendor, *tombstone, now))
            for fact in facts:
                _insert(db, self._vendor, fact)

        await self._durable.do(work)

    async def tell(self, fact: Fact) -> None:
        """Store a fact told outside any command; it bears the headers of the command it belongs to, if that is known."""

        def work(db: sqlite3.Connection) -> None:
            row = db.execute(
                "SELECT carried, attempt FROM answer WHERE vendor = ? AND command_id = ?", (self._vendor, fact.event.command_id)
            ).fetchone()
            event = fact.event
            if row is not None:
                event = msgspec.structs.replace(event, carried=json.loads(row[0]), attempt=row[1])
            _insert(db, self._vendor, Fact(event=event, due_at=fact.due_at))

        await self._durable.do(work)

    async def withdraw(self, event_id: str) -> bool:
        """Forget a fact that is not due yet; whether there was one."""
        now = self._clock()
        return await self._durable.do(
            lambda db: (
                db.execute(
                    "DELETE FROM fact WHERE vendor = ? AND event_id = ? AND sent = 0 AND due_at > ?", (self._vendor, event_id, now)
                ).rowcount
                > 0
            )
        )

    async def due(self, now: float, limit: int) -> list[Event]:
        """Facts whose time has come, oldest first."""

        def work(db: sqlite3.Connection) -> list[Event]:
            rows = db.execute(
                "SELECT event_id, command_id, kind, body, carried, attempt FROM fact"
                " WHERE vendor = ? AND sent = 0 AND due_at <= ? ORDER BY due_at LIMIT ?",
                (self._vendor, now, limit),
            )
            return [
                Event(id=row[0], command_id=row[1], kind=row[2], body=row[3], carried=json.loads(row[4]), attempt=row[5]) for row in rows
            ]

        return await self._durable.do(work)

    async def next_due(self) -> float | None:
        """When (unix seconds) the next fact is to be told."""
        row = await self._durable.do(
            lambda db: db.execute("SELECT min(due_at) FROM fact WHERE vendor = ? AND sent = 0", (self._vendor,)).fetchone()
        )
        return row[0]

    async def sent(self, events: list[Event]) -> None:
        """These facts are with the broker; one asked for anew in the meantime stays due."""
        await self._durable.do(
            lambda db: db.executemany(
                "UPDATE fact SET sent = 1 WHERE vendor = ? AND event_id = ? AND attempt = ?",
                [(self._vendor, event.id, event.attempt) for event in events],
            )
        )

    async def forget(self, before: float) -> None:
        """Drop what is older than `before` (unix seconds) and told."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM fact WHERE vendor = ? AND sent = 1 AND due_at < ?", (self._vendor, before))
            db.execute("DELETE FROM answer WHERE vendor = ? AND at < ?", (self._vendor, before))
            db.execute("DELETE FROM tombstone WHERE vendor = ? AND at < ?", (self._vendor, before))

        await self._durable.do(work)


Row = tuple[str, str, str, bytes]


def _answer(db: sqlite3.Connection, vendor: str, command: Command, now: float) -> Row | None:
    """The answer that still holds: command kind, event id, event kind, body."""
    mine = (vendor, command.id)
    row = db.execute("SELECT command_kind, event_id, kind, body, attempt FROM answer WHERE vendor = ? AND command_id = ?", mine).fetchone()
    if row is None:
        return None
    again = command.attempt
    # Also what is not marked as sent: it may be on its way this moment, and would be marked for the asking before.
    db.execute("UPDATE fact SET sent = 0, attempt = ? WHERE vendor = ? AND command_id = ? AND attempt < ?", (again, *mine, again))
    late = command.deadline is not None and command.deadline <= now
    if not row[2].endswith(PENDING) or row[4] >= again or late:
        return row[:4]
    told = db.execute("SELECT event_id, kind, body FROM fact WHERE vendor = ? AND command_id = ? AND due_at <= ?", (*mine, now))
    settling = ((row[0], *fact) for fact in told if fact[1] in ANSWERS[row[0]] and not fact[1].endswith(PENDING))
    return next(settling, None)


def _insert(db: sqlite3.Connection, vendor: str, fact: Fact) -> None:
    event = fact.event
    db.execute(
        "INSERT OR IGNORE INTO fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (vendor, event.id, event.command_id, event.kind, event.body, _text(event), event.attempt, fact.due_at),
    )


def _text(event: Event) -> str:
    return json.dumps(event.carried)
