"""The sandbox's memory: objects, saved answers and the clock's offset in one SQLite file; a commit survives SIGKILL."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hub.sandbox.answers import Json

PLATFORM = ""
"""The owner of what belongs to the platform; connected accounts own under their ``acct_…``."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_kind ON objects (kind, owner, seq);
CREATE INDEX IF NOT EXISTS by_source ON objects (json_extract(body, '$.source_transaction'), json_extract(body, '$.amount'))
    WHERE kind = 'transfer';
CREATE INDEX IF NOT EXISTS by_group ON objects (kind, owner, json_extract(body, '$.transfer_group'), seq) WHERE kind = 'transfer';
CREATE INDEX IF NOT EXISTS by_charge ON objects (kind, owner, json_extract(body, '$.charge'), seq) WHERE kind = 'refund';
CREATE INDEX IF NOT EXISTS by_origin ON objects (kind, owner, json_extract(body, '$.transfer'), seq) WHERE kind = 'transfer_reversal';
CREATE INDEX IF NOT EXISTS by_step ON objects (kind, owner, json_extract(body, '$.metadata.step'), seq) WHERE kind = 'payment_intent';
CREATE INDEX IF NOT EXISTS by_case ON objects (owner, json_extract(body, '$.charge'), seq) WHERE kind = 'dispute';
CREATE INDEX IF NOT EXISTS by_payout ON objects (kind, owner, json_extract(body, '$._payout'), seq) WHERE kind = 'balance_transaction';
CREATE INDEX IF NOT EXISTS by_customer ON objects (kind, owner, json_extract(body, '$.customer'), seq) WHERE kind = 'payment_method';
CREATE INDEX IF NOT EXISTS by_due ON objects (json_extract(body, '$._due')) WHERE json_extract(body, '$._due') IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_money ON objects (owner, json_extract(body, '$.currency'), json_extract(body, '$.available_on'),
    json_extract(body, '$.net')) WHERE kind = 'balance_transaction';
CREATE TABLE IF NOT EXISTS saved (
    owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL, request TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_age ON saved (at);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, type TEXT NOT NULL, endpoint TEXT NOT NULL, url TEXT NOT NULL, since INTEGER NOT NULL,
    next_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, status INTEGER, error TEXT,
    UNIQUE (event, endpoint));
CREATE INDEX IF NOT EXISTS by_turn ON deliveries (next_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

Condition = tuple[str, str, Any]
"""Path in the body, operator (a ``?`` in it is where the value goes, else it follows), value: ``("$.created", ">=", 1700000000)``."""


class Store:
    """Every read and write of the sandbox. All calls are synchronous, so that one event loop serializes them."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # NORMAL with a write-ahead log keeps every commit over a killed process; only a power cut may lose the last ones.
        self.listeners: int | None = None
        """How many webhook endpoints there are; None is not known."""
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of it or nothing of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            self.listeners = None
            raise
        self.db.execute("COMMIT")

    def add(self, obj: Json, owner: str = PLATFORM) -> Json:
        """Remember a new object."""
        self.db.execute(
            "INSERT INTO objects (id, kind, owner, body) VALUES (?, ?, ?, ?)",
            (obj["id"], obj["object"], owner, msgspec.json.encode(obj).decode()),
        )
        return obj

    def put(self, obj: Json) -> Json:
        """Remember the object's new state."""
        self.db.execute("UPDATE objects SET body = ? WHERE id = ?", (msgspec.json.encode(obj).decode(), obj["id"]))
        return obj

    def get(self, identity: str, kind: str | None = None, owner: str | None = None) -> Json | None:
        """The object of that id, if it is of that kind and owner."""
        row = self.db.execute("SELECT kind, owner, body FROM objects WHERE id = ?", (identity,)).fetchone()
        if row is None or (kind not in {None, row[0]}) or (owner not in {None, row[1]}):
            return None
        return msgspec.json.decode(row[2])

    def find(self, kind: str, owner: str, conditions: Sequence[Condition] = (), *, limit: int = -1) -> list[Json]:
        """Objects of a kind, newest first."""
        where, values = _where(conditions)
        sql = f"SELECT body FROM objects WHERE kind = '{kind}' AND owner = ?{where} ORDER BY seq DESC LIMIT ?"
        return [msgspec.json.decode(row[0]) for row in self.db.execute(sql, (owner, *values, limit))]

    def page(
        self, kind: str, owner: str, conditions: Sequence[Condition], limit: int, cursor: tuple[str, str] | None
    ) -> tuple[list[Json], bool]:
        """One page newest first and whether more follow; `cursor` is (``<`` or ``>``, id): older or newer than that object."""
        where, values = _where(conditions)
        order = "DESC"
        if cursor is not None:
            side, identity = cursor
            where += f" AND seq {side} (SELECT seq FROM objects WHERE id = ?)"
            values.append(identity)
            order = "ASC" if side == ">" else "DESC"
        sql = f"SELECT body FROM objects WHERE kind = '{kind}' AND owner = ?{where} ORDER BY seq {order} LIMIT ?"
        found = [msgspec.json.decode(row[0]) for row in self.db.execute(sql, (owner, *values, limit + 1))]
        shown = found[:limit]
        return (shown[::-1] if order == "ASC" else shown), len(found) > limit

    def remove(self, identity: str) -> None:
        """Forget an object."""
        self.db.execute("DELETE FROM objects WHERE id = ?", (identity,))

    def due(self) -> Json | None:
        """The object whose hour (``_due``) comes first."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE json_extract(body, '$._due') IS NOT NULL ORDER BY json_extract(body, '$._due'), seq LIMIT 1"
        ).fetchone()
        return msgspec.json.decode(row[0]) if row else None

    def fact(self, name: str) -> int:
        """A number of the sandbox itself; 0 until set."""
        row = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def set_fact(self, name: str, value: int) -> None:
        self.db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def _where(conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
    # Paths and operators are written in this package, never taken from a request; values are parameters.
    tests = [operator if "?" in operator else f"{operator} ?" for _, operator, _ in conditions]
    where = "".join(f" AND json_extract(body, '{condition[0]}') {test}" for condition, test in zip(conditions, tests, strict=True))
    return where, [value for *_, value in conditions]
