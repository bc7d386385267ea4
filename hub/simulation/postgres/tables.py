"""Rows, their indexes and constraints, and how one transaction sees them: what is committed, and what it wrote itself."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime
from sqlalchemy import Table as Declared

from hub.simulation.postgres.columns import Convert, converter, default_of
from hub.simulation.postgres.conditions import FUNCTIONS, Condition, condition, expression
from hub.simulation.postgres.indexes import Hash, Key, Row, Sorted
from hub.simulation.postgres.uniques import Unique, uniques, where
from hub.simulation.postgres.views import Blocked, Locks, View, Violation

Read = Callable[[Mapping[str, int], Row, Row | None], None]
"""Told where the columns stand, of a row, and of what it was before."""


def _nothing(_: Row) -> None:
    """Of a table without an index."""


class Table:
    """One table."""

    def __init__(self, declared: Declared) -> None:
        self.name = declared.name
        self.declared = declared
        self.columns = [column.name for column in declared.columns]
        self.position = {name: number for number, name in enumerate(self.columns)}
        self.rows: dict[Key, Row] = {}
        """What is committed."""
        self.locks: Locks = {}
        """Who holds which row."""
        self.sequence = count(1)
        self.serial = next((i for i, column in enumerate(declared.columns) if column.identity is not None), None)
        self.convert: list[Convert] = [converter(column.type) for column in declared.columns]
        self.defaults = [default_of(column) for column in declared.columns]
        self.not_null = [place for place, column in enumerate(declared.columns) if not column.nullable]
        self.primary = tuple(self.position[column.name] for column in declared.primary_key.columns)
        self.primary_key = Unique(f"pk_{self.name}", Hash(self.primary, self.name), None)
        self.key_of: Callable[[Row], Key] = self.primary_key.index.of
        self.indexes: dict[tuple[int, ...], Hash] = {}
        self._told_apart: Callable[[Row], Any] = _nothing
        """What its indexes have of a row: where that is the same, they are."""
        self.sorted: dict[int, Sorted] = {}
        """By the column whose order they have."""
        self.readers: list[Read] = []
        """Told of every row as it is committed."""
        self.uniques = uniques(declared, self.position, self.index)
        self.checks = [check for c in declared.constraints if isinstance(c, CheckConstraint) for check in self._check(c)]
        self._proper = self._all_checks()
        self.ordered = dict(self._in_order(declared))
        """By which columns rows can be found in order, and which rows; such an index too is made when a statement uses it."""
        self.indexed = frozenset(self._indexed(declared)) | self.indexes.keys()
        """Over which columns there are indexes; each is made when a statement uses it."""

    def index(self, positions: tuple[int, ...]) -> Hash:
        """The index over these columns, made if nobody has used it yet."""
        found = self.indexes.get(positions)
        if found is None:
            found = self.indexes[positions] = Hash(positions, self.name)
            self._told_apart = itemgetter(*sorted({place for each in self.indexes for place in each}))
            for key, row in self.rows.items():
                found.add(key, row)
        return found

    def _indexed(self, declared: Declared) -> Iterator[tuple[int, ...]]:
        for index in declared.indexes:
            first = next(iter(index.expressions))
            if isinstance(first, Column) and not index.unique:
                yield (self.position[first.name],)
            if named := re.match(r"(\w+) (?:=|IN)", where(index) or ""):
                yield (self.position[named[1]],)
        yield from ((self.position[column.name],) for column in declared.columns if column.foreign_keys)

    def sort(self, place: int, only: tuple[int, Any] | None) -> Sorted:
        """An index in the order of a column, over the rows in which another has a value; made if nobody has used it yet."""
        found = self.sorted.get(place)
        if found is None:
            found = self.sorted[place] = Sorted(place, only, self.name, self.rows)
        return found

    def _in_order(self, declared: Declared) -> Iterator[tuple[int, tuple[int, Any] | None]]:
        """By which moments rows can be found, as indexes are declared: all rows, or those whose state is open."""
        for index in declared.indexes:
            only = where(index)
            for column in index.columns:
                if not isinstance(column.type, DateTime):
                    continue
                if only is None:
                    yield self.position[column.name], None
                elif only.startswith("state = 'open'"):
                    yield self.position[column.name], (self.position["state"], "open")

    def get(self, view: View, key: Key) -> Row | None:
        """A row by its primary key."""
        mine = view.writes.get(self)
        if mine is not None and key in mine:
            return mine[key]
        return self.rows.get(key)

    def scan(self, view: View) -> Iterable[Row]:
        """Every row."""
        mine = view.writes.get(self)
        if not mine:
            return list(self.rows.values())
        return [row for key, row in self.rows.items() if key not in mine] + [row for row in mine.values() if row is not None]

    def lookup(self, view: View, index: Hash, value: Any) -> Sequence[Row]:
        """The rows with a value in an index."""
        if value is None:
            return ()
        bucket = index.buckets.get(value)
        mine = view.writes.get(self)
        rows = self.rows
        if not mine:
            return [rows[key] for key in bucket] if bucket else ()
        found = [rows[key] for key in bucket if key not in mine] if bucket else []
        of = index.of
        found += [row for row in mine.values() if row is not None and of(row) == value]
        return found

    def until(self, view: View, order: Sorted, only: Any, moment: Any) -> Iterable[Row]:
        """Among others the rows in which a column is at most `moment`; `only` is what the index's other column has to be."""
        if order.only is not None and order.only[1] != only:
            return self.scan(view)
        if moment is None:
            return ()
        mine, rows = view.writes.get(self), self.rows
        if not mine:
            return [rows[key] for key in order.until(moment)]
        return [rows[key] for key in order.until(moment) if key not in mine] + [row for row in mine.values() if row is not None]

    def once(self, ways: Iterable[Iterable[Row]]) -> Iterable[Row]:
        """The rows that are found by any of these ways, each once."""
        return list({self.key_of(row): row for way in ways for row in way}.values())

    def best(self, view: View, ways: Sequence[tuple[Hash, Any]]) -> Sequence[Row]:
        """The rows by that one of several indexes that has the fewest."""
        index, value = min(ways, key=lambda way: len(way[0].buckets.get(way[1], ())))
        return self.lookup(view, index, value)

    def many(self, view: View, keys: Iterable[Key]) -> Iterable[Row]:
        """The rows with these primary keys."""
        return [row for row in (self.get(view, key) for key in dict.fromkeys(keys)) if row is not None]

    def among(self, view: View, index: Hash, values: Iterable[Any]) -> Iterable[Row]:
        """The rows with one of these values in an index."""
        return [row for value in dict.fromkeys(values) for row in self.lookup(view, index, value)]

    def either(self, view: View, ways: Sequence[tuple[Hash, Any]]) -> Iterable[Row]:
        """The rows with a value in any of several indexes, each once."""
        return self.once(self.lookup(view, index, value) for index, value in ways)

    def fresh(self, view: View, **values: Any) -> Row:
        """A new row: these values, and every other column's default."""
        row = (None if default is None else default(view) for default in self.defaults)
        return tuple(values.get(name, value) for name, value in zip(self.columns, row, strict=True))

    def insert(self, view: View, row: Row) -> Unique | None:
        """Write a new row; the constraint that is in its way, or None. Raises `Violation`, and `Blocked` where it is not decided yet."""
        if not self._proper(row):
            raise self._wrong(row)
        key = self.key_of(row)
        if self.get(view, key) is not None:
            self._stays(view, key)
            return self.primary_key
        view.hold(self.locks, key)
        if taken := self._taken(view, key, row):
            return taken
        view.write(self, key, row)
        return None

    def conflicting(self, view: View, unique: Unique, row: Row) -> Row:
        """The row that has what `row` wants."""
        if unique is self.primary_key:
            found = self.get(view, self.key_of(row))
        else:
            value = unique.of(row)
            found = next(each for each in self.lookup(view, unique.index, value) if unique.of(each) == value)
        assert found is not None
        return found

    def change(self, view: View, old: Row, new: Row) -> None:
        """Write another version of a row that is locked already. Raises `Violation`, `Blocked`."""
        if not self._proper(new):
            raise self._wrong(new)
        key, moved = self.key_of(old), self.key_of(new)
        if moved != key:
            if self.get(view, moved) is not None:
                raise self.primary_key.violation()
            view.hold(self.locks, moved)
        if self.uniques and (taken := self._taken(view, key, new, old)):
            raise taken.violation()
        if moved != key:
            view.write(self, key, None)
        view.write(self, moved, new)

    def delete(self, view: View, row: Row) -> None:
        """Take a row away."""
        view.write(self, self.key_of(row), None)

    def commit(self, writes: dict[Key, Row | None]) -> None:
        """Make written rows everybody's."""
        read = [(row, self.rows.get(key)) for key, row in writes.items() if row is not None] if self.readers else []
        self._put(writes)
        for reader in self.readers:
            for row, before in read:
                reader(self.position, row, before)

    def _put(self, writes: dict[Key, Row | None]) -> None:
        rows = self.rows
        indexes, in_order, told_apart = self.indexes.values(), self.sorted.values(), self._told_apart
        for key, row in writes.items():
            old = rows.get(key)
            if row is None:
                if old is not None:
                    del rows[key]
                    for index in indexes:
                        index.remove(key, old)
                continue
            rows[key] = row
            for order in in_order:
                order.change(key, old, row)
            if old is None:
                for index in indexes:
                    index.add(key, row)
            elif told_apart(old) != told_apart(row):
                self._index_anew(key, old, row)

    def _index_anew(self, key: Key, old: Row, row: Row) -> None:
        for index in self.indexes.values():
            if index.of(old) != index.of(row):
                index.remove(key, old)
                index.add(key, row)

    def _taken(self, view: View, key: Key, row: Row, old: Row | None = None) -> Unique | None:
        for unique in self.uniques:
            value = unique.of(row)
            if value is None or (old is not None and unique.of(old) == value):
                continue
            for other in self.lookup(view, unique.index, value):
                if self.key_of(other) != key and unique.of(other) == value:
                    self._stays(view, self.key_of(other))
                    return unique
            view.hold(unique.locks, value)
        return None

    def _stays(self, view: View, key: Key) -> None:
        """Nothing, where a row is only locked. Raises `Blocked` while another transaction is changing it in any way."""
        owner = self.locks.get(key)
        if owner is not None and owner is not view and key in owner.writes.get(self, ()):
            raise Blocked(owner)

    def _wrong(self, row: Row) -> Violation:
        for place in self.not_null:
            if row[place] is None:
                return Violation("23502", f"null value in column {self.columns[place]} of {self.name}")
        name = next(name for name, holds, _ in self.checks if holds(row) is False)
        return Violation("23514", f"new row of {self.name} violates check constraint {name}: {row}")

    def _all_checks(self) -> Callable[[Row], bool]:
        """Whether a row is as the table wants it: what must not be NULL, and all CHECKs, as one function."""
        wrong = [f"r[{place}] is None" for place in self.not_null]
        wrong += [f"{source or f'c{number}(r)'} is False" for number, (_, _, source) in enumerate(self.checks)]
        scope = FUNCTIONS | {f"c{number}": holds for number, (_, holds, _) in enumerate(self.checks)}
        return eval(f"lambda r: not ({' or '.join(wrong) or 'False'})", scope)  # noqa: S307  # our own tables' conditions

    def _check(self, check: CheckConstraint) -> list[tuple[str, Condition, str]]:
        sql = str(check.sqltext)
        holds = condition(sql, self.position)
        if holds is None:
            return []
        known, source = expression(sql, self.position)
        return [(str(check.name), holds, source if known else "")]
