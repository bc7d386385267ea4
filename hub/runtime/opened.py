"""A connection of SQLAlchemy's pool as long as a block runs, as `AsyncEngine.begin` and `connect` give it, with fewer detours.

SQLAlchemy enters a greenlet for each thing that might speak to PostgreSQL. Five times a transaction that costs more than a
statement, and three of them say nothing: to begin (BEGIN comes with the first statement), to end what never began, to give back.
"""

from types import TracebackType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import greenlet_spawn


class Opened:
    """Committed where its block ends well and `commits`; else nothing of it stays."""

    def __init__(self, engine: AsyncEngine, *, commits: bool) -> None:
        self._engine = engine
        self._commits = commits

    async def __aenter__(self) -> AsyncConnection:
        self._sync: Any = await greenlet_spawn(self._engine.sync_engine.connect)
        self._transaction = self._sync.begin()
        self._connection = AsyncConnection(self._engine, self._sync)
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._commits:
                if self._says_nothing:
                    self._transaction.__exit__(kind, error, trace)
                else:
                    await greenlet_spawn(self._transaction.__exit__, kind, error, trace)
        finally:
            if self._says_nothing:
                self._sync.close()
            else:
                await self._connection.__aexit__(kind, error, trace)  # gives it back, canceled or not

    @property
    def _says_nothing(self) -> bool:
        """Whether PostgreSQL knows of no transaction that would have to be ended."""
        sync = self._sync
        return not sync.closed and not sync.invalidated and sync.connection.dbapi_connection._transaction is None  # noqa: SLF001  # its own note of it
