"""Owns the two databases that are compared, the real one and the simulated one: the same tables, two of the tests' own, some rows."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from hub.runtime.database import Database, IdText, Tx
from hub.runtime.steps import HUB_TARGET
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from hub.wiring import tables

Act = Callable[[Tx], Awaitable[Any]]
TARGETS = (HUB_TARGET, "acme", "bolt", "crux", "dune")

every = MetaData(naming_convention=tables().naming_convention)
for _table in tables().sorted_tables:
    _table.to_metadata(every)

things = Table(
    "things",
    every,
    Column("id", IdText, primary_key=True),
    Column("name", IdText),
    Column("kind", Text, nullable=False, server_default="a"),
    Column("n", Integer),
    Column("state", Text, nullable=False, server_default="open"),
    Column("data", JSONB, nullable=False, server_default="{}"),
    UniqueConstraint("name"),
    CheckConstraint("n >= 0", name="n"),
    Index("uq_things_open", "kind", unique=True, postgresql_where=text("state = 'open'")),
)
pieces = Table(
    "pieces",
    every,
    Column("id", Integer, primary_key=True),
    Column("thing_id", IdText),
    Column("size", Integer),
    Column("color", IdText),
    Column("count", Integer, nullable=False),
)


class StandingClock(Nature):
    """Its time is what a test says."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def unix(self) -> float:
        return self.moment.timestamp()


class Both:
    """A real database, and a simulated one that begins empty."""

    def __init__(self, real: Database) -> None:
        self.real = real
        self.forget()

    def forget(self) -> None:
        """The simulated one is empty again."""
        self.nature = StandingClock(1, {})
        self.memory = Memory(every, self.nature)
        self.simulated = SimulatedDatabase(self.memory, Process(self.nature, "test"))

    async def clear(self, *cleared: Table) -> None:
        """These tables of the real one, and all of the simulated one, are empty."""
        self.forget()
        async with self.real.tx() as tx:
            for table in cleared:
                await tx.execute(delete(table))

    async def fill(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """The same rows in both."""
        for database in (self.real, self.simulated):
            async with database.tx() as tx:
                if rows:
                    await tx.execute(insert(table), list(rows))

    async def answers(self, act: Act) -> tuple[Any, Any]:
        """What a transaction gives on each (or the sqlstate with which it is refused), at the same moment."""
        return await self._answer(self.real, act), await self._answer(self.simulated, act)

    async def _answer(self, database: Database, act: Act) -> Any:
        try:
            async with database.tx() as tx:
                if database is self.real:
                    self.nature.moment = await tx.scalar(select(func.now()))
                return await act(tx)
        except DBAPIError as error:
            return sqlstate(error)

    async def rows(self, table: Table, *left_out: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What stands in a table of each."""
        shown = [column for column in table.columns if column.name not in left_out]
        found: list[list[dict[str, Any]]] = []
        for database in (self.real, self.simulated):
            async with database.reading() as tx:
                found.append([dict(row) for row in await tx.mappings(select(*shown).order_by(*table.primary_key.columns))])
        return found[0], found[1]


@asynccontextmanager
async def two_databases(url: str) -> AsyncIterator[Both]:
    """Both, with the tests' own tables."""
    real = Database(url)
    async with real.engine.begin() as connection:
        for table in (things, pieces):
            await connection.run_sync(table.create, checkfirst=True)
    yield Both(real)
    await real.close()


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's word for what went wrong."""
    return str(getattr(error.orig, "sqlstate", None))


def plain(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows as tuples."""
    return [tuple(row) for row in rows]


def moments(dice: Random) -> Any:
    """Moments around now, no two the same."""
    used: set[int] = set()

    def moment(low: float = -3600, high: float = 600) -> datetime:
        while (at := round(dice.uniform(low, high) * 1000)) in used:
            pass
        used.add(at)
        return datetime.now(UTC) + timedelta(milliseconds=at)  # noqa: TID251  # beside a real database's clock

    return moment


def some_steps(dice: Random) -> list[dict[str, Any]]:
    """Steps in many states, due at many moments."""
    moment = moments(dice)
    return [
        {
            "id": f"cmd_{number:03}",
            "saga_id": "ord_1",
            "subject_id": f"sub_{number}",
            "target": dice.choice(TARGETS),
            "kind": "reserve",
            "payload": {"number": number},
            "undoes": None,
            "state": dice.choice(("open", "open", "open", "done")),
            "verdict": dice.choice((None, None, "pending")),
            "attempt": dice.choice((0, 0, 1, 3, 14)),
            "redrive_seconds": dice.choice((0.5, 20.0, 200.0)),
            "waiting": dice.random() < 0.2,
            "due_at": moment(),
            "deadline": dice.choice((None, moment())),
            "correlation_id": "c",
            "traceparent": "t",
            "created_at": moment(-3600, 0),
        }
        for number in range(60)
    ]
