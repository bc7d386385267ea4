"""An order's lock and the end of its step in one statement, beside others who do the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from hub.orders import store
from hub.orders.lock_and_end import lock_and_end
from hub.orders.tables import orders
from hub.runtime import steps
from hub.runtime.database import Database
from hub.runtime.steps import NewStep, Outcome, Step

WAITS = 0.3
"""Seconds after which who has not answered waits."""
ORDER = "ord_1"


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    words = dict.fromkeys(("id", "customer_id", "quote_id", "kind", "stage", "state", "payment_method"), ORDER)
    async with made.tx() as tx:
        row: dict[str, Any] = {**words, "course": "forward", "currency": "EUR", "total": 0, "address": {}, "on_shortage": "cancel"}
        await tx.execute(insert(orders), row)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def step(database: Database) -> Step:
    async with database.tx() as tx:
        [step_id] = await steps.add(tx, NewStep(kind="reserve", target="acme", saga_id=ORDER, subject_id="sub_1", payload={}))
    async with database.reading() as tx:
        found = await steps.get(tx, step_id)
    assert found is not None
    return found


async def ends(database: Database, step: Step) -> bool:
    async with database.tx() as tx:
        return await lock_and_end(tx, step, Outcome.ok())


async def test_who_waited_for_the_lock_sees_that_the_other_has_ended_it(database: Database, step: Step) -> None:
    async with database.tx() as tx:
        assert await lock_and_end(tx, step, Outcome.refused("no_stock"))
        second = asyncio.create_task(ends(database, step))
        await asyncio.sleep(WAITS)
        assert not second.done(), "it waits"
    assert not await second
    async with database.reading() as tx:
        known = await steps.get(tx, step.id)
    assert known is not None
    assert (known.state, known.verdict) == ("done", "refused")


async def test_who_waited_ends_what_was_only_changed_meanwhile(database: Database, step: Step) -> None:
    async with database.tx() as tx:
        await store.lock(tx, ORDER)
        await tx.execute(steps.steps.update().where(steps.steps.c.id == step.id).values(attempt=7))
        second = asyncio.create_task(ends(database, step))
        await asyncio.sleep(WAITS)
        assert not second.done(), "it waits"
    assert await second
    async with database.reading() as tx:
        known = await steps.get(tx, step.id)
    assert known is not None
    assert (known.state, known.attempt) == ("done", 7)


async def test_the_order_stays_locked_until_the_end(database: Database, step: Step) -> None:
    for first in (True, False):
        async with database.tx() as tx:
            assert await lock_and_end(tx, step, Outcome.ok()) is first
            assert ORDER in tx.held
            assert tx.began is not None
            assert not await is_free(database)
    assert await is_free(database)


async def is_free(database: Database) -> bool:
    try:
        async with database.tx() as tx:
            await tx.execute(text("SET LOCAL lock_timeout = 100"))
            await store.lock(tx, ORDER)
    except DBAPIError:
        return False
    return True


async def test_a_step_that_is_being_opened_again_is_waited_for(database: Database, step: Step) -> None:
    """Else an answer to it would be noted as heard, and nothing would come of it."""
    assert await ends(database, step)
    async with database.tx() as tx:
        await store.lock(tx, ORDER)
        await tx.execute(steps.steps.update().where(steps.steps.c.id == step.id).values(state="open", ended_at=None))
        second = asyncio.create_task(ends(database, step))
        await asyncio.sleep(WAITS)
        assert not second.done(), "it waits"
    assert await second
