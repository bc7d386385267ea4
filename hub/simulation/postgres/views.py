"""What one transaction has written and holds, and how it comes to wait for another."""

from datetime import datetime
from typing import Any

Row = tuple[Any, ...]
Key = Any
Writes = dict[Key, Row | None]
"""Rows by their primary keys; None where a row is no more."""
Locks = dict[Any, "View"]
"""Who holds what."""

_MISSING: Any = object()


class Violation(Exception):
    """A constraint says no: `sqlstate` is PostgreSQL's."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class Blocked(Exception):
    """Another transaction holds what this statement needs; it is run anew once that has ended."""

    def __init__(self, owner: "View") -> None:
        super().__init__()
        self.owner = owner


class View:
    """One transaction's. It sees what is committed when it looks, and what it wrote itself (READ COMMITTED)."""

    __slots__ = ("connection", "held", "journal", "now", "writes")

    def __init__(self, now: datetime, connection: Any = None) -> None:
        self.now = now
        """Of its beginning."""
        self.connection = connection
        """Whose it is: who waits for it asks there."""
        self.writes: dict[Any, Writes] = {}
        """By table."""
        self.held: list[tuple[Locks, Any]] = []
        self.journal: list[tuple[Writes, Key, Any]] = []
        """What each write replaced in `writes`, so that a statement or a savepoint can be taken back."""

    def write(self, table: Any, key: Key, row: Row | None) -> None:
        """What the row is now, for us; None where it is no more."""
        mine = self.writes.get(table)
        if mine is None:
            mine = self.writes[table] = {}
        self.journal.append((mine, key, mine.get(key, _MISSING)))
        mine[key] = row

    def take_back(self, mark: int) -> None:
        """Forget what was written since the journal was `mark` long."""
        for mine, key, before in reversed(self.journal[mark:]):
            if before is _MISSING:
                del mine[key]
            else:
                mine[key] = before
        del self.journal[mark:]

    def hold(self, locks: Locks, key: Any) -> None:
        """Take a lock until the end. Raises `Blocked` while another has it."""
        owner = locks.get(key)
        if owner is None:
            locks[key] = self
            self.held.append((locks, key))
        elif owner is not self:
            raise Blocked(owner)

    def release(self, since: int = 0) -> None:
        """Let go of what was taken (since a savepoint)."""
        for locks, key in self.held[since:]:
            del locks[key]
        del self.held[since:]
