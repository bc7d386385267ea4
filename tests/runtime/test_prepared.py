"""Every statement that the hub has as a constant is one that PostgreSQL takes, alone and for many rows."""

import gc
import weakref
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    Column,
    DateTime,
    Float,
    Insert,
    Integer,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    TextClause,
    Update,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, asyncpg
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.runtime.database import Database, IdText
from hub.runtime.prepared import Prepared, Unfit, prepared
from tests.runtime.constants import Statement, constants, said_by_caller

DIALECT = asyncpg.dialect()
CONSTANTS = constants()
things = Table(
    "prepared_things",
    MetaData(),
    Column("id", IdText, primary_key=True),
    Column("order", Text),
    Column("units", Integer),
    Column("tags", ARRAY(Text)),
    Column("doc", JSONB),
    Column("at", DateTime(timezone=True)),
    Column("ratio", Float),
    Column("price", Numeric),
)
t = things.c
ONE = update(things).where(t.id == bindparam("thing"))


@pytest_asyncio.fixture(scope="module")
async def driver(database: Database) -> AsyncIterator[Any]:
    async with database.engine.connect() as connection:
        fairy = await connection.get_raw_connection()
        yield fairy.driver_connection


def made(statement: Any, *names: str) -> Prepared:
    return Prepared(statement, frozenset(names), DIALECT)


def fit() -> Mapping[str, tuple[Statement, Prepared]]:
    found: dict[str, tuple[Statement, Prepared]] = {}
    for place, statement in CONSTANTS.items():
        try:
            found[place] = (statement, Prepared(statement, said_by_caller(statement), DIALECT))
        except Unfit:
            continue
    return found


async def test_postgresql_takes_each_constant(driver: Any) -> None:
    ours = fit()
    assert len(ours) > 300, "nearly all"
    for place, (statement, each) in ours.items():
        taken = await driver.prepare(each.sql)
        assert len(taken.get_parameters()) == len(each._places), place  # pyright: ignore[reportPrivateUsage]  # what is passed
        if not isinstance(statement, TextClause):
            assert bool(taken.get_attributes()) == each.returns, place


async def test_postgresql_takes_each_write_of_many_rows(driver: Any) -> None:
    together = {place: each.together for place, (statement, each) in fit().items() if isinstance(statement, Insert | Update)}
    written = {place: each for place, each in together.items() if each is not None}
    assert len(written) > 100
    for place, each in written.items():
        taken = await driver.prepare(each.sql)
        assert len(taken.get_parameters()) == len(each._types), place  # pyright: ignore[reportPrivateUsage]  # what is passed


@pytest.mark.parametrize(
    "place",
    [
        *("hub.orders.store._WRITE", "hub.orders.store._WRITE_PARTS", "hub.orders.store._WRITE_LINES", "hub.payments.store._ADD"),
        *("hub.runtime.steps._INSERT", "hub.runtime.steps._INSERT_TAKEN", "hub.runtime.life._APPEND", "hub.runtime.idempotency._PUT"),
        *("hub.inventory.promise._PROMISE", "hub.cart.store._TOUCH", "hub.orders.held._CHANGE", "hub.inventory.stock._COUNTED"),
    ],
)
def test_what_placing_writes_is_written_together(place: str) -> None:
    statement = CONSTANTS[place]
    assert Prepared(statement, said_by_caller(statement), DIALECT).together is not None


@pytest.mark.parametrize(
    "statement",
    [
        ONE.values(tags=bindparam("said")),
        update(things).values(units=bindparam("said", type_=Integer)),
        update(things).where(t.units == bindparam("said", type_=Integer)).values(ratio=bindparam("said", type_=Integer)),
        update(things).where(t.id.in_(bindparam("said", expanding=True))).values(units=1),
        update(things).where(t.id == select(func.max(t.id)).where(t.units == bindparam("said")).scalar_subquery()).values(units=1),
        pg_insert(things).on_conflict_do_update(index_elements=["id"], set_={"units": 1}),
        pg_insert(things).on_conflict_do_update(index_elements=["id"], set_={"units": bindparam("said", type_=Integer)}),
        things.delete().where(t.id == bindparam("said")),
    ],
    ids=["array", "no key", "key that is set", "list", "subquery", "upsert", "upsert of a value", "delete"],
)
def test_what_means_another_thing_for_many_is_not_written_together(statement: Any) -> None:
    """One UPDATE changes a row once, and one upsert takes each row once."""
    assert made(statement, "said", *(("id",) if isinstance(statement, Insert) else ())).together is None


@pytest.mark.parametrize(
    "statement",
    [select(t.price), select(t.units * 1.5), select(func.round(t.price, type_=Numeric))],
    ids=["decimal", "product", "rounded"],
)
def test_what_sqlalchemy_makes_something_of_is_left_to_it(statement: Select[Any]) -> None:
    with pytest.raises(Unfit):
        made(statement)


def test_a_name_that_means_something_to_postgresql_is_quoted() -> None:
    together = made(update(things).where(t.id == bindparam("full")), "full", "units").together
    assert together is not None
    assert 'given."full"' in together.sql


def test_what_the_statement_says_itself_is_written_out() -> None:
    """So that PostgreSQL plans by it; what is no plain word is passed."""
    statement = select(t.id).where(t.order == "open", t.units > 3, t.doc == "it's 100 % (a) \\ $1 :x")
    each = made(statement)
    assert "'open'" in each.sql
    assert "> 3" in each.sql
    assert "%" not in each.sql
    assert len(each.arguments({})) == 1


def test_a_value_that_nobody_says_is_an_error() -> None:
    """Not NULL: a row without it would be written without it."""
    with pytest.raises(KeyError):
        made(ONE, "thing", "units").arguments({"thing": "a"})
    together = made(insert(things), "id", "units").together
    assert together is not None
    with pytest.raises(KeyError):
        together.arguments([{"id": "a", "units": 1}, {"id": "b"}])


def test_what_runs_once_is_left_to_sqlalchemy_and_what_runs_again_is_kept() -> None:
    statement = select(t.id).where(t.id == bindparam("thing"))
    names = frozenset({"thing"})
    assert prepared(statement, names, DIALECT) is None
    first = prepared(statement, names, DIALECT)
    assert first is not None
    assert prepared(statement, names, DIALECT) is first


def test_what_is_made_of_a_constant_is_not_taken_for_it() -> None:
    statement = select(t.id).where(t.id == bindparam("thing"))
    names = frozenset({"thing"})
    for _ in range(2):
        prepared(statement, names, DIALECT)
    copy = statement.where(t.units > 3)
    assert prepared(copy, names, DIALECT) is None
    again = prepared(copy, names, DIALECT)
    assert again is not None
    assert "> 3" in again.sql
    same = statement.where()
    assert prepared(same, names, DIALECT) is None


def test_what_is_built_for_one_use_does_not_pile_up() -> None:
    built: list[Any] = [select(t.id).where(t.units > number) for number in range(50)] + [text(f"SELECT {number}") for number in range(50)]
    for _ in range(2):
        assert len([prepared(statement, frozenset(), DIALECT) for statement in built]) == 100
    left = [weakref.ref(statement) for statement in built]
    built.clear()
    gc.collect()
    assert not [each for each in left if each() is not None]
