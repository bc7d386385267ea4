"""The one way into PostgreSQL: an engine, and transactions that carry who acts, why, and what to tell after commit."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Executable, MetaData, Row, RowMapping, Text, func, select, text
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
_NOW = select(func.now())

T = TypeVar("T")


class Actor(msgspec.Struct, frozen=True):
    """Who acts: `kind` is ``customer``, ``vendor``, ``operator`` or ``hub``."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


HUB = Actor("hub", "worker")


class Taker(Protocol):
    """Who acts at once on the steps that this process writes, instead of leaving them to whoever claims them."""

    def takes(self, target: str) -> bool:
        """Whether it would act on a step for this target now."""
        ...

    def take(self, written: Sequence[Any]) -> None:
        """Act on these steps: they are committed, and leased to it."""
        ...


class Tx:
    """One transaction: a connection plus what every write wants to know."""

    def __init__(self, conn: AsyncConnection, *, ids: Ids, actor: Actor, trace: Trace, taker: Taker | None = None) -> None:
        self.conn = conn
        self.taker = taker
        self.taken: list[Any] = []
        """The steps written for `taker`."""
        self.ids = ids
        self.actor = actor
        self.trace = trace
        self.held: dict[str, Any] = {}
        """By id what this transaction has locked, as it will be once it commits: nobody else changes it, so it is read once."""
        self._later: dict[tuple[Executable, str], dict[str, Any]] = {}
        self.began: datetime | None = None
        """What now() is in its statements, once that is known."""
        self.changed: set[str] = set()
        """Saga ids whose watchers are told after commit."""
        self.noted: list[dict[str, Any]] = []
        """What the timeline will say of this transaction."""
        self.before_commit: list[Callable[[Tx], Awaitable[None]]] = []
        """Run when the block has ended well, inside the transaction."""
        self.woken = False
        """Whether steps became due, so that workers are woken after commit."""

    async def now(self) -> datetime:
        """When the transaction began, by PostgreSQL's clock, as its statements have it. Asked once, or learned with a lock."""
        if self.began is None:
            self.began = await self.scalar(_NOW)
            assert self.began is not None, "PostgreSQL knows the time"
        return self.began

    async def execute(self, statement: Executable, values: Any = None) -> int:
        """Run a write; the number of rows it touched."""
        result = await self.conn.execute(statement, values)
        return result.rowcount

    def later(self, statement: Executable, key: str, values: dict[str, Any]) -> None:
        """Run a write just before commit, once for each `key` with all that was said for it; for rows in `held` alone."""
        self._later.setdefault((statement, key), {}).update(values)

    async def finish(self) -> None:
        """Write what was put off; like statements are sent together."""
        together: dict[tuple[Executable, frozenset[str]], list[dict[str, Any]]] = {}
        for (statement, _), values in self._later.items():
            together.setdefault((statement, frozenset(values)), []).append(values)
        self._later = {}
        for (statement, _), values in together.items():
            await self.conn.execute(statement, values if len(values) > 1 else values[0])
        for last in self.before_commit:
            await last(self)

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
        self.taker: Taker | None = None
        self.after_commit: list[Callable[[Tx], None]] = []
        """Hints sent once a transaction has committed; losing one costs time, never truth."""

    def tx(self, actor: Actor = HUB, trace: Trace | None = None) -> "Transaction":
        """A transaction: commits at the end of the block, rolls back on any exception."""
        return Transaction(self, actor, trace or Trace.new())

    def reading(self) -> "Reading":
        """A transaction that only reads."""
        return Reading(self)

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


class Transaction:
    """A block that ends with COMMIT and then tells. A class, for a generator costs twice as much, and this runs for all that happens."""

    def __init__(self, database: Database, actor: Actor, trace: Trace) -> None:
        self._database = database
        self._actor = actor
        self._trace = trace

    async def __aenter__(self) -> Tx:
        self._block = self._database.engine.begin()
        conn = await self._block.__aenter__()
        database = self._database
        self._tx = Tx(conn, ids=database.ids, actor=self._actor, trace=self._trace, taker=database.taker)
        return self._tx

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            try:
                await self._tx.finish()
            except BaseException as late:
                await self._block.__aexit__(type(late), late, late.__traceback__)
                raise
        await self._block.__aexit__(kind, error, trace)
        if kind is None:
            if self._tx.taken and self._tx.taker is not None:
                self._tx.taker.take(self._tx.taken)
            for tell in self._database.after_commit:
                tell(self._tx)


class Reading:
    """A block that only reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Tx:
        self._block = self._database.engine.connect()
        return Tx(await self._block.__aenter__(), ids=self._database.ids, actor=HUB, trace=Trace.new())

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._block.__aexit__(kind, error, trace)
