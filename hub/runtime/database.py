"""The one way into PostgreSQL: an engine, and transactions that carry who acts, why, and what to tell after commit."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Executable, Insert, MetaData, Row, RowMapping, Table, Text, Update, func, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.kernel.errors import Unavailable
from hub.kernel.ids import Ids
from hub.runtime.driver import KEPT, SESSION, Driver
from hub.runtime.entropy import Reserve
from hub.runtime.opened import Opened
from hub.runtime.pending import Pending
from hub.runtime.trace import Trace
from hub.runtime.wire import Connection, Wire

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

    def __init__(self, conn: Connection, *, ids: Ids, actor: Actor, trace: Trace | None = None, taker: Taker | None = None) -> None:
        self.conn = conn
        self.taker = taker
        self.taken: list[Any] = []
        """The steps written for `taker`."""
        self.ids = ids
        self.actor = actor
        self._trace = trace
        self.held: dict[str, Any] = {}
        """By id what this transaction has locked, as it will be once it commits: nobody else changes it, so it is read once."""
        self.wrote = False
        """Whether anything of it has reached the database."""
        self._pending = Pending()
        self.began: datetime | None = None
        """When it began, once that is known; its locks and writes may have a later now(), by what was read before them."""
        self.changed: set[str] = set()
        """Saga ids whose watchers are told after commit."""
        self.noted: list[dict[str, Any]] = []
        """What the timeline will say of this transaction."""
        self.before_commit: list[Callable[[Tx], Awaitable[None]]] = []
        """Run when the block has ended well, inside the transaction."""
        self.woken = False
        """Whether steps became due, so that workers are woken after commit."""

    @property
    def trace(self) -> Trace:
        """What is written carries; made when it is asked for, as most transactions only look."""
        if self._trace is None:
            self._trace = Trace.new()
        return self._trace

    async def now(self) -> datetime:
        """When the transaction began, by PostgreSQL's clock. Asked once, or learned with a row."""
        if self.began is None:
            self.began = await self.scalar(_NOW)
            assert self.began is not None, "PostgreSQL knows the time"
        return self.began

    async def execute(self, statement: Executable, values: Any = None) -> int:
        """Run a write; the number of rows it touched."""
        self.wrote = True
        return (await self._run(statement, values)).rowcount

    async def wait_at_most(self, milliseconds: int) -> None:
        """Wait so long for each lock, and then fail (SQLSTATE 55P03); 0 is for ever."""
        await self.conn.wait_at_most(milliseconds)

    def put(self, statement: Insert, row: dict[str, Any]) -> None:
        """Insert a row, with others of its kind: before anything else of this transaction is asked or done, and before it commits."""
        self._pending.put(statement, row)

    def is_fresh(self, table: Table, key: str) -> bool:
        """Whether a row was put and is not written yet, so that `later` costs nothing."""
        return self._pending.is_fresh(table, key)

    def later(self, statement: Update, key: str, values: dict[str, Any], *, reckons: bool = False) -> None:
        """Run a write just before commit, once for each `key` with all that was said for it; for rows in `held` alone.

        `reckons`: the statement says values itself.
        """
        self._pending.change(statement, key, values, reckons=reckons)

    async def finish(self) -> None:
        """Write what was put off; nothing comes after it but COMMIT, and where it is a single statement not even that."""
        for hook in self.before_commit:
            await hook(self)
        await self._pending.write(self.conn)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block writes is undone if it raises, and nothing that was said before it; what it says with `later` stays."""
        await self._flush()
        try:
            async with self.conn.begin_nested():
                yield
                await self._flush()
        except BaseException:
            self._pending.drop_rows()
            raise

    def member(self, actor: Actor, trace: Trace) -> "Tx":
        """A part of this transaction that acts for somebody else; what it puts off counts once this one has taken it in."""
        member = Tx(self.conn, ids=self.ids, actor=actor, trace=trace, taker=self.taker)
        member.began = self.began
        return member

    def take_in(self, member: "Tx") -> None:
        """Let what a member has put off, noted and changed be this transaction's."""
        self._pending.take_in(member._pending)  # noqa: SLF001  # its own kind's
        self.before_commit += [last for last in member.before_commit if last not in self.before_commit]
        self.noted += member.noted
        self.changed |= member.changed
        self.taken += member.taken
        self.woken = self.woken or member.woken

    async def _flush(self) -> None:
        if self._pending.puts:
            self.wrote = True
            await self._pending.insert(self.conn)

    def _run(self, statement: Executable, values: Any) -> Awaitable[Any]:
        return self._run_after(statement, values) if self._pending.puts else self.conn.execute(statement, values)

    async def _run_after(self, statement: Executable, values: Any) -> Any:
        await self._flush()
        return await self.conn.execute(statement, values)

    async def rows(self, statement: Executable, values: Any = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return (await self._run(statement, values)).all()

    async def row(self, statement: Executable, values: Any = None) -> Row[Any] | None:
        """The one row of a query, or None."""
        return (await self._run(statement, values)).one_or_none()

    async def mappings(self, statement: Executable, values: Any = None) -> Sequence[RowMapping]:
        """All rows of a query by column name."""
        return (await self._run(statement, values)).mappings().all()

    async def all(self, statement: Executable, shape: type[T], values: Any = None) -> list[T]:
        """All rows of a query as structs; its columns are the struct's fields."""
        rows = (await self._run(statement, values)).all()
        return [msgspec.convert(row, shape, from_attributes=True) for row in rows]

    async def one(self, statement: Executable, shape: type[T], values: Any = None) -> T | None:
        """The one row of a query as a struct, or None."""
        row = (await self._run(statement, values)).one_or_none()
        return None if row is None else msgspec.convert(row, shape, from_attributes=True)

    async def scalar(self, statement: Executable, values: Any = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._run(statement, values)).scalar()


def _to_json(value: Any) -> str:
    return _encoder.encode(value).decode()


class Database:
    """The engine and its transactions."""

    def __init__(self, url: str, *, pool_size: int = 16, ids: Ids | None = None) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,  # what a connection has prepared stays warm
            pool_timeout=10,
            pool_pre_ping=False,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
            connect_args={"timeout": 5, "command_timeout": 60, "connection_class": Driver, **KEPT, "server_settings": SESSION},
        )
        self.ids = ids or Ids(lambda: time.time_ns() // 1_000_000, Reserve())
        self.taker: Taker | None = None
        self.after_commit: list[Callable[[Tx], None]] = []
        """Hints sent once a transaction has committed; losing one costs time, never truth."""

    connection: Callable[[Any], Connection] = Wire
    """What a transaction is given for the engine's own."""

    def open(self, *, commits: bool) -> AbstractAsyncContextManager[Any]:
        """A connection as long as a block runs."""
        return Opened(self.engine, commits=commits)

    def tx(self, actor: Actor = HUB, trace: Trace | None = None) -> "Transaction":
        """A transaction: commits at the end of the block, rolls back on any exception."""
        return Transaction(self, actor, trace)

    def reading(self) -> "Reading":
        """A connection that only reads, each statement what is committed when it begins."""
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

    def __init__(self, database: Database, actor: Actor, trace: Trace | None) -> None:
        self._database = database
        self._actor = actor
        self._trace = trace

    async def __aenter__(self) -> Tx:
        self._block = self._database.open(commits=True)
        conn = await self._block.__aenter__()
        database = self._database
        self._tx = Tx(database.connection(conn), ids=database.ids, actor=self._actor, trace=self._trace, taker=database.taker)
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
        self._block = self._database.open(commits=False)
        conn = await self._block.__aenter__()
        return Tx(self._database.connection(conn), ids=self._database.ids, actor=HUB)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._block.__aexit__(kind, error, trace)
