"""What is due is found in the order of its moment, on both alike: also after rows have changed, gone, and come back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert, select, update

from hub.runtime import alarms, failures, overdue, steps
from hub.runtime.database import Tx
from hub.simulation.postgres.indexes import Sorted
from tests.simulation.postgres_play import Both, moments, some_steps, two_databases

S = steps.steps


@pytest_asyncio.fixture(scope="module")
async def both(database_url: str) -> AsyncIterator[Both]:
    async with two_databases(database_url) as made:
        yield made


def with_alarms(dice: Random) -> list[dict[str, Any]]:
    moment = moments(dice)
    return [row | {"alarm_at": dice.choice((None, moment()))} for row in some_steps(dice)]


async def due(tx: Tx) -> list[list[str]]:
    """The ids of what is due in each way."""
    found = [
        await alarms.due(tx, limit=50),
        await alarms.due(tx, limit=3, hearing=False),
        await overdue.overdue(tx, limit=50, attempts_max=3),
        await overdue.overdue(tx, limit=50, attempts_max=3, hearing=False),
    ]
    return [[step.id for step in each] for each in found]


async def changed(tx: Tx, choices: int) -> list[list[str]]:
    """Some rows move, end, go or come; then what is due, in the same transaction."""
    dice, now = Random(choices), await tx.now()
    ids = [row.id for row in await tx.rows(select(S.c.id).order_by(S.c.id))]
    for step_id in dice.sample(ids, 12):
        earlier = now - timedelta(seconds=dice.random() * 99)
        values = dice.choice(({"alarm_at": earlier}, {"deadline": None, "due_at": earlier}, {"state": "done"}))
        await tx.execute(update(S).where(S.c.id == step_id).values(**values))
    for step_id in dice.sample(ids, 5):
        await tx.execute(delete(S).where(S.c.id == step_id))
        times = {name: now - timedelta(seconds=dice.random() * 99) for name in ("alarm_at", "due_at", "deadline", "created_at")}
        await tx.execute(insert(S), [some_steps(dice)[0] | {"id": step_id, "state": "open"} | times])
    return await due(tx)


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_due_is_found_alike(both: Both, seed: int) -> None:
    rows = with_alarms(Random(seed))
    await both.clear(S)
    await both.fill(S, rows[:30])
    for choices in (None, None, seed, None, seed + 100, None):
        real, simulated = await both.answers(lambda tx, choices=choices: due(tx) if choices is None else changed(tx, choices))
        assert simulated == real
        await both.fill(S, rows[30:])
        rows = rows[:30]
    assert any(real)


async def test_what_is_too_old_is_forgotten_alike(both: Both) -> None:
    await both.clear(failures.step_failures)
    moment = moments(Random(7))
    old = [{"step_id": f"cmd_{n}", "attempt": n, "error": "", "at": moment(-180 * 86_400, 0)} for n in range(40)]
    await both.fill(failures.step_failures, old)
    dropped = await both.answers(failures.forget_old)
    assert dropped[0] == dropped[1]
    assert 0 < dropped[0] < 40
    there, here = await both.rows(failures.step_failures)
    assert here == there


def test_what_is_no_more_is_passed_over_and_nothing_comes_twice() -> None:
    rows: dict[Any, Any] = {"a": (3, "open"), "b": (1, "open"), "c": (2, "done"), "d": (None, "open")}
    order = Sorted(0, (1, "open"), "things", rows)
    assert order.until(3) == ["b", "a"]
    for key, row in (("b", (4, "open")), ("b", (1, "open")), ("a", (3, "done")), ("c", (2, "open"))):
        order.change(key, rows[key], row)
        rows[key] = row
    assert [order.until(3), order.until(1), order.until(0)] == [["b", "c"], ["b"], []]
    del rows["b"]
    assert order.until(9) == ["c"]
