"""What runs straight on asyncpg gives what it gives through SQLAlchemy."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    BigInteger,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.runtime.database import Database
from hub.runtime.wire import Wire
from tests.runtime.kinds import EMPTY, FULL, NOON, ODD, Color, things
from tests.runtime.wires import ALL, INSERT, NO_PRICE, ONE, SCALARS, UPSERT, both, kept, nothing_stays, t


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _things(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(things.metadata.create_all)


@pytest.mark.parametrize("row", [FULL, EMPTY, ODD], ids=["full", "empty", "odd"])
async def test_each_kind_of_value_comes_and_goes_as_it_is(database: Database, row: dict[str, Any]) -> None:
    theirs, ours = await both(database, NO_PRICE, None, {"id": "one", **row})
    assert ours == theirs
    [(found,), _, _] = ours
    named = dict(zip((column.key for column in NO_PRICE.selected_columns), found, strict=True))
    assert {name: named[name] for name in row if name in named} == {name: value for name, value in row.items() if name != "price"}


async def test_many_rows_are_written_as_one_by_one_and_in_their_order(database: Database) -> None:
    theirs, ours = await both(database, INSERT, SCALARS)
    assert ours[2] == theirs[2]
    assert [row[0] for row in ours[2]] == ["row-0", "row-1", "row-2"]
    assert ours[1] == 3


async def test_many_rows_of_arrays_are_written_too(database: Database) -> None:
    theirs, ours = await both(database, INSERT, [{"id": f"row-{n}", **row} for n, row in enumerate((FULL, EMPTY, ODD))])
    assert ours[2] == theirs[2]
    assert len(ours[2]) == 3


async def test_a_thousand_rows_are_numbered_in_their_order(database: Database) -> None:
    rows = [{"id": f"{number * 7919 % 1000:04}", "units": number} for number in range(1000)]
    statement = INSERT.returning(t.id)
    async with nothing_stays(database) as connection:
        kept(connection, statement, rows)
        wire = Wire(connection)
        assert [row.id for row in (await wire.execute(statement, rows)).all()] == [row["id"] for row in rows]
        assert [row.units for row in (await connection.execute(ALL)).all()] == list(range(1000))


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (select(t.id, t.units).where(t.id.in_(bindparam("ids", expanding=True))).order_by(t.id), {"ids": ["a", "c"]}),
        (select(t.id).where(t.id.in_(bindparam("ids", expanding=True))), {"ids": []}),
        (select(t.id).where(t.id.not_in(bindparam("ids", expanding=True))).order_by(t.id), {"ids": []}),
        (select(t.id).where(t.id.not_in(bindparam("ids", expanding=True))).order_by(t.id), {"ids": ("b",)}),
        (select(t.id).where(t.units.in_((1, 2)), t.order.in_(["x'y", "%"])), None),
        (select(t.id).where(t.small.in_(bindparam("ids", expanding=True))), {"ids": [5, None]}),
        (select(func.sum(t.units), func.sum(t.small), func.avg(t.ratio), func.count(), func.max(t.at)), None),
        (select(func.sum(t.ratio), func.sum(t.price), func.coalesce(func.sum(t.units), 0)), None),
        (select(t.price, t.units * 2, t.ratio / 3), None),
        (select(t.doc["a"], t.doc, t.bare, t.tags, func.array_agg(t.id).over()), None),
        (select(t.id, t.id, func.length(t.id), t.order), None),
        (select(t.id).where(t.order == "it's 100 % „x“ \\ $1 :x %(y)s"), None),
        (select(t.id).where(t.order.like("it%"), t.doc["c"].astext == "1.5"), None),
        (text("SELECT id, units FROM things WHERE \"order\" LIKE '%100 \\%%' AND units > :least"), {"least": 1}),
        (text("WITH given AS (SELECT id FROM things WHERE id <> :but) SELECT id FROM given ORDER BY id"), {"but": "b"}),
        (text("WITH gone AS (DELETE FROM things RETURNING id) UPDATE things SET small = 1 WHERE id IN (SELECT id FROM gone)"), None),
        (text("WITH more AS (UPDATE things SET small = 9 RETURNING id) SELECT count(*) FROM more"), None),
        (text("VALUES (1, 'a'), (2, 'b')"), None),
        (text("SET LOCAL lock_timeout = 77"), None),
        (text("UPDATE things SET small = :small WHERE id = ANY (cast(:ids AS text[])) RETURNING id, small"), {"small": 3, "ids": ["a"]}),
        (ONE.values(units=t.units + bindparam("more", type_=BigInteger)), {"thing": "a", "more": 5}),
        (ONE, {"thing": "nobody", "units": 5}),
        (update(things).values(order=Color.RED).returning(t.id, t.order), None),
        (ONE.values(at=func.to_timestamp(0), doc={"said": ["it's"]}).returning(t.doc), {"thing": "a", "bare": None, "tags": ["z"]}),
        (things.delete().where(t.units > bindparam("least", type_=BigInteger)), {"least": 100}),
        (pg_insert(things).on_conflict_do_nothing(), {"id": "a"}),
        (pg_insert(things).on_conflict_do_nothing(), {"id": "new"}),
        (pg_insert(things).on_conflict_do_nothing().returning(t.id), {"id": "a"}),
        (UPSERT, {"id": "a", "units": 5}),
        (UPSERT.returning(t.units), {"id": "new", "units": 5}),
    ],
)
async def test_a_statement_gives_the_same_rows_and_count(database: Database, statement: Any, values: Any) -> None:
    rows = [{"id": "a", **FULL, "small": 5}, {"id": "b", **ODD, "units": 1}, {"id": "c", **FULL, "order": "%", "units": 2}]
    theirs, ours = await both(database, statement, values, *rows)
    assert ours == theirs
    assert [list(map(type, row)) for row in ours[0]] == [list(map(type, row)) for row in theirs[0]]


MANY: list[tuple[Any, list[dict[str, Any]], int | None]] = [
    (ONE, [{"thing": "a", "units": 3}, {"thing": "b", "units": 4}, {"thing": "nobody", "units": 5}], 2),
    (ONE, [{"thing": "a", "doc": None, "bare": None, "at": None}, {"thing": "b", "doc": {"x": 1}, "bare": [], "at": NOON}], 2),
    (ONE.values(units=t.units + bindparam("more", type_=BigInteger)), [{"thing": "a", "more": 5}, {"thing": "b", "more": 6}], 2),
    (ONE.values(units=t.units + bindparam("more", type_=BigInteger)), [{"thing": "a", "more": 5}, {"thing": "a", "more": 6}], None),
    (ONE, [{"thing": "a", "units": 3}, {"thing": "b", "units": 1}, {"thing": "a", "units": 4}], None),
    (ONE, [{"thing": "a", "tags": ["x"]}, {"thing": "b", "tags": []}], None),
    (update(things).where(t.id == bindparam("order_")), [{"order_": "a", "order": "x"}, {"order_": "b", "order": "y"}], 2),
    (update(things).where(t.units >= bindparam("least", type_=BigInteger)), [{"least": 1, "small": 1}, {"least": 3, "small": 3}], None),
    (pg_insert(things).on_conflict_do_nothing(), [{"id": "a"}, {"id": "new"}, {"id": "new"}], 1),
    (UPSERT, [{"id": "a", "units": 3}, {"id": "new", "units": 4}, {"id": "new", "units": 5}], None),
    (things.delete().where(t.id == bindparam("thing")), [{"thing": "a"}, {"thing": "b"}], None),
]


@pytest.mark.parametrize(("statement", "values", "touched"), MANY)
async def test_a_statement_for_many_rows_does_the_same(database: Database, statement: Any, values: Any, touched: int | None) -> None:
    rows = [{"id": "a", "units": 1, "small": 0}, {"id": "b", "units": 2, "small": 0}]
    theirs, ours = await both(database, statement, values, *rows)
    assert sorted(ours[2], key=repr) == sorted(theirs[2], key=repr)
    assert touched is None or ours[1] == touched
