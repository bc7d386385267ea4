"""The one way into PostgreSQL: an engine, and transactions that carry who acts, why, and what to tell after commit."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Executable, MetaData, Row, RowMapping, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hub.kernel.errors import Unavailable
from hub.kernel.ids import Ids
from hub.runtime.trace import Trace

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

IdText = Text(collation="C")
"""Column type of every id: compared byte by byte, which for our ids is by birth."""

IDLE_MS = "15000"
"""A process that stops in the middle of a transaction loses it then, and with it the locks that all others wait for."""

TRANSACTION_MS = "60000"
"""The same for one that stops in the middle of a statement (asyncpg flushes before it syncs): PostgreSQL does not call that idle."""

SESSION = {"idle_in_transaction_session_timeout": IDLE_MS, "transaction_timeout": TRANSACTION_MS}

_encoder = msgspec.json.Encoder()

T = TypeVar("T")


class Actor(msgspec.Struct, frozen=True):
    """Who acts: `kind` is ``customer``, ``vendor``, ``operator`` or ``hub``."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


HUB = Actor("hub", "worker")


class Tx:
    """One transaction: a connection plus what every write wants to know."""

    def __init__(self, conn: AsyncConnection, *, ids: Ids, actor: Actor, trace: Trace) -> None:
        self.conn = conn
        self.ids = ids
        self.actor = actor
        self.trace = trace
        self.changed: set[str] = set()
        """Saga ids whose watchers are told after commit."""
        self.noted: list[dict[str, Any]] = []
        """What the timeline will say of this transaction."""
        self.before_commit: list[Callable[[Tx], Awaitable[None]]] = []
        """Run when the block has ended well, inside the transaction."""
        self.woken = False
        """Whether steps became due, so that workers are woken after commit."""

    async def execute(self, statement: Executable, values: Any = None) -> int:
        """Run a write; the number of rows it touched."""
        result = await self.conn.execute(statement, values)
        return result.rowcount

    async def rows(self, statement: Executable, values: Any = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return (await self.conn.execute(statement, values)).all()

    async def row(self, statement: Executable, values: Any = None) -> Row[Any] | None:
        """The one row of a query, or None."""
        return (await self.conn.execute(statement, values)).one_or_none()

    async def mappings(self, statement: Executable, values: Any = None) -> Sequence[RowMapping]:
        """All rows of a query by column name."""
        return (await self.conn.execute(statement, values)).mappings().all()

    async def all(self, statement: Executable, shape: type[T], values: Any = None) -> list[T]:
        """All rows of a query as structs; its columns are the struct's fields."""
        return [msgspec.convert(row, shape, from_attributes=True) for row in await self.rows(statement, values)]

    async def one(self, statement: Executable, shape: type[T], values: Any = None) -> T | None:
        """The one row of a query as a struct, or None."""
        row = await self.row(statement, values)
        return None if row is None else msgspec.convert(row, shape, from_attributes=True)

    async def scalar(self, statement: Executable, values: Any = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.conn.execute(statement, values)).scalar()


def _to_json(value: Any) -> str:
    return _encoder.encode(value).decode()


class Database:
    """The engine and its transactions."""

    def __init__(self, url: str, *, pool_size: int = 16, ids: Ids | None = None) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=False,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
            connect_args={"timeout": 5, "command_timeout": 60, "server_settings": SESSION},
        )
        self.ids = ids or Ids(lambda: time.time_ns() // 1_000_000, os.urandom)
        self.after_commit: list[Callable[[Tx], None]] = []
        """Hints sent once a transaction has committed; losing one costs time, never truth."""

    @asynccontextmanager
    async def tx(self, actor: Actor = HUB, trace: Trace | None = None) -> AsyncIterator[Tx]:
        """A transaction: commits at the end of the block, rolls back on any exception."""
        async with self.engine.begin() as conn:
            tx = Tx(conn, ids=self.ids, actor=actor, trace=trace or Trace.new())
            yield tx
            for finish in tx.before_commit:
                await finish(tx)
        for tell in self.after_commit:
            tell(tx)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A transaction that only reads."""
        async with self.engine.connect() as conn:
            yield Tx(conn, ids=self.ids, actor=HUB, trace=Trace.new())

    async def ping(self) -> None:
        """One round trip. Raises `Unavailable` if PostgreSQL does not answer."""
        try:
            async with self.engine.connect() as conn:
                await conn.execute(text("SELECT 1"))
        except Exception as error:
            raise Unavailable("database_unavailable", "the database does not answer") from error

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
