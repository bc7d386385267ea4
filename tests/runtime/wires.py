"""A table on which the two ways to run a statement are compared: SQLAlchemy's, and ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.runtime.database import Database, Tx
from hub.runtime.prepared import prepared
from hub.runtime.wire import Wire
from tests.runtime.kinds import EMPTY, FULL, ODD, things

t = things.c
INSERT = insert(things)
BARE = [name for name in FULL if name not in {"tags", "numbers"}]
SCALARS = [{"id": f"row-{number}", **{name: row[name] for name in BARE}} for number, row in enumerate((FULL, EMPTY, ODD))]
ALL = select(things).order_by(t.seq)
NO_PRICE = select(*(column for column in things.c if column.key not in {"price", "seq"})).order_by(t.seq)
ONE = update(things).where(t.id == bindparam("thing"))
WAYS: list[Callable[[AsyncConnection], Any]] = [lambda connection: connection, Wire]
"""SQLAlchemy's, and ours."""
UPSERT = pg_insert(things).on_conflict_do_update(index_elements=["id"], set_={"units": things.c.units + 1})


@asynccontextmanager
async def nothing_stays(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.engine.connect() as connection:
        yield connection
        await connection.rollback()


async def run(way: Any, statement: Any, values: Any, *rows: dict[str, Any]) -> tuple[Any, ...]:
    """What a statement gives, and how the table stands after it."""
    for row in rows:
        await way.execute(INSERT, row)
    result = await way.execute(statement, values)
    found = [tuple(row) for row in result.all()] if getattr(result, "returns_rows", True) else []
    stands = [tuple(row)[:1] + tuple(row)[2:] for row in (await way.execute(ALL)).all()]
    return found, result.rowcount, stands


def kept(connection: AsyncConnection, statement: Any, *values: dict[str, Any] | list[dict[str, Any]] | None) -> None:
    """As if it had run before with these names."""
    for each in values:
        prepared(statement, frozenset(each[0] if isinstance(each, list) else each or ()), connection.dialect)


def raw(tx: Tx) -> AsyncConnection:
    """SQLAlchemy's own."""
    assert isinstance(tx.conn, Wire)
    return tx.conn._connection  # pyright: ignore[reportPrivateUsage]  # only tests prepare by hand


async def both(database: Database, statement: Any, values: Any = None, *rows: dict[str, Any]) -> tuple[Any, Any]:
    """By SQLAlchemy, and by us."""
    async with nothing_stays(database) as connection:
        theirs = await run(connection, statement, values, *rows)
    async with nothing_stays(database) as connection:
        for each, said in ((statement, values), (ALL, None), *((INSERT, row) for row in rows)):
            kept(connection, each, said)
        ours = await run(Wire(connection), statement, values, *rows)
    return theirs, ours
