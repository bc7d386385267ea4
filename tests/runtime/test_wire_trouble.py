"""What runs straight on asyncpg goes wrong as it does through SQLAlchemy; a lost connection and a cancel leave nothing to the next."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    Column,
    MetaData,
    Table,
    Text,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, StatementError

from hub.runtime.database import Database
from hub.runtime.wire import Wire
from tests.runtime.kinds import things
from tests.runtime.wires import ALL, INSERT, ONE, WAYS, kept, nothing_stays, raw


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _things(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(things.metadata.create_all)


async def test_a_row_without_a_value_that_another_has_is_refused(database: Database) -> None:
    """Not written as NULL."""
    for values in ([{"id": "a", "units": 1}, {"id": "b"}], [{"id": "a"}, {"units": 1}]):
        for way in WAYS:
            async with nothing_stays(database) as connection:
                kept(connection, INSERT, values)
                with pytest.raises(StatementError):
                    await way(connection).execute(INSERT, values)


async def test_a_value_that_nobody_says_is_refused(database: Database) -> None:
    for way in WAYS:
        async with nothing_stays(database) as connection:
            kept(connection, ONE, {"units": 1})
            with pytest.raises(StatementError):
                await way(connection).execute(ONE, {"units": 1})


@pytest.mark.parametrize(
    ("values", "kind", "sqlstate"),
    [
        ({"id": "a"}, IntegrityError, "23505"),
        ({"id": "b", "units": -1}, IntegrityError, "23514"),
        ([{"id": "b"}, {"id": "a"}], IntegrityError, "23505"),
        ({"id": "b", "doc": "\0"}, DBAPIError, "22P05"),
        ({"id": "b\0"}, DBAPIError, "22021"),
        ({"id": 5}, DBAPIError, "22000"),
        ({"id": "b", "small": 2**40}, DBAPIError, "22000"),
        ([{"id": "b", "small": 1}, {"id": "c", "small": 2**40}], DBAPIError, "22000"),
        ({"id": "b", "doc": object()}, StatementError, None),
        ({"id": "b", "at": "noon"}, DBAPIError, "22000"),
    ],
)
async def test_an_error_is_what_it_is_there(database: Database, values: Any, kind: type[StatementError], sqlstate: str | None) -> None:
    found: list[tuple[type[Exception], Any]] = []
    for way in WAYS:
        async with nothing_stays(database) as connection:
            await connection.execute(INSERT, {"id": "a"})
            kept(connection, INSERT, values)
            kept(connection, ALL, None)
            with pytest.raises(kind) as raised:
                await way(connection).execute(INSERT, values)
            found.append((type(raised.value), getattr(raised.value.orig, "sqlstate", None)))
            assert not getattr(raised.value, "connection_invalidated", False)
            await connection.rollback()
            assert (await way(connection).execute(ALL)).all() == [], "it goes on"
    assert found[0] == found[1]
    assert found[1][1] == sqlstate


async def test_after_an_error_nothing_runs_until_the_rollback(database: Database) -> None:
    async with database.engine.connect() as connection, connection.begin():
        wire = Wire(connection)
        kept(connection, INSERT, {"id": "a"})
        kept(connection, ALL, None)
        await wire.execute(INSERT, {"id": "a"})
        with pytest.raises(IntegrityError):
            await wire.execute(INSERT, {"id": "a"})
        with pytest.raises(DBAPIError) as refused:
            await wire.execute(ALL)
        assert getattr(refused.value.orig, "sqlstate", "") == "25P02"
        await connection.rollback()


async def write_in_a_savepoint(wire: Wire, *ids: str) -> None:
    async with wire.begin_nested():
        for each in ids:
            await wire.execute(INSERT, {"id": each})


async def test_a_savepoint_undoes_what_is_in_it_alone(database: Database) -> None:
    async with nothing_stays(database) as connection:
        wire = Wire(connection)
        kept(connection, INSERT, {"id": "a"})
        kept(connection, ALL, None)
        await wire.execute(INSERT, {"id": "a"})
        with pytest.raises(IntegrityError):
            await write_in_a_savepoint(wire, "b", "a")
        await write_in_a_savepoint(wire, "c")
        assert [row.id for row in (await wire.execute(ALL)).all()] == ["a", "c"]


async def test_the_first_statement_begins_the_transaction(database: Database) -> None:
    """Also where it is one that SQLAlchemy does not see."""
    async with database.engine.connect() as connection:
        kept(connection, INSERT, {"id": "a"})
        await Wire(connection).execute(INSERT, {"id": "begun"})
        await connection.rollback()
    async with database.engine.begin() as connection:
        assert [row.id for row in (await connection.execute(ALL)).all()] == []
        await Wire(connection).execute(INSERT, {"id": "begun"})
    async with database.engine.begin() as connection:
        assert (await connection.execute(things.delete())).rowcount == 1


async def test_a_lost_connection_is_told_and_the_pool_makes_another(database: Database) -> None:
    pid = text("SELECT pg_backend_pid()")
    sleep = text("SELECT pg_sleep(:seconds)")
    pids: list[int] = []

    async def lose() -> None:
        async with database.tx() as tx:
            pids.extend([await tx.scalar(pid) for _ in range(2)])
            kept(raw(tx), sleep, {"seconds": 1.0})
            sleeping = asyncio.create_task(tx.scalar(sleep, {"seconds": 30.0}))
            await asyncio.sleep(0.05)
            async with database.reading() as other:
                await other.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": pids[0]})
            await sleeping

    with pytest.raises(DBAPIError) as lost:
        await lose()
    assert lost.value.connection_invalidated
    async with database.reading() as tx:
        assert await tx.scalar(pid) not in pids


async def test_what_is_canceled_leaves_no_transaction_behind(database: Database) -> None:
    """Its connection is used again or gone; what it had written is gone."""
    sleep = text("SELECT pg_sleep(:seconds)")

    async def write_and_sleep(number: int) -> None:
        async with database.tx() as tx:
            kept(raw(tx), INSERT, {"id": "a"})
            kept(raw(tx), sleep, {"seconds": 1.0})
            await tx.execute(INSERT, {"id": f"canceled-{number}"})
            await tx.scalar(sleep, {"seconds": 30.0})

    tasks = [asyncio.create_task(write_and_sleep(number)) for number in range(12)]
    await asyncio.sleep(0.15)
    for task in tasks:
        task.cancel()
    assert all(isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*tasks, return_exceptions=True))

    async def look() -> int:
        async with database.tx() as tx:
            return len(await tx.rows(ALL))

    assert await asyncio.gather(*(look() for _ in range(24))) == [0] * 24


async def test_who_is_canceled_anywhere_leaves_no_transaction_to_the_next(database: Database) -> None:
    """In BEGIN, in a statement, while it is taken back: what the next commits on the same connection is there for all."""
    one = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)

    async def write() -> None:
        async with one.tx() as tx:
            kept(raw(tx), INSERT, {"id": "a"})
            await tx.execute(INSERT, {"id": "canceled"})
            await tx.scalar(text("SELECT pg_sleep(30)"))

    async with one.tx() as tx:
        await tx.rows(ALL)  # connected, and ALL seen
    for turns in range(40):
        task = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
        async with one.tx() as tx:
            await tx.execute(INSERT, {"id": f"next-{turns:02}"})
        async with database.reading() as tx:
            assert [row.id for row in await tx.rows(ALL)] == [f"next-{each:02}" for each in range(turns + 1)]
    await one.close()


async def test_a_statement_that_postgresql_does_not_know_is_an_error_each_time(database: Database) -> None:
    statement = text("SELECT nonsense")
    for _ in range(3):
        with pytest.raises(ProgrammingError):
            async with database.tx() as tx:
                await tx.rows(statement)


async def test_a_table_that_changes_under_a_kept_statement_is_read_anew(database: Database) -> None:
    """As a migration does while processes run: at most one transaction of each connection is lost."""
    changing = Table("changing", MetaData(), Column("id", Text))
    statement = select(text("*")).select_from(changing)
    one = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)
    async with one.engine.begin() as connection:
        await connection.run_sync(changing.metadata.create_all)
    for _ in range(3):
        async with one.tx() as tx:
            await tx.rows(statement)
    async with database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE changing ADD COLUMN more integer"))
    found: list[Any] = []
    for _ in range(3):
        try:
            async with one.tx() as tx:
                found.append(await tx.rows(statement))
        except DBAPIError as error:
            found.append(error)
    await one.close()
    assert list(found[-1]) == []
    assert len([each for each in found if isinstance(each, Exception)]) <= 1
