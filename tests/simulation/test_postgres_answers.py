"""What is asked of both databases, and what is refused by both: the shapes of the hub's statements over rows with holes in them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Table,
    and_,
    bindparam,
    case,
    cast,
    delete,
    desc,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.exc import DBAPIError

from hub.runtime.database import Database, Tx
from hub.simulation.postgres.conditions import FOREIGN
from tests.simulation.postgres_play import Both, every, pieces, plain, sqlstate, things, two_databases

t, p = things.c, pieces.c
other = things.alias("other")
sizes = select(p.thing_id, func.sum(p.size).label("size"), func.count().label("many")).group_by(p.thing_id).subquery()
once = select(p.color).distinct().subquery()
both_ways = union_all(select(t.id.label("name"), t.n), select(p.thing_id, -p.size)).subquery()
of_it = select(func.max(p.size)).where(p.thing_id == t.id).scalar_subquery()

SHAPES: dict[str, Any] = {
    "comparisons with NULL": select(t.id).where(t.n > 1),
    "equal to NULL is not true": select(t.id).where(t.n == bindparam("nothing", None, type_=Integer)),
    "not of it is not true either": select(t.id).where(not_(and_(t.n == 1, t.kind != "x"))),
    "not of an equality of two columns": select(t.id).where(not_(or_(t.name == t.id, t.n == 2))),
    "unlike": select(t.id).where(t.n != 1),
    "and of three values": select(t.id, and_(t.n > 1, t.name == "a"), or_(t.n > 1, t.name == "a"), ~(t.n > 1)),
    "is distinct": select(t.id).where(t.n.is_distinct_from(1)),
    "is not distinct": select(t.id, other.c.id).where(t.n.is_not_distinct_from(other.c.n)),
    "is NULL": select(t.id).where(t.n.is_(None) | t.name.is_not(None)),
    "between": select(t.id).where(t.n.between(1, 2)),
    "in": select(t.id).where(t.n.in_([1, 3])),
    "in nothing": select(t.id).where(t.n.in_([])),
    "not in nothing": select(t.id).where(t.n.not_in([])),
    "not in": select(t.id).where(t.n.not_in([1, 3])),
    "in a query": select(t.id).where(t.id.in_(select(p.thing_id).where(p.size > 1))),
    "not in a query with NULLs": select(t.id).where(t.id.not_in(select(p.thing_id))),
    "exists": select(t.id).where(exists().where(p.thing_id == t.id, p.size > 1)),
    "not exists": select(t.id).where(~exists().where(p.thing_id == t.id)),
    "exists beside an or": select(t.id).where(or_(t.n == 1, exists().where(p.thing_id == t.id, p.color.is_(None)))),
    "a value that depends": select(t.id, of_it).order_by(t.id),
    "a value that does not depend": select(t.id).where(t.n == select(func.min(p.size)).scalar_subquery()),
    "order by what depends": select(t.id, of_it.label("most")).order_by(of_it.desc(), t.id),
    "order": select(t.id, t.n).order_by(t.n, t.id.desc()),
    "order downwards": select(t.id, t.n).order_by(t.n.desc(), t.id),
    "NULLs first": select(t.id, t.n).order_by(t.n.nulls_first(), t.id),
    "NULLs last": select(t.id, t.n).order_by(t.n.desc().nulls_last(), t.id),
    "limit and offset": select(t.id).order_by(t.id).limit(3).offset(1),
    "no limit": select(t.id).order_by(t.id).limit(None),
    "distinct": select(p.color).distinct().order_by(p.color),
    "distinct pairs": select(p.color, p.size).distinct(),
    "from distinct values": select(func.count()).select_from(once).where(once.c.color == "red"),
    "join": select(t.id, p.id).join_from(things, pieces, p.thing_id == t.id),
    "outer join": select(t.id, p.id, p.color).join_from(things, pieces, p.thing_id == t.id, isouter=True),
    "outer join with a condition": select(t.id, p.id).join_from(things, pieces, and_(p.thing_id == t.id, p.size > 1), isouter=True),
    "outer join without a match": select(t.id).join_from(things, pieces, p.thing_id == t.id, isouter=True).where(p.id.is_(None)),
    "a table beside itself": select(t.id, other.c.id).where(t.kind == other.c.kind, t.id < other.c.id),
    "three in a row": select(t.id, p.id, other.c.id).join_from(things, pieces, p.thing_id == t.id).join(other, other.c.n == p.size),
    "join with a query": select(t.id, sizes.c.size, sizes.c.many).join_from(things, sizes, sizes.c.thing_id == t.id),
    "outer join with a query": select(t.id, func.coalesce(sizes.c.size, 0)).join_from(
        things, sizes, sizes.c.thing_id == t.id, isouter=True
    ),
    "aggregates": select(func.count(), func.count(t.n), func.sum(t.n), func.min(t.n), func.max(t.n), func.min(t.name)),
    "aggregates of nothing": select(func.count(), func.sum(t.n), func.coalesce(func.sum(t.n), 0)).where(t.id == "none"),
    "aggregates with a filter": select(func.count().filter(t.n > 1), func.sum(t.n).filter(t.kind == "a")),
    "distinct values counted": select(func.count(p.color.distinct())),
    "groups": select(p.color, func.count(), func.sum(p.size)).group_by(p.color),
    "groups of pairs": select(p.thing_id, p.color, func.max(p.size)).group_by(p.thing_id, p.color),
    "groups in order": select(p.color, func.sum(p.count).label("all")).group_by(p.color).order_by(func.sum(p.count).desc(), p.color),
    "having": select(p.color, func.count()).group_by(p.color).having(func.count() > 1),
    "having of a sum of NULLs": select(p.color).group_by(p.color).having(func.sum(p.size) > 2),
    "groups of a join": select(t.kind, func.sum(p.size)).join_from(things, pieces, p.thing_id == t.id, isouter=True).group_by(t.kind),
    "groups with a filter": select(p.color, func.count().filter(p.size.is_(None))).group_by(p.color),
    "case": select(t.id, case((t.n == 1, "one"), (t.n > 1, "more"), else_="none")),
    "sum of a case": select(func.sum(case((p.color == "red", p.count), else_=-p.count))),
    "arithmetic": select(p.id, p.size + p.count, p.size - 1, p.count * 2, -p.size),
    "functions": select(t.id, func.coalesce(t.n, -1), func.greatest(t.n, 2), func.least(t.n, 2), func.nullif(t.n, 1)),
    "text": select(t.id, t.id + ":" + t.name, func.split_part("a:b:c", ":", 2), func.split_part(t.id, ":", 2)),
    "union": select(both_ways.c.name, func.sum(both_ways.c.n)).group_by(both_ways.c.name),
    "union as it is": union_all(select(t.id), select(p.color)),
    "pairs compared": select(p.id).where(tuple_(p.count, p.id) > (2, 3)).order_by(p.count, p.id),
    "JSON": select(t.id, t.data["a"], t.data["list"][0]),
    "JSON as text": select(t.id).where(t.data["a"].astext == "1"),
    "JSON built": select(t.id, func.json_build_object("n", t.n, "id", t.id)),
    "JSON gathered": select(p.color, func.json_agg(aggregate_order_by(p.id, p.id))).group_by(p.color),
    "casts": select(t.id, cast(func.coalesce(func.sum(p.size), 0), BigInteger))
    .join_from(things, pieces, t.id == p.thing_id)
    .group_by(t.id),
    "a literal": select(t.id, literal(5).label("five")).order_by(desc("five"), desc(t.id)),
}

WRITES: dict[str, list[Any]] = {
    "update": [update(things).where(t.n > 1).values(n=t.n + 10, name=None).returning(t.id, t.n)],
    "update from a query": [update(things).values(n=of_it).where(of_it.is_not(None))],
    "update with another table": [update(things).where(p.thing_id == t.id, p.size.is_not(None)).values(kind="joined").returning(t.id)],
    "update each once": [update(things).where(p.thing_id == t.id).values(n=func.coalesce(t.n, 0) + 1)],
    "update of nothing": [update(things).where(t.id == "none").values(n=1)],
    "delete": [delete(pieces).where(p.size > 1).returning(p.id)],
    "delete with another table": [delete(pieces).where(p.thing_id == t.id, t.n == 1)],
    "defaults": [insert(things).values(id="new").returning(t.id, t.kind, t.n, t.state, t.data)],
    "its own writes are seen": [
        insert(things).values(id="new", n=7),
        update(things).where(t.n == 7).values(n=8).returning(t.id),
        delete(things).where(t.id == "t0"),
        select(t.id, t.n).order_by(t.id),
    ],
}


@pytest_asyncio.fixture(scope="module")
async def both(database_url: str) -> AsyncIterator[Both]:
    async with two_databases(database_url) as made:
        yield made


async def fill(both: Both, seed: int) -> None:
    dice = Random(seed)
    await both.clear(things, pieces)
    maybe = dice.choice
    if seed:  # the first world is empty
        data: Any = ({}, {"a": 1}, {"a": "1", "list": [{"b": 2}]}, {"a": None, "list": []})
        await both.fill(
            things,
            [
                {"id": f"t{n}", "name": maybe((None, f"t{n}", f"N{n}")), "kind": maybe("abx"), "n": maybe((None, 1, 2, 3)), "state": "done"}
                | {"data": maybe(data)}
                for n in range(9)
            ],
        )
        await both.fill(
            pieces,
            [
                {"id": n, "thing_id": maybe((None, "t0", "t1", "t2", "gone")), "size": maybe((None, 1, 2, 3)), "count": dice.randrange(5)}
                | {"color": maybe((None, "red", "Red", "blue"))}
                for n in range(14)
            ],
        )


def same_order(statement: Any, rows: list[Any]) -> list[Any]:
    """As they came where the statement orders them wholly, else in whatever order."""
    return rows if getattr(statement, "_order_by_clauses", ()) else sorted(rows, key=repr)


@pytest.mark.parametrize("seed", range(4))
async def test_both_answer_alike(both: Both, seed: int) -> None:
    await fill(both, seed)
    for name, statement in SHAPES.items():
        there, here = await both.answers(lambda tx, statement=statement: tx.rows(statement))
        assert same_order(statement, plain(here)) == same_order(statement, plain(there)), name


@pytest.mark.parametrize("name", WRITES)
async def test_both_write_alike(both: Both, name: str) -> None:
    for seed in range(1, 3):
        await fill(both, seed)

        async def write(tx: Tx) -> list[Any]:
            told: list[Any] = []
            for statement in WRITES[name]:
                gives = getattr(statement, "is_select", False) or statement._returning
                told.append(sorted(plain(await tx.rows(statement)), key=repr) if gives else await tx.execute(statement))
            return told

        there, here = await both.answers(write)
        assert here == there
        for table in (things, pieces):
            there, here = await both.rows(table)
            assert here == there


def _words(table: Table) -> list[str]:
    """All that the table's checks name."""
    said = " ".join(str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint))
    return said.split("'")[1::2]


BY_KIND: dict[type, tuple[Any, ...]] = {
    Boolean: (False, True),
    Integer: (0, 0, 0, 1, 1, 2, 10, -1),
    DateTime: tuple(datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)),
    Float: (0.0, 1.5),
    JSONB: ({}, {"a": 1}),
    ARRAY: (["a"],),
    LargeBinary: (b"raw",),
}


def _value(column: "Column[Any]", words: list[str], dice: Random) -> Any:
    if dice.random() < (0.3 if column.nullable else 0.02) and not isinstance(column.type, JSONB):  # None would be JSON's null
        return None
    known = (values for kind, values in BY_KIND.items() if isinstance(column.type, kind))
    return dice.choice(next(known, (*words, *words, "one", "two", "three")))


READ = [
    table
    for table in every.sorted_tables
    if not any(word in str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint) for word in FOREIGN)
    and all(type(column.type).__name__ != "Date" for column in table.columns)
]


async def _refusals(database: Database, table: Table, rows: list[dict[str, Any]]) -> list[str]:
    """What becomes of each row, one after the other."""
    told: list[str] = []
    async with database.tx() as tx:
        if type(database) is Database:
            await tx.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys, no triggers
        for row in rows:
            try:
                async with tx.conn.begin_nested():
                    await tx.execute(insert(table).values(row))
                told.append("")
            except DBAPIError as error:
                told.append(sqlstate(error))
        await tx.execute(delete(table))
    return told


async def test_both_refuse_the_same_rows(both: Both) -> None:
    await both.clear(things, pieces)
    dice, seen = Random(1), set[str]()
    assert len(READ) > 30
    for table in READ:
        columns = [column for column in table.columns if column.identity is None and column.computed is None]
        words = _words(table)
        rows = [{column.name: _value(column, words, dice) for column in columns} for _ in range(40)]
        there = await _refusals(both.real, table, rows)
        assert await _refusals(both.simulated, table, rows) == there, table.name
        seen.update(there)
    assert seen == {"", "23502", "23505", "23514"}
