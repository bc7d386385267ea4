"""A transaction is begun for what needs one: what only reads does not, nor what is one write; all else is whole or nothing."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.runtime.database import Database, Tx
from hub.runtime.wire import Wire

metadata = MetaData()
lids = Table("lids", metadata, Column("id", Text, primary_key=True), Column("units", Integer, nullable=False))
boxes = Table("boxes", metadata, Column("id", Text, primary_key=True), Column("units", Integer, nullable=False))
b = boxes.c
PUT_LID, PUT, LOOK = insert(lids), insert(boxes), select(b.units).where(b.id == bindparam("box"))
LOCK = LOOK.with_for_update()
SHARE = LOOK.with_for_update(read=True)
CHANGE = update(boxes).where(b.id == bindparam("box"))
ADVISORY = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("box", type_=Text), 0)))


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _tables(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    for number in range(2):  # from the second time on they are prepared
        async with database.tx() as tx:
            await tx.execute(PUT, {"id": f"warm-{number}", "units": 1})
            for statement in (LOOK, LOCK, SHARE, ADVISORY):
                await tx.rows(statement, {"box": "warm-0"})
            await tx.execute(CHANGE, {"box": "warm-0", "units": 2})
        async with database.tx() as tx:
            tx.put(PUT_LID, {"id": f"warmer-{number}", "units": 1})
            tx.later(CHANGE, "warm-0", {"box": "warm-0", "units": 3})


def begun(tx: Tx) -> bool:
    """Whether PostgreSQL knows of the transaction."""
    assert isinstance(tx.conn, Wire)
    return bool(tx.conn._driver.is_in_transaction())  # pyright: ignore[reportPrivateUsage]  # what is tested


async def units(database: Database, box: str) -> Any:
    async with database.reading() as tx:
        return await tx.scalar(LOOK, {"box": box})


async def test_what_only_reads_begins_nothing(database: Database) -> None:
    async with database.tx() as tx:
        assert await tx.scalar(LOOK, {"box": "warm-0"}) == 3
        assert not begun(tx)
    async with database.reading() as tx:
        await tx.scalar(LOOK, {"box": "warm-0"})
        assert not begun(tx)


@pytest.mark.parametrize("statement", [LOCK, SHARE, ADVISORY], ids=["update", "share", "advisory"])
async def test_what_locks_begins_it_and_keeps_others_out(database: Database, statement: Any) -> None:
    async with database.tx() as tx:
        await tx.scalar(LOOK, {"box": "warm-0"})
        await tx.rows(statement, {"box": "warm-0"})
        assert begun(tx)
        async with database.tx() as other:
            await other.execute(text("SET LOCAL lock_timeout = 50"))
            with pytest.raises(DBAPIError):
                await other.rows(LOCK if statement is SHARE else statement, {"box": "warm-0"})
        await tx.scalar(LOOK, {"box": "warm-0"})
        assert begun(tx)


async def test_what_is_changed_before_the_end_begins_it_and_goes_with_it(database: Database) -> None:
    async def fail() -> None:
        async with database.tx() as tx:
            await tx.execute(PUT, {"id": "half", "units": 1})
            assert begun(tx)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await units(database, "half") is None


async def lids_of(database: Database, lid: str) -> Any:
    async with database.reading() as tx:
        return await tx.scalar(select(lids.c.units).where(lids.c.id == lid))


async def test_what_was_put_off_is_written_alone_and_whole(database: Database) -> None:
    async with database.tx() as tx:
        tx.put(PUT_LID, {"id": "first", "units": 1})
        tx.later(CHANGE, "warm-0", {"box": "warm-0", "units": 3})
        await tx.finish()
        assert not begun(tx)
    assert await lids_of(database, "first") == 1

    async def fail() -> None:
        async with database.tx() as tx:
            tx.put(PUT_LID, {"id": "second", "units": 1})
            tx.later(CHANGE, "warm-0", {"box": "warm-0", "units": None})

    with pytest.raises(IntegrityError):
        await fail()
    assert await lids_of(database, "second") is None
    assert await units(database, "warm-0") == 3


async def test_what_is_written_in_two_turns_is_one_transaction(database: Database) -> None:
    reckon = CHANGE.values(units=b.units + 1)

    async def fail(box: str) -> None:
        async with database.tx() as tx:
            tx.put(PUT, {"id": box, "units": 1})
            tx.later(CHANGE, "warm-1", {"box": "warm-1", "units": 5})
            tx.later(reckon, "warm-1", {"box": "warm-1"}, reckons=True)
            tx.later(CHANGE, "warm-1", {"box": "warm-1", "units": None})

    for number in range(3):
        box = f"turns-{number}"
        with pytest.raises(IntegrityError):
            await fail(box)
        assert await units(database, box) is None
        assert await units(database, "warm-1") == 1
