"""Indexes over committed rows: for equality, and for what comes before a moment."""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from hub.simulation.postgres.views import Key, Row


class Hash:
    """An index for equality over some columns; rows with a NULL are not in it."""

    def __init__(self, positions: tuple[int, ...], owner: str) -> None:
        self.positions = positions
        self.owner = owner
        """The table's name."""
        self.buckets: dict[Any, dict[Key, None]] = {}
        if len(positions) == 1:
            self.of: Callable[[Row], Any] = itemgetter(positions[0])
        else:
            self.of = lambda row: None if None in (found := tuple([row[i] for i in positions])) else found

    def add(self, key: Key, row: Row) -> None:
        """A row is there."""
        value = self.of(row)
        if value is not None:
            bucket = self.buckets.get(value)
            if bucket is None:
                self.buckets[value] = {key: None}
            else:
                bucket[key] = None

    def remove(self, key: Key, row: Row) -> None:
        """It is no more."""
        value = self.of(row)
        if value is not None:
            bucket = self.buckets[value]
            del bucket[key]
            if not bucket:
                del self.buckets[value]


class Sorted:
    """Keys in the order of one column, of the rows that have it, or of those in which another column has one value (a partial index)."""

    def __init__(self, place: int, only: tuple[int, Any] | None, owner: str) -> None:
        self.place = place
        self.only = only
        self.owner = owner
        """The table's name."""
        self._entries: list[tuple[Any, Key]] = []
        self._where = place if only is None else only[0]

    def change(self, key: Key, old: Row | None, new: Row | None) -> None:
        """A row became another; None where there was none, or is none any more."""
        place, where = self.place, self._where
        if old is not None and new is not None and old[place] == new[place] and old[where] == new[where]:
            return
        before, after = self._entry(key, old), self._entry(key, new)
        if before == after:
            return
        if before is not None:
            del self._entries[bisect_right(self._entries, before) - 1]
        if after is not None:
            insort(self._entries, after)

    def until(self, value: Any) -> Sequence[Key]:
        """The keys of all that have at most this value, in order."""
        entries = self._entries
        found: list[Key] = []
        for at, key in entries:
            if at > value:
                break
            found.append(key)
        return found

    def _entry(self, key: Key, row: Row | None) -> tuple[Any, Key] | None:
        if row is None or row[self.place] is None or (self.only is not None and row[self.only[0]] != self.only[1]):
            return None
        return row[self.place], key
