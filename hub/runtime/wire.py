"""Owns how a transaction's statements run: constants straight on asyncpg, all others through SQLAlchemy, on the same connection."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.runtime.prepared import Prepared, Values, prepared, united
from hub.runtime.rows import Result

_TOUCHED = re.compile(r"(\d+)\Z")
_NONE: frozenset[str] = frozenset()
T = TypeVar("T")
Writes = Sequence[tuple[Executable, list[dict[str, Any]]]]
"""Statements that insert or change rows, each with the values for its rows."""


class Connection(Protocol):
    """What a transaction asks of its connection."""

    async def execute(self, statement: Executable, values: Any = None) -> Any:
        """Run a statement, or for a list of values once for each."""
        ...

    async def write(self, writes: Writes) -> None:
        """Run statements, each for its rows; none reads or changes what another writes."""
        ...

    async def write_last(self, writes: Writes) -> None:
        """The same, where nothing comes after it but COMMIT."""
        ...

    async def wait_at_most(self, milliseconds: int) -> None:
        """Let the transaction wait so long for each lock; 0 is for ever."""
        ...

    def begin_nested(self) -> AbstractAsyncContextManager[Any]:
        """A savepoint, as long as the block."""
        ...


class Wire:
    """A connection of SQLAlchemy's pool, in its transaction.

    PostgreSQL is told of the transaction when something is locked or written: at READ COMMITTED, ours everywhere, a read sees
    the same outside of one. What writes a single statement, its last, needs none at all.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._sync: Any = connection.sync_connection
        fairy = self._sync.connection
        self._adapted: Any = fairy.dbapi_connection
        self._driver: Any = fairy.driver_connection
        self._driver.with_begin = ""  # should the one before never have begun

    async def execute(self, statement: Executable, values: Any = None) -> Any:
        """Run a statement; with a list of values once for each. Raises what SQLAlchemy does."""
        return await self._execute(statement, values)

    async def _execute(self, statement: Executable, values: Any, *, alone: bool = False) -> Any:
        many = isinstance(values, list)
        if many and len(values) == 1:
            values, many = values[0], False
        first = values[0] if many else values
        ready = prepared(statement, frozenset(first) if first else _NONE, self._dialect)
        if ready is None or (many and ready.returns and ready.together is None):
            return await self._connection.execute(statement, values)

        async def act() -> Result:
            return await (self._many(ready, values) if many else self._one(ready, values or {}))

        return await self._do(ready.sql, act, alone=alone or ready.only_reads)

    async def write(self, writes: Writes) -> None:
        """In one round trip, where PostgreSQL can be asked so."""
        await self._write(writes, alone=False)

    async def write_last(self, writes: Writes) -> None:
        """The same, and where that is all that the transaction writes, it is the transaction."""
        await self._write(writes, alone=not self._driver.with_begin)

    async def _write(self, writes: Writes, *, alone: bool) -> None:
        parts = [(prepared(statement, frozenset(rows[0]), self._dialect), rows) for statement, rows in writes]
        ready = [(each.together, rows) for each, rows in parts if each is not None and each.together is not None]
        if len(ready) < len(writes) or len(writes) <= 1 or not all(_all_differ(rows, together.keys) for together, rows in ready):
            for statement, rows in writes:
                await self._execute(statement, rows, alone=alone and len(writes) == 1)
            return
        ready.sort(key=lambda part: part[0].sql)  # one plan, whichever was said first
        sql = united(tuple(together for together, _ in ready))

        async def act() -> None:
            await self._driver.fetch(sql, *(each for together, rows in ready for each in together.arguments(rows)))

        await self._do(sql, act, alone=alone)

    async def wait_at_most(self, milliseconds: int) -> None:
        """It means nothing before something is locked, for which a transaction begins: until then it waits for the BEGIN."""
        said = f"SET LOCAL lock_timeout = {milliseconds}"
        if self._driver.is_in_transaction():
            await self._do(said, lambda: self._driver.execute(said), alone=False)
        else:
            self._driver.with_begin = said

    def begin_nested(self) -> AbstractAsyncContextManager[Any]:
        """A savepoint."""
        return self._connection.begin_nested()

    async def _do(self, sql: str, act: Callable[[], Awaitable[T]], *, alone: bool) -> T:
        """Do something on the driver's own, in SQLAlchemy's transaction, which what stands `alone` does not begin."""
        try:
            if not self._connection.in_transaction():  # else SQLAlchemy would have nothing to roll back
                await self._connection.begin()
            if not alone and not self._driver.is_in_transaction():  # SQLAlchemy begins with the first statement, and this may be it
                await self._adapted._start_transaction()  # noqa: SLF001  # as SQLAlchemy does, which then knows what to commit
            return await act()
        except Exception as error:
            await self._connection.run_sync(_raise_as_sqlalchemy, self._adapted, error, sql)
            raise
        except BaseException:  # canceled in the middle: what follows could be inside a transaction that nobody ends
            self._sync.invalidate()  # at once, without waiting for anything that could be canceled too
            raise

    async def _one(self, ready: Prepared, values: Values) -> Result:
        return await self._run(ready, ready.sql, ready.arguments(values))

    async def _many(self, ready: Prepared, values: Sequence[Values]) -> Result:
        together = ready.together
        if together is None or not _all_differ(values, together.keys):
            await self._driver.executemany(ready.sql, [ready.arguments(each) for each in values])
            return Result([], -1)
        return await self._run(ready, together.sql, together.arguments(values))

    async def _run(self, ready: Prepared, sql: str, arguments: Sequence[Any]) -> Result:
        records, status, _ = await self._driver._execute(sql, arguments, 0, None, return_status=True)  # noqa: SLF001  # `fetch`, with the count
        touched = _TOUCHED.search(status.decode())
        return Result(ready.rows(records), int(touched[0]) if touched else -1)


def _all_differ(values: Sequence[Values], keys: Sequence[str]) -> bool:
    return not keys or len({tuple(each.get(key) for key in keys) for each in values}) == len(values)


def _raise_as_sqlalchemy(connection: Any, adapted: Any, error: Exception, sql: str) -> None:
    """As if SQLAlchemy had run it: translated, and the connection let go of if it is lost."""
    try:
        adapted._handle_exception(error)  # noqa: SLF001  # its own translation
    except Exception as translated:  # noqa: BLE001  # whatever it is
        stated = None if isinstance(translated, OSError) else sql  # a timeout stays one
        connection._handle_dbapi_exception(translated, stated, None, None, None)  # noqa: SLF001  # it alone lets go of a lost connection
