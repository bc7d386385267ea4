"""Indexes over committed rows: for equality, and for what comes before a moment."""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, cast

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
            several = cast("Callable[[Row], tuple[Any, ...]]", itemgetter(*positions))
            self.of = lambda row: None if None in (found := several(row)) else found

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
    """Keys in the order of one column, of the rows that have it, or of those in which another column has one value (a partial index).

    What is no more so is passed over when it is met: to look for it each time that a row changes costs more.
    """

    def __init__(self, place: int, only: tuple[int, Any] | None, owner: str, rows: Mapping[Key, Row]) -> None:
        self.place = place
        self.only = only
        self.owner = owner
        """The table's name."""
        self._rows = rows
        self._entries: list[tuple[Any, Key]] = []
        self._where = place if only is None else only[0]
        for key, row in rows.items():
            self.change(key, None, row)

    def change(self, key: Key, old: Row | None, new: Row) -> None:
        """A row became another; None where there was none."""
        place, where = self.place, self._where
        if (old is None or old[place] != new[place] or old[where] != new[where]) and self._has(new):
            heappush(self._entries, (new[place], key))

    def until(self, value: Any) -> Sequence[Key]:
        """The keys of all that have at most this value, in order."""
        entries, rows, place = self._entries, self._rows, self.place
        found: list[tuple[Any, Key]] = []
        while entries and entries[0][0] <= value:
            entry = heappop(entries)
            row = rows.get(entry[1])
            if row is not None and row[place] == entry[0] and self._has(row) and entry != (found[-1] if found else None):
                found.append(entry)
        for entry in found:
            heappush(entries, entry)
        return [key for _, key in found]

    def _has(self, row: Row) -> bool:
        return row[self.place] is not None and (self.only is None or row[self.only[0]] == self.only[1])
