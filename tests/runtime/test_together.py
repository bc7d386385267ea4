"""Requests of one kind in one transaction: each as if it were alone, answered when it is durable."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, select, text, update

from hub.kernel.errors import Conflict, Unavailable
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.idempotency import Answer, Asker
from hub.runtime.together import Duty, Locked, Moved, Together
from hub.runtime.trace import Trace

tables = MetaData()
jars = Table("jars", tables, Column("id", Text, primary_key=True), Column("left", Integer, nullable=False))
takings = Table("takings", tables, Column("who", Text, primary_key=True), Column("jar", Text, nullable=False))
j = jars.c
SEE = select(j.id, j.left).where(j.id.in_(bindparam("jars", expanding=True))).order_by(j.id)
LOCK = SEE.with_for_update()
TAKE_OUT = update(jars).where(j.id == bindparam("jar")).values(left=j.left - bindparam("taken"))
TAKE = insert(takings)
ADA = Actor("customer", "ada")


@dataclass
class Seen:
    """What is left in each jar, and what has been taken of it since."""

    left: dict[str, int]
    locked: Locked
    taken: Counter[str] = field(default_factory=Counter)


class Take(Duty[tuple[str, str], Seen]):
    """One from a jar: (who, jar). `early` is refused before anything is written, `late` after, `broken` has a defect.

    While `robbed` takes one, somebody else takes two.
    """

    locks = True

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sizes: list[int] = []
        self.locked: list[Locked] = []

    async def look_up(self, tx: Tx, wanted: Sequence[tuple[str, str]], locked: Locked) -> Seen:
        self.sizes.append(len(wanted))
        self.locked.append(locked)
        return Seen(await self._left(tx, LOCK if locked == "first" else SEE, {jar for _, jar in wanted}), locked)

    async def one(self, tx: Tx, known: Seen, wanted: tuple[str, str]) -> object:
        who, jar = wanted
        if who.startswith("early") or known.left.get(jar, 0) < 1:
            raise Conflict("refused", who)
        if who.startswith("robbed") and known.locked == "last":
            async with self._database.tx() as others:
                await others.execute(TAKE_OUT, {"jar": jar, "taken": 2})
        if who.startswith("late"):
            await tx.execute(TAKE, {"who": who, "jar": jar})
            raise Conflict("refused", who)
        if who.startswith("broken"):
            raise ZeroDivisionError
        known.left[jar] -= 1
        known.taken[jar] += 1
        tx.put(TAKE, {"who": who, "jar": jar})
        return {"who": who, "left": known.left[jar]}

    async def keep(self, tx: Tx, known: Seen) -> None:
        if known.locked == "last":
            left = await self._left(tx, LOCK, known.taken)
            if any(left[jar] < taken for jar, taken in known.taken.items()):
                raise Moved
        for jar, taken in known.taken.items():
            tx.later(TAKE_OUT, jar, {"jar": jar, "taken": taken})

    @staticmethod
    async def _left(tx: Tx, statement: Any, names: Collection[str]) -> dict[str, int]:
        return {row.id: row.left for row in await tx.rows(statement, {"jars": sorted(names)})}


class Jars:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.duty = Take(database)
        self.take = Together(database, self.duty, wait_ms=80)

    async def fill(self, jar: str, left: int) -> None:
        async with self.database.tx() as tx:
            await tx.execute(insert(jars), {"id": jar, "left": left})

    async def ask(self, jar: str, *people: str, key: str | None = None) -> list[Any]:
        """What each was answered, or what was raised."""
        claims = [None if key is None else (key, b"print") for _ in people]
        asked = (self.take(Asker(ADA, Trace.new(), claim), (who, jar)) for who, claim in zip(people, claims, strict=True))
        return await asyncio.gather(*asked, return_exceptions=True)

    async def stands(self, jar: str) -> tuple[int, list[str]]:
        async with self.database.reading() as tx:
            took = await tx.rows(text("SELECT who FROM takings WHERE jar = :jar ORDER BY who"), {"jar": jar})
            return await tx.scalar(select(j.left).where(j.id == jar)), [row.who for row in took]


@pytest_asyncio.fixture(scope="module")
async def made(database: Database) -> AsyncGenerator[Jars]:
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.create_all)
    yield Jars(database)


async def test_who_is_refused_takes_nothing_from_the_others(made: Jars) -> None:
    await made.fill("plain", 3)
    answers = await made.ask("plain", "a", "early", "b", "c", "d")
    assert [type(each) for each in answers] == [Answer, Conflict, Answer, Answer, Conflict]
    assert await made.stands("plain") == (0, ["a", "b", "c"])
    assert made.duty.sizes[-1] == 5


async def test_who_is_refused_after_writing_has_written_nothing(made: Jars) -> None:
    await made.fill("late", 3)
    answers = await made.ask("late", "e", "late-1", "f")
    assert [type(each) for each in answers] == [Answer, Conflict, Answer]
    assert await made.stands("late") == (1, ["e", "f"])
    assert sorted(made.duty.sizes[-3:]) == [1, 1, 1], "each alone"


async def test_a_defect_is_its_owners_alone(made: Jars) -> None:
    await made.fill("broken", 3)
    answers = await made.ask("broken", "g", "broken-1", "h")
    assert [type(each) for each in answers] == [Answer, ZeroDivisionError, Answer]
    assert await made.stands("broken") == (1, ["g", "h"])


async def test_the_same_key_is_done_once(made: Jars) -> None:
    await made.fill("keyed", 5)
    answers = await made.ask("keyed", "i", "i", "i", key="take once")
    assert [each.replayed for each in answers] == [False, True, True]
    assert await made.stands("keyed") == (4, ["i"])


async def test_what_others_took_meanwhile_is_seen_under_the_locks(made: Jars) -> None:
    await made.fill("robbed", 4)
    answers = await made.ask("robbed", "n", "robbed-1", "o")
    assert [type(each) for each in answers] == [Answer, Answer, Conflict], "of four, two were gone"
    assert await made.stands("robbed") == (0, ["n", "robbed-1"])
    assert (made.duty.sizes[-2:], made.duty.locked[-2:]) == ([3, 3], ["last", "first"]), "all of them again, and none alone"


async def test_what_others_took_and_nobody_misses_is_not_done_again(made: Jars) -> None:
    await made.fill("rich", 5)
    answers = await made.ask("rich", "p", "robbed-2", "q")
    assert {type(each) for each in answers} == {Answer}
    assert await made.stands("rich") == (0, ["p", "q", "robbed-2"])
    assert made.duty.locked[-1] == "last"


async def test_who_is_alone_locks_at_once(made: Jars) -> None:
    """A statement less, and nobody waits behind."""
    await made.fill("alone", 1)
    [answer] = await made.ask("alone", "r")
    assert isinstance(answer, Answer)
    assert made.duty.locked[-1] == "first"


async def test_where_it_locks_the_next_wait_for_the_one_before(made: Jars) -> None:
    """Two side by side would wait for each other's rows, and give up together."""
    await made.fill("many", 500)
    people = [f"m{number:03}" for number in range(200)]
    answers = [
        each for some in await asyncio.gather(*(made.ask("many", *people[at : at + 10]) for at in range(0, 200, 10))) for each in some
    ]
    assert {type(each) for each in answers} == {Answer}
    assert await made.stands("many") == (300, people)
    assert min(made.duty.sizes[-4:]) > 1, "nobody had to try alone"


@pytest.mark.parametrize("key", [None, "held"])
async def test_a_row_that_somebody_keeps_is_waited_for_and_then_no_more(made: Jars, key: str | None) -> None:
    jar = f"kept-{key}"
    await made.fill(jar, 1)
    async with made.database.tx() as tx:
        await tx.rows(LOCK, {"jars": [jar]})
        [refused] = await made.ask(jar, f"k-{key}", key=key)
        assert isinstance(refused, Unavailable if key is None else Conflict)
    [answer] = await made.ask(jar, f"k-{key}", key=key)
    assert isinstance(answer, Answer)
    assert await made.stands(jar) == (0, [f"k-{key}"])
