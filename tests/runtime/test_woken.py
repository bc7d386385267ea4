"""What is woken while somebody is about to put it off stays due, whoever of the two began first; who is late puts off nobody's."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select

from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.put_off import not_yet, put_off, retry_in
from hub.runtime.steps import HUB_TARGET, NewStep, Step

t = steps.steps.c

PutOff = Callable[[Tx, Step], Awaitable[object]]
WAYS: dict[str, PutOff] = {
    "in doubt": lambda tx, step: retry_in(tx, step.id, 3600, attempt=step.attempt),
    "pending": lambda tx, step: not_yet(tx, step.id, by=HUB_TARGET, subject_id=step.subject_id, kinds={step.kind}, seconds=3600),
    "not yet": lambda tx, step: put_off(tx, step, 3600),
}


@pytest_asyncio.fixture(autouse=True)
async def _no_steps(database: Database) -> None:
    async with database.tx() as tx:
        await tx.execute(delete(steps.steps))


async def _claimed(database: Database) -> Step:
    new = NewStep(kind="payout.release", target=HUB_TARGET, saga_id="ord_1", subject_id="trf_1", payload={})
    async with database.tx() as tx:
        await steps.add(tx, new)
    async with database.tx() as tx:
        [step] = await steps.claim(tx, per_target=10, own=10, sending=True)
    return step


async def _wake(database: Database) -> None:
    async with database.tx() as tx:
        await steps.wake(tx, "ord_1")


async def _is_due(database: Database) -> bool:
    async with database.reading() as tx:
        return bool(await tx.scalar(select(t.due_at <= func.now())))


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_woken_after_it_began_to_be_put_off_stays_due(database: Database, way: str) -> None:
    step = await _claimed(database)
    async with database.tx() as tx:
        await tx.rows(select(t.id).with_for_update(read=True).where(t.id == "nobody"))  # now() is this moment
        await _wake(database)
        await WAYS[way](tx, step)
    assert await _is_due(database)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_put_off_while_somebody_wakes_it_stays_due(database: Database, way: str) -> None:
    step = await _claimed(database)

    async def put_it_off() -> None:
        async with database.tx() as tx:
            await WAYS[way](tx, step)

    async with database.tx() as tx:
        await steps.wake(tx, "ord_1")
        late = asyncio.create_task(put_it_off())
        await asyncio.sleep(0.2)
        assert not late.done(), "it waits for who has woken the step"
    await late
    assert await _is_due(database)


@pytest.mark.parametrize("way", ["in doubt", "not yet"])
async def test_who_was_overtaken_by_another_claim_does_not_put_it_off(database: Database, way: str) -> None:
    step = await _claimed(database)
    await _wake(database)
    async with database.tx() as tx:
        [again] = await steps.claim(tx, per_target=10, own=10, sending=True)
    async with database.tx() as tx:
        await WAYS[way](tx, step)
    async with database.reading() as tx:
        assert await tx.scalar(select(t.due_at < func.now() + timedelta(seconds=3000))), "the second one's lease"
    async with database.tx() as tx:
        await WAYS[way](tx, again)
    async with database.reading() as tx:
        assert await tx.scalar(select(t.due_at > func.now() + timedelta(seconds=3000)))


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_woken_after_it_was_put_off_is_due(database: Database, way: str) -> None:
    step = await _claimed(database)
    async with database.tx() as tx:
        await WAYS[way](tx, step)
    assert not await _is_due(database)
    await _wake(database)
    assert await _is_due(database)
