"""How long a transaction waits for locks is said with its BEGIN."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.exc import DBAPIError

from hub.runtime.database import Database, Tx
from tests.runtime.kinds import things
from tests.runtime.wires import INSERT, raw

LOCK = select(things.c.id).where(things.c.id == bindparam("thing")).with_for_update()
SHOWN = select(func.current_setting("lock_timeout"))


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """With a single connection, so that the next transaction has that of the one before."""
    made = Database(database_url, pool_size=1)
    async with made.engine.begin() as connection:
        await connection.run_sync(things.metadata.create_all)
    yield made
    await made.close()


async def spoken(tx: Tx) -> list[str]:
    """What is said on the transaction's connection from here on."""
    said: list[str] = []
    driver: Any = (await raw(tx).get_raw_connection()).driver_connection

    def note(record: Any) -> None:
        said.append(record.query)

    driver.add_query_logger(note)
    return said


async def test_in_one_message_with_begin(database: Database) -> None:
    async with database.tx() as tx:
        said = await spoken(tx)
        await tx.wait_at_most(250)
        assert said == []
        assert await tx.scalar(LOCK, {"thing": "nothing"}) is None
        assert await tx.scalar(SHOWN) == "250ms"
        await tx.wait_at_most(0)
        assert await tx.scalar(SHOWN) == "0"
    assert said[0].startswith("BEGIN")
    assert said[0].endswith("; SET LOCAL lock_timeout = 250")
    assert sum("BEGIN" in each for each in said) == 1


async def test_the_next_transaction_waits_as_ever(database: Database) -> None:
    for locks in (True, False):
        async with database.tx() as tx:
            await tx.wait_at_most(250)
            if locks:
                await tx.scalar(LOCK, {"thing": "nothing"})
        async with database.tx() as tx:
            await tx.scalar(LOCK, {"thing": "nothing"})
            assert await tx.scalar(SHOWN) == "0"


async def test_a_lone_last_write_waits_no_longer_either(database: Database, database_url: str) -> None:
    """It would need no BEGIN, but for that."""
    other = Database(database_url, pool_size=1)
    async with other.tx() as first:
        first.put(INSERT, {"id": "twin", "units": 1})
        await first.scalar(text("SELECT count(*) FROM things"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await asyncio.wait_for(put_within(database, "twin"), 10)
    await other.close()


async def put_within(database: Database, name: str) -> None:
    async with database.tx() as tx:
        await tx.wait_at_most(250)
        tx.put(INSERT, {"id": name, "units": 1})
