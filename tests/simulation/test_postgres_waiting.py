"""Two transactions at once, on PostgreSQL and on the simulated one: who waits for whom, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import TextClause, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from hub.cart.coupons import ONE_BY_ONE
from hub.runtime.database import Database, Tx
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from tests.simulation.postgres_play import every, plain, sqlstate, things, two_databases

WAITS = 0.5
"""Seconds after which what has not answered waits."""
c = things.c
Statement = Any


class Undone(Exception):
    """Take a transaction back."""


@pytest_asyncio.fixture(scope="module")
async def databases(database_url: str) -> AsyncIterator[tuple[Database, Database]]:
    async with two_databases(database_url) as both:
        nature = Nature(1, {})
        yield both.real, SimulatedDatabase(Memory(every, nature), Process(nature, "test"))


def thing(name: str, kind: str, state: str = "open") -> dict[str, Any]:
    return {"id": name, "name": f"the {name}", "kind": kind, "n": 1, "state": state}


async def begin(database: Database) -> None:
    async with database.tx() as tx:
        await tx.execute(delete(things))
        await tx.execute(insert(things), [thing("a", "ka"), thing("b", "kb"), thing("z", "kz", "done")])


async def run(tx: Tx, statement: Statement) -> Any:
    """Its rows, or how many it touched."""
    if isinstance(statement, TextClause):
        return len(await tx.rows(statement))
    gives = getattr(statement, "is_select", False) or getattr(statement, "_returning", ())
    return plain(await tx.rows(statement)) if gives else await tx.execute(statement)


def set_(which: str, /, **values: Any) -> Statement:
    return update(things).where(c.id == which).values(**values)


def new(**values: Any) -> Statement:
    return insert(things).values({"n": 1, "state": "done", **values})


def lock(name: str) -> Statement:
    return select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0)))


one_more = update(things).where(c.id == "a").values(n=c.n + 1).returning(c.n)
if_open = update(things).where(c.id == "a", c.state == "open").values(n=100).returning(c.n)
for_update = select(c.n).where(c.id == "a").with_for_update()
skipping = select(c.id).order_by(c.id).with_for_update(skip_locked=True)
no_matter = new(id="a").on_conflict_do_nothing()
over = new(id="a", n=7)
over = over.on_conflict_do_update(index_elements=[c.id], set_={"n": c.n + over.excluded.n}).returning(c.n)
not_long = text("-- at most 60 ms: said to the transaction, not run")

SCENARIOS: dict[str, tuple[Sequence[Statement], Sequence[Statement], bool]] = {
    "an update waits, and sees the newest row": ([set_("a", n=10)], [one_more], True),
    "its condition is asked of the newest row": ([set_("a", state="done")], [if_open], True),
    "an update of another row does not wait": ([set_("b", n=10)], [one_more], False),
    "an update waits for a deletion": ([delete(things).where(c.id == "a")], [one_more], True),
    "a deletion waits for an update": ([one_more], [delete(things).where(c.id == "a", c.n < 2)], True),
    "FOR UPDATE waits for an update": ([one_more], [for_update], True),
    "FOR UPDATE waits for FOR UPDATE": ([for_update], [for_update], True),
    "an update waits for FOR UPDATE": ([for_update], [one_more], True),
    "who only reads waits for nobody": ([one_more], [select(c.id, c.n).order_by(c.id)], False),
    "what is written is not yet counted": (
        [new(id="x"), delete(things).where(c.id == "b")],
        [select(func.count()).select_from(things)],
        False,
    ),
    "SKIP LOCKED passes over": ([for_update], [skipping], False),
    "SKIP LOCKED takes the next": ([one_more], [skipping.limit(1)], False),
    "a new key is waited for": ([new(id="x")], [new(id="x")], True),
    "a new key is waited for to do nothing": ([new(id="x")], [new(id="x").on_conflict_do_nothing()], True),
    "a deleted key is waited for": ([delete(things).where(c.id == "a")], [new(id="a", name="other")], True),
    "a key that is there is refused at once": ([for_update], [new(id="a")], False),
    "a locked row is in the way without waiting": ([for_update], [no_matter], False),
    "a changed one is waited for": ([one_more], [no_matter], True),
    "an insert that did nothing locks nothing": ([no_matter], [one_more], False),
    "an insert that changes waits": ([one_more], [over], True),
    "a new unique value is waited for": ([new(id="x", name="same")], [new(id="y", name="same")], True),
    "a new unique value is waited for to do nothing": (
        [new(id="x", name="same")],
        [new(id="y", name="same").on_conflict_do_nothing()],
        True,
    ),
    "a unique value that is given up is waited for": ([set_("a", name="other")], [new(id="y", name="the a")], True),
    "a unique value of a locked row is refused at once": ([for_update], [new(id="y", name="the a")], False),
    "a unique value of a changed row is waited for": ([set_("a", n=5)], [new(id="y", name="the a")], True),
    "a unique value to which another changes is waited for": ([set_("a", name="same")], [set_("b", name="same")], True),
    "a partial unique value is waited for": ([new(id="x", kind="k", state="open")], [new(id="y", kind="k", state="open")], True),
    "a partial one that does not count is not": ([new(id="x", kind="k")], [new(id="y", kind="k", state="open")], False),
    "a partial one that is given up is waited for": ([set_("a", state="done")], [new(id="y", kind="ka", state="open")], True),
    "a partial one that is taken up is waited for": ([set_("z", state="open")], [new(id="y", kind="kz", state="open")], True),
    "an advisory lock is waited for": ([lock("one")], [lock("one")], True),
    "another advisory lock is not": ([lock("one")], [lock("two")], False),
    "coupons are waited for": ([ONE_BY_ONE.bindparams(codes=["a", "b"])], [ONE_BY_ONE.bindparams(codes=["b"])], True),
    "nobody waits longer than it said": ([one_more], [not_long, one_more], False),
    "nor for a new key": ([new(id="x")], [not_long, new(id="x")], False),
}


async def second(database: Database, statements: Sequence[Statement]) -> Any:
    try:
        async with database.tx() as tx:
            return [await run(tx, statement) for statement in statements if statement is not not_long or await _not_long(tx)]
    except DBAPIError as error:
        return sqlstate(error)


async def _not_long(tx: Tx) -> bool:
    await tx.wait_at_most(60)
    return False


@asynccontextmanager
async def held(database: Database, statements: Sequence[Statement], *, commits: bool) -> AsyncIterator[None]:
    """A transaction under way, which ends with the block."""
    try:
        async with database.tx() as tx:
            for statement in statements:
                await run(tx, statement)
            yield
            if not commits:
                take_back()
    except Undone:
        pass


def take_back() -> None:
    raise Undone


async def play(database: Database, scenario: str, *, commits: bool) -> tuple[bool, Any, list[Any]]:
    """Whether the second transaction waited for the first, its answer, and the rows at the end."""
    first, then, _ = SCENARIOS[scenario]
    await begin(database)
    async with held(database, first, commits=commits):
        other = asyncio.ensure_future(second(database, then))
        await asyncio.wait((other,), timeout=WAITS)
        waited = not other.done()
    answer = await other
    async with database.reading() as tx:
        left = plain(await tx.rows(select(c.id, c.name, c.kind, c.n, c.state).order_by(c.id)))
    return waited, answer, left


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_both_wait_and_answer_alike(databases: tuple[Database, Database], scenario: str) -> None:
    real, simulated = databases
    for commits in (True, False):
        there, here = await asyncio.gather(play(real, scenario, commits=commits), play(simulated, scenario, commits=commits))
        assert here == there, f"{commits=}"
        assert there[0] is SCENARIOS[scenario][2]


async def _deadlock(database: Database) -> list[str]:
    await begin(database)
    met = asyncio.Barrier(2)

    async def both_rows(one: str, other: str) -> str:
        try:
            async with database.tx() as tx:
                await tx.execute(set_(one, n=5))
                await met.wait()
                await tx.execute(set_(other, n=6))
        except DBAPIError as error:
            return sqlstate(error)
        return "done"

    return sorted(await asyncio.gather(both_rows("a", "b"), both_rows("b", "a")))


async def test_of_two_that_wait_for_each_other_one_is_refused(databases: tuple[Database, Database]) -> None:
    for database in databases:
        assert await _deadlock(database) == ["40P01", "done"]


async def _try(tx: Tx) -> None:
    async with tx.conn.begin_nested():
        await tx.execute(set_("a", n=9))
        await tx.execute(new(id="x", name="the b"))


async def _savepoint(database: Database) -> list[Any]:
    await begin(database)
    told: list[Any] = []
    async with database.tx() as tx:
        await tx.execute(set_("b", n=8))
        with pytest.raises(DBAPIError):
            await _try(tx)
        told.append(await run(tx, select(c.id, c.n).order_by(c.id)))
        told.append(await second(database, [one_more]))  # its lock went with the savepoint
        other = asyncio.ensure_future(second(database, [set_("b", n=1)]))
        await asyncio.wait((other,), timeout=WAITS)
        told.append(other.done())
        await tx.execute(new(id="y"))
    told.append(await other)
    async with database.reading() as tx:
        told.append(await run(tx, select(c.id, c.n).order_by(c.id)))
    return told


async def test_a_savepoint_is_taken_back_with_its_locks(databases: tuple[Database, Database]) -> None:
    there, here = [await _savepoint(database) for database in databases]
    assert here == there
    assert there[0] == [("a", 1), ("b", 8), ("z", 1)]
    assert there[2] is False


async def _after_an_error(database: Database) -> list[str]:
    await begin(database)
    told: list[str] = []

    async def goes_on() -> None:
        async with database.tx() as tx:
            await tx.execute(set_("b", n=8))
            try:
                await tx.execute(set_("a", n=-1))
            except DBAPIError as error:
                told.append(sqlstate(error))
            await tx.execute(select(c.n))

    with pytest.raises(DBAPIError) as raised:
        await goes_on()
    async with database.reading() as tx:
        return [*told, sqlstate(raised.value), str(await run(tx, select(c.id, c.n).order_by(c.id)))]


async def test_after_an_error_nothing_of_a_transaction_holds(databases: tuple[Database, Database]) -> None:
    there, here = [await _after_an_error(database) for database in databases]
    assert here == there == ["23514", "25P02", "[('a', 1), ('b', 1), ('z', 1)]"]


async def _looks_twice(database: Database) -> list[Any]:
    await begin(database)
    async with database.tx() as tx:
        told = [await run(tx, select(c.n).where(c.id == "a"))]
        await second(database, [one_more])
        told.append(await run(tx, select(c.n).where(c.id == "a")))
        await tx.execute(set_("b", n=3))
        told.append(await run(tx, select(func.sum(c.n))))
    return told


async def test_what_was_committed_meanwhile_is_seen(databases: tuple[Database, Database]) -> None:
    there, here = [await _looks_twice(database) for database in databases]
    assert here == there == [[(1,)], [(2,)], [(6,)]]
