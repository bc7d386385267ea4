"""A state changes through one door, by the table, with a line in the timeline; or nothing changes at all."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum

import pytest
import pytest_asyncio
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from hub.kernel.errors import Conflict, NotFound
from hub.kernel.machine import Machine
from hub.runtime import story
from hub.runtime.database import HUB, Actor, Database
from hub.runtime.life import Life
from hub.runtime.story import Moment
from hub.runtime.trace import Trace


class Lamp(StrEnum):
    """A life of three states."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Act(StrEnum):
    """What may happen to it."""

    PRESS = "press"
    BREAK = "break"


LAMP = Machine(
    "lamp",
    initial=Lamp.OFF,
    ends=frozenset({Lamp.BROKEN}),
    table={(Lamp.OFF, Act.PRESS): Lamp.ON, (Lamp.ON, Act.PRESS): Lamp.OFF, (Lamp.ON, Act.BREAK): Lamp.BROKEN},
)

lamps = Table(
    "lamps",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("house", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("color", Text),
)

LIFE = Life(LAMP, lamps, saga_column="house")


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _table(database: Database) -> AsyncIterator[None]:
    async with database.engine.begin() as connection:
        await connection.run_sync(lamps.create)
    yield
    async with database.engine.begin() as connection:
        await connection.run_sync(lamps.drop)


async def new(database: Database, name: str) -> str:
    """A lamp in a house of its own."""
    async with database.tx() as tx:
        await tx.execute(insert(lamps).values(id=name, house=f"house-of-{name}", state=str(LAMP.initial)))
        LIFE.born(tx, name, f"house-of-{name}", {"watts": 5})
    return name


async def press(database: Database, name: str, event: Act = Act.PRESS) -> Lamp:
    async with database.tx() as tx:
        return await LIFE.advance(tx, name, event)


async def seen(database: Database, name: str) -> tuple[tuple[str, int, str | None], list[Moment]]:
    async with database.reading() as tx:
        row = await tx.row(select(lamps.c.state, lamps.c.version, lamps.c.color).where(lamps.c.id == name))
        assert row is not None
        return (row.state, row.version, row.color), await story.of_saga(tx, f"house-of-{name}")


async def test_birth_is_told(database: Database) -> None:
    state, moments = await seen(database, await new(database, "born"))
    assert state == ("off", 0, None)
    (moment,) = moments
    assert (moment.life, moment.subject_id, moment.event, moment.from_state, moment.to_state) == ("lamp", "born", "born", None, "off")
    assert (moment.actor, moment.data) == (str(HUB), {"watts": 5})


async def test_a_move_is_saved_and_told_with_who_what_when_and_why(database: Database) -> None:
    await new(database, "moved")
    trace = Trace.new("request-1")
    async with database.tx(Actor("operator", "olga"), trace) as tx:
        assert await LIFE.advance(tx, "moved", Act.PRESS, reason="dark", data={"hour": 21}, values={"color": "warm"}) is Lamp.ON
        assert tx.changed == {"house-of-moved"}
    state, (birth, moment) = await seen(database, "moved")
    assert state == ("on", 1, "warm")
    assert (moment.event, moment.from_state, moment.to_state) == ("press", "off", "on")
    assert (moment.actor, moment.reason, moment.data) == ("operator:olga", "dark", {"hour": 21})
    assert moment.correlation_id == trace.correlation_id
    assert moment.seq > birth.seq
    assert moment.at >= birth.at


async def test_one_line_for_each_move(database: Database) -> None:
    await new(database, "busy")
    for _ in range(5):
        await press(database, "busy")
    state, moments = await seen(database, "busy")
    assert state == ("on", 5, None)
    assert [moment.to_state for moment in moments] == ["off", "on", "off", "on", "off", "on"]
    async with database.reading() as tx:
        assert await story.of_saga(tx, "house-of-busy", after=moments[3].seq, limit=1) == [moments[4]]


async def test_moves_of_one_transaction_are_told_in_their_order(database: Database) -> None:
    async with database.tx() as tx:
        for name in ("left", "right"):
            await tx.execute(insert(lamps).values(id=name, house="house-of-two", state=str(LAMP.initial)))
            LIFE.born(tx, name, "house-of-two")
        for name in ("right", "left", "right"):
            await LIFE.advance(tx, name, Act.PRESS)
    async with database.reading() as tx:
        moments = await story.of_saga(tx, "house-of-two")
    assert [(moment.subject_id, moment.to_state) for moment in moments] == [
        ("left", "off"),
        ("right", "off"),
        ("right", "on"),
        ("left", "on"),
        ("right", "off"),
    ]


async def test_what_the_table_does_not_allow_changes_nothing(database: Database) -> None:
    await new(database, "refused")
    before = await seen(database, "refused")
    with pytest.raises(Conflict) as refused:
        await press(database, "refused", Act.BREAK)
    assert (refused.value.slug, refused.value.facts["state"]) == ("illegal_transition", "off")
    assert await seen(database, "refused") == before


async def test_within_a_transaction_that_goes_on_a_refusal_wrote_nothing(database: Database) -> None:
    await new(database, "tried")
    async with database.tx() as tx:
        with pytest.raises(Conflict):
            await LIFE.advance(tx, "tried", Act.BREAK, values={"color": "red"})
    state, moments = await seen(database, "tried")
    assert (state, len(moments)) == (("off", 0, None), 1)


async def test_nothing_leaves_an_end(database: Database) -> None:
    await new(database, "broken")
    await press(database, "broken")
    assert await press(database, "broken", Act.BREAK) is Lamp.BROKEN
    for event in Act:
        with pytest.raises(Conflict):
            await press(database, "broken", event)


async def test_an_unknown_one(database: Database) -> None:
    with pytest.raises(NotFound, match="no lamp nobody"):
        await press(database, "nobody")


async def test_a_move_that_is_rolled_back_was_never_told(database: Database) -> None:
    await new(database, "rolled")
    with pytest.raises(RuntimeError, match="killed"):
        await press_and_die(database)
    state, moments = await seen(database, "rolled")
    assert (state, len(moments)) == (("off", 0, None), 1)


async def press_and_die(database: Database) -> None:
    async with database.tx() as tx:
        await LIFE.advance(tx, "rolled", Act.PRESS)
        raise RuntimeError("killed")


async def test_who_comes_second_sees_what_the_first_did(database: Database) -> None:
    await new(database, "shared")
    async with database.tx() as tx:
        await LIFE.advance(tx, "shared", Act.PRESS)
        second = asyncio.create_task(press(database, "shared", Act.BREAK))
        assert await asyncio.wait([second], timeout=0.2) == (set(), {second}), "it waits for the first to commit"
    assert await second is Lamp.BROKEN, "which the table allows only after the first"


async def test_of_many_at_once_one_ends_it(database: Database) -> None:
    await new(database, "crowded")
    await press(database, "crowded")
    broken = await asyncio.gather(*(press(database, "crowded", Act.BREAK) for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in broken) == ["Conflict"] * 5 + ["Lamp"]
    state, moments = await seen(database, "crowded")
    assert (state[:2], [moment.to_state for moment in moments]) == (("broken", 2), ["off", "on", "broken"])


async def test_a_column_that_is_not_there_is_told(database: Database) -> None:
    name = await new(database, "misspelled")
    async with database.tx() as tx:
        with pytest.raises(KeyError, match="hue"):
            await LIFE.advance(tx, name, Act.PRESS, values={"hue": "red"})
