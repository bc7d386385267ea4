"""A simulated world's rows in a real database: PostgreSQL takes them all, and the laws that we ship hold of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Column, ForeignKeyConstraint, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.ops import invariants
from hub.runtime.database import Database
from hub.simulation import logs
from hub.simulation.climate import climate
from hub.simulation.loop import run as run_loop
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory
from hub.simulation.world import World
from hub.wiring import tables

SEED = 11
ORDERS = 60


def lived() -> Memory:
    """What is left in the database when a world has come to rest."""
    nature = Nature(SEED, climate(SEED))

    async def whole() -> World:
        world = World(nature, ORDERS)
        with logs.heard(nature, world.stop):
            await world.live()
        return world

    world = run_loop(whole())
    assert world.rested
    return world.memory


def records(row: tuple[Any, ...], columns: Sequence["Column[Any]"], position: Mapping[str, int]) -> list[Any]:
    """A row as COPY takes it."""
    values = ((row[position[column.name]], isinstance(column.type, JSONB)) for column in columns)
    return [msgspec.json.encode(value).decode() if is_json and value is not None else value for value, is_json in values]


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The real one, with the world in it."""
    memory = await asyncio.to_thread(lived)
    made = Database(database_url)
    async with made.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))  # triggers have had their say
        driver: Any = (await connection.get_raw_connection()).driver_connection
        for table in tables().sorted_tables:
            await connection.execute(text(f"DELETE FROM {table.name}"))
            columns = [column for column in table.columns if column.computed is None]
            rows = [records(row, columns, memory.tables[table.name].position) for row in memory.tables[table.name].rows.values()]
            await driver.copy_records_to_table(table.name, records=rows, columns=[column.name for column in columns])
    yield made
    await made.close()


async def test_every_row_is_there(database: Database) -> None:
    async with database.reading() as tx:
        counts = {table.name: await tx.scalar(select(func.count()).select_from(table)) for table in tables().sorted_tables}
    assert counts["orders"] >= ORDERS / 2
    assert counts["ledger_postings"] > counts["orders"]
    assert counts["steps"] > counts["orders"]


@pytest.mark.parametrize(
    "table", [table for table in tables().sorted_tables if table.foreign_key_constraints], ids=lambda table: table.name
)
async def test_what_a_row_refers_to_is_there(database: Database, table: Any) -> None:
    for key in table.foreign_key_constraints:
        assert isinstance(key, ForeignKeyConstraint)
        there = key.referred_table.alias("there")
        same = [element.parent == there.c[element.column.name] for element in key.elements]
        set_ = [element.parent.is_not(None) for element in key.elements]
        lost = select(*table.primary_key.columns).where(*set_, ~select(there).where(*same).exists())
        async with database.reading() as tx:
            assert await tx.rows(lost) == [], key.name


async def test_the_laws_that_we_ship_hold(database: Database) -> None:
    async with database.reading() as tx:
        assert await invariants.check(tx, settled=True) == []


async def test_a_cent_that_is_lost_would_be_seen(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE ledger_balances SET balance = balance + 1 WHERE account LIKE 'vendor:%'"))
        rows = await connection.execute(text("SELECT count(*) FROM ledger_balances WHERE account LIKE 'vendor:%'"))
        assert rows.scalar_one() > 0
    async with database.reading() as tx:
        assert await invariants.check(tx, settled=True) != []
