"""What a transaction has decided to write and has not written yet: like rows go together, and a row that changes is written once."""

from itertools import zip_longest
from typing import Any

from sqlalchemy import Insert, Table, Update

from hub.runtime.wire import Connection

Row = dict[str, Any]
Round = list[tuple[Insert | Update, list[Row]]]
"""What can be written at once."""
Place = tuple[object, str]
"""A row, by its table and its id."""


class Pending:
    """Rows to be inserted, and changes of rows that the transaction has locked."""

    def __init__(self) -> None:
        self.puts: dict[Insert, list[Row]] = {}
        """Rows that wait to be inserted."""
        self.fresh: dict[Place, Row] = {}
        """Those of `puts` that have an id, by place."""
        self.changes: dict[Place, list[tuple[Update, Row]]] = {}
        """One after the other."""

    def put(self, statement: Insert, row: Row) -> None:
        """A row to be inserted."""
        self.puts.setdefault(statement, []).append(row)
        if "id" in row:
            self.fresh[statement.table, row["id"]] = row

    def is_fresh(self, table: Table, key: str) -> bool:
        """Whether a row waits to be inserted, so that to change it costs nothing."""
        return (table, key) in self.fresh

    def change(self, statement: Update, key: str, values: Row, *, reckons: bool) -> None:
        """Values of a row; `reckons` where the statement says others itself. A row that waits to be inserted is inserted so."""
        place = (statement.table, key)
        fresh = self.fresh.pop(place, None) if reckons else self.fresh.get(place)
        if fresh is None or reckons:
            changes = self.changes.setdefault(place, [])
            if changes and changes[-1][0] is statement:
                changes[-1][1].update(values)
            else:
                changes.append((statement, dict(values)))
        else:
            fresh.update({name: value for name, value in values.items() if name in statement.table.c})

    def take_in(self, other: "Pending") -> None:
        """What waited elsewhere waits here."""
        for statement, rows in other.puts.items():
            self.puts.setdefault(statement, []).extend(rows)
        self.fresh.update(other.fresh)
        for place, changes in other.changes.items():
            self.changes.setdefault(place, []).extend(changes)

    def drop_rows(self) -> None:
        """Forget the rows that wait to be inserted."""
        self.puts, self.fresh = {}, {}

    async def insert(self, connection: Connection) -> None:
        """Write the rows."""
        await connection.write(self._rows())

    async def write(self, connection: Connection) -> None:
        """Write the rows and the changes: the first of each row, then the second, so that what was said last holds.

        Nothing else comes before COMMIT.
        """
        if not self.puts and not self.changes:
            return
        changed = {table for table, _ in self.changes}
        apart = any(statement.table in changed for statement in self.puts)  # a change may be of a row that is put
        rows = self._rows()
        first, *others = self._turns() or [[]]
        rounds = [each for each in ([rows, first] if apart else [rows + first]) + others if each]
        for number, each in enumerate(rounds, 1):
            await (connection.write if number < len(rounds) else connection.write_last)(each)

    def _turns(self) -> list[Round]:
        """What changes, each row once in each of them; it waits no more."""
        changes, self.changes = self.changes, {}
        found: list[Round] = []
        for turn in zip_longest(*changes.values()):
            alike: dict[tuple[Update, frozenset[str]], list[Row]] = {}
            for statement, values in filter(None, turn):
                alike.setdefault((statement, frozenset(values)), []).append(values)
            found.append([(statement, some) for (statement, _), some in alike.items()])
        return found

    def _rows(self) -> Round:
        """What is put, in the order in which its tables were first put to; it waits no more."""
        puts, self.puts, self.fresh = self.puts, {}, {}
        found: Round = []
        for statement, rows in puts.items():
            if len(rows) == 1:
                found.append((statement, rows))
                continue
            alike: dict[frozenset[str], list[Row]] = {}
            for row in rows:
                alike.setdefault(frozenset(row), []).append(row)
            found += [(statement, some) for some in alike.values()]
        return found
