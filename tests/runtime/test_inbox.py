"""What was heard once changes nothing when it is heard again."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from hub.runtime import inbox, steps
from hub.runtime.database import Database
from hub.runtime.steps import NewStep


@pytest_asyncio.fixture
async def step_id(database: Database) -> str:
    async with database.tx() as tx:
        new = NewStep(kind="reserve", target="acme", saga_id="ord_1", subject_id="sub_1", payload={}, deadline=60)
        return (await steps.add(tx, new))[0]


async def hears(database: Database, step_id: str, source: str = "acme") -> bool:
    """Whether it is news."""
    async with database.tx() as tx:
        asked = await inbox.asked(tx, step_id, source, f"{step_id}.reserved")
        assert asked is not None
        assert (asked.id, asked.target, asked.state) == (step_id, "acme", "open")
        if not asked.heard:
            inbox.note(tx, source, f"{step_id}.reserved")
        return not asked.heard


async def test_an_event_is_applied_once(database: Database, step_id: str) -> None:
    assert [await hears(database, step_id) for _ in range(3)] == [True, False, False]


async def test_the_same_name_from_another_vendor_is_another_event(database: Database, step_id: str) -> None:
    assert [await hears(database, step_id, vendor) for vendor in ("acme", "bolt")] == [True, True]


async def test_of_many_at_once_one_is_applied_and_the_others_are_told_to_hear_it_again(database: Database, step_id: str) -> None:
    answers = await asyncio.gather(*(hears(database, step_id) for _ in range(8)), return_exceptions=True)
    assert answers.count(True) == 1
    assert all(isinstance(each, IntegrityError) for each in answers if not isinstance(each, bool))
    assert not await hears(database, step_id)


async def test_noted_anyway(database: Database, step_id: str) -> None:
    for _ in range(2):
        async with database.tx() as tx:
            inbox.note(tx, "acme", f"{step_id}.reserved", anyway=True)
    assert not await hears(database, step_id)


async def test_what_was_not_applied_was_not_heard(database: Database, step_id: str) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        await hear_and_die(database, step_id)
    assert await hears(database, step_id)


async def hear_and_die(database: Database, step_id: str) -> None:
    async with database.tx() as tx:
        inbox.note(tx, "acme", f"{step_id}.reserved")
        await tx.rows(inbox.inbox.select())
        raise RuntimeError("killed")


async def test_under_an_id_that_nobody_was_asked(database: Database) -> None:
    async with database.reading() as tx:
        assert await inbox.asked(tx, "cmd_x", "acme", "cmd_x.reserved") is None
