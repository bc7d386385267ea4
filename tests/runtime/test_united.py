"""What a transaction writes at its end goes in one round trip, and is what it would be one by one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, ForeignKey, Identity, MetaData, Table, Text, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.runtime.database import Database, IdText, Tx
from hub.runtime.prepared import prepared
from hub.runtime.wire import Wire

tables = MetaData()
houses = Table("houses", tables, Column("id", IdText, primary_key=True), Column("rooms", BigInteger, nullable=False))
people = Table(
    "people",
    tables,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("house", IdText, ForeignKey("houses.id"), nullable=False),
)
BUILD = insert(houses)
GREET = pg_insert(people).on_conflict_do_nothing(index_elements=["name"])
MOVE_IN = insert(people)
WIDEN = update(houses).where(houses.c.id == bindparam("house")).values(rooms=houses.c.rooms + bindparam("more", type_=BigInteger))
CALL = update(people).where(people.c.name == bindparam("person"))
Writes = list[tuple[Any, list[dict[str, Any]]]]


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _tables(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.create_all)


@asynccontextmanager
async def known(database: Database, *statements: tuple[Any, set[str]]) -> AsyncIterator[tuple[AsyncConnection, Wire]]:
    """A connection on which these have run before with such names; nothing stays."""
    async with database.engine.connect() as connection:
        for statement, names in statements:
            prepared(statement, frozenset(names), connection.dialect)
        yield connection, Wire(connection)
        await connection.rollback()


ALL = [
    (BUILD, {"id", "rooms"}),
    (GREET, {"name", "house"}),
    (MOVE_IN, {"name", "house"}),
    (WIDEN, {"house", "more"}),
    (CALL, {"person", "name"}),
]


async def stands(connection: AsyncConnection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Houses, and people in the order in which they came."""
    built = await connection.execute(select(houses.c.id, houses.c.rooms).order_by(houses.c.id))
    came = await connection.execute(select(people.c.name, people.c.house).order_by(people.c.seq))
    return [tuple(row) for row in built], [tuple(row) for row in came]


async def sent(connection: AsyncConnection) -> int:
    """How many statements PostgreSQL has prepared for this connection."""
    return int(
        (await connection.execute(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'WITH w0%'"))).scalar() or 0
    )


async def test_rows_of_many_tables_go_together_and_may_refer_to_each_other(database: Database) -> None:
    async with known(database, *ALL) as (connection, wire):
        await connection.execute(BUILD, {"id": "old", "rooms": 1})
        await connection.execute(MOVE_IN, {"name": "zoe", "house": "old"})
        before = await sent(connection)
        await wire.write(
            [
                (MOVE_IN, [{"name": "eve", "house": "new"}, {"name": "bob", "house": "newer"}, {"name": "ann", "house": "old"}]),
                (BUILD, [{"id": "new", "rooms": 3}, {"id": "newer", "rooms": 4}]),
                (GREET, [{"name": "zoe", "house": "old"}, {"name": "kim", "house": "old"}]),
                (WIDEN, [{"house": "old", "more": 2}]),
            ]
        )
        built, came = await stands(connection)
        assert built == [("new", 3), ("newer", 4), ("old", 3)]
        assert [each for each in came if each[0] not in {"zoe", "kim"}] == [("eve", "new"), ("bob", "newer"), ("ann", "old")]
        assert {("zoe", "old"), ("kim", "old")} <= set(came)
        assert await sent(connection) == before + 1


WRONG: list[tuple[str, Writes]] = [
    ("23503", [(BUILD, [{"id": "new", "rooms": 1}]), (MOVE_IN, [{"name": "eve", "house": "nowhere"}])]),
    ("23505", [(BUILD, [{"id": "new", "rooms": 1}]), (MOVE_IN, [{"name": "eve", "house": "new"}, {"name": "eve", "house": "new"}])]),
    ("23502", [(BUILD, [{"id": "new", "rooms": None}]), (MOVE_IN, [{"name": "eve", "house": "new"}])]),
]


@pytest.mark.parametrize(("sqlstate", "writes"), WRONG)
async def test_one_that_is_refused_refuses_all(database: Database, sqlstate: str, writes: Writes) -> None:
    async with known(database, *ALL) as (connection, wire):
        with pytest.raises(IntegrityError) as raised:
            await wire.write(writes)
        assert getattr(raised.value.orig, "sqlstate", "") == sqlstate
        await connection.rollback()
        assert await stands(connection) == ([], [])


async def test_what_changes_a_row_twice_goes_one_by_one(database: Database) -> None:
    async with known(database, *ALL) as (connection, wire):
        await connection.execute(BUILD, {"id": "old", "rooms": 1})
        await wire.write(
            [(MOVE_IN, [{"name": "eve", "house": "old"}]), (WIDEN, [{"house": "old", "more": 2}, {"house": "old", "more": 3}])]
        )
        assert await stands(connection) == ([("old", 6)], [("eve", "old")])


async def test_what_runs_for_the_first_time_goes_one_by_one(database: Database) -> None:
    new = insert(houses)
    async with known(database, *ALL) as (connection, wire):
        for number in range(3):
            await wire.write([(new, [{"id": f"h{number}", "rooms": 1}]), (MOVE_IN, [{"name": f"p{number}", "house": f"h{number}"}])])
        built, came = await stands(connection)
        assert (len(built), came) == (3, [("p0", "h0"), ("p1", "h1"), ("p2", "h2")])


def by_itself(tx: Tx) -> tuple[Tx, Tx]:
    return tx, tx


def by_a_member(tx: Tx) -> tuple[Tx, Tx]:
    return tx.member(tx.actor, tx.trace), tx


def by_two_members(tx: Tx) -> tuple[Tx, Tx]:
    return tx.member(tx.actor, tx.trace), tx.member(tx.actor, tx.trace)


@pytest.mark.parametrize("who", [by_itself, by_a_member, by_two_members])
async def test_a_row_that_is_put_and_reckoned_with_is_inserted_first(database: Database, who: Callable[[Tx], tuple[Tx, Tx]]) -> None:
    for round_ in range(3):
        house = f"{who.__name__} {round_}"
        async with database.tx() as tx:
            puts, reckons = who(tx)
            puts.put(BUILD, {"id": house, "rooms": 1})
            puts.put(MOVE_IN, {"name": f"in {house}", "house": house})
            if puts is not tx:
                tx.take_in(puts)
            reckons.later(WIDEN, house, {"house": house, "more": 5}, reckons=True)
            if reckons is not tx:
                tx.take_in(reckons)
        async with database.reading() as tx:
            assert await tx.scalar(select(houses.c.rooms).where(houses.c.id == house)) == 6
