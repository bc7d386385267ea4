"""Steps are claimed by one worker at a time, fairly, and end once."""

import asyncio
from collections import Counter
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select, text, update

from hub.runtime import steps
from hub.runtime.database import Database, Tx
from hub.runtime.overdue import overdue
from hub.runtime.put_off import retry_in
from hub.runtime.steps import HUB_TARGET, NewStep, Outcome, Step, StepState, Verdict
from hub.runtime.trace import Trace

t = steps.steps.c


@pytest_asyncio.fixture(autouse=True)
async def _no_steps(database: Database) -> None:
    async with database.tx() as tx:
        await tx.execute(delete(steps.steps))


def step(target: str = "acme", **more: Any) -> NewStep:
    said: dict[str, Any] = {"kind": "stock.reserve", "saga_id": "ord_1", "subject_id": "sub_1", "payload": {"n": 1}}
    return NewStep(target=target, **(said | more))


async def added(database: Database, *new: NewStep) -> list[str]:
    async with database.tx() as tx:
        return await steps.add(tx, *new)


async def claimed(database: Database, *, per_target: int = 1000, sending: bool = True) -> list[Step]:
    async with database.tx() as tx:
        return await steps.claim(tx, per_target=per_target, sending=sending)


async def state_of(database: Database, step_id: str) -> tuple[str, str | None]:
    async with database.reading() as tx:
        found = await steps.get(tx, step_id)
    assert found is not None
    return found.state, found.verdict


async def seconds_until_due(database: Database, step_id: str) -> float:
    async with database.reading() as tx:
        return float(await tx.scalar(select(func.extract("epoch", t.due_at - func.now())).where(t.id == step_id)))


async def set_due(database: Database, step_id: str, seconds: float = 0, **values: Any) -> None:
    async with database.tx() as tx:
        due_at = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await tx.execute(update(steps.steps).where(t.id == step_id).values(due_at=due_at, **values))


async def test_a_step_is_read_as_it_was_written(database: Database) -> None:
    trace = Trace("req-7", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    async with database.tx(trace=trace) as tx:
        (step_id,) = await steps.add(tx, step(deadline=60, undoes="cmd_0"))
    async with database.reading() as tx:
        (found,) = await steps.of_saga(tx, "ord_1")
    assert found.deadline is not None
    assert (found.id, found.target, found.kind, found.payload, found.undoes) == (step_id, "acme", "stock.reserve", {"n": 1}, "cmd_0")
    assert (found.state, found.verdict, found.attempt, found.waiting) == (StepState.OPEN, None, 0, False)
    assert (found.correlation_id, found.traceparent) == (trace.correlation_id, trace.traceparent)


async def test_a_claim_counts_the_attempt_and_leases(database: Database) -> None:
    (step_id,) = await added(database, step(redrive=10))
    (first,) = await claimed(database)
    assert (first.id, first.attempt) == (step_id, 1)
    assert await claimed(database) == []
    assert 8.9 <= await seconds_until_due(database, step_id) <= 11
    await set_due(database, step_id)
    (second,) = await claimed(database)
    assert second.attempt == 2
    assert 17.9 <= await seconds_until_due(database, step_id) <= 22


@pytest.mark.parametrize(("target", "seconds"), [(HUB_TARGET, 300), ("acme", 6 * 3600)])
async def test_the_pause_between_attempts_has_an_end(database: Database, target: str, seconds: int) -> None:
    (step_id,) = await added(database, step(target, redrive=100))
    await set_due(database, step_id, attempt=500)
    assert len(await claimed(database)) == 1
    assert 0.9 * seconds - 1 <= await seconds_until_due(database, step_id) <= 1.1 * seconds


async def test_two_workers_never_claim_one_step_twice(database: Database) -> None:
    wanted = await added(database, *(step(f"vendor-{number % 7}") for number in range(120)))
    taken: list[str] = []

    async def work() -> None:
        while batch := await claimed(database, per_target=3):
            taken.extend(found.id for found in batch)

    await asyncio.gather(*(work() for _ in range(6)))
    taken += [found.id for found in await claimed(database)]
    assert Counter(taken) == Counter(wanted)


async def test_what_another_worker_holds_is_passed_over_not_waited_for(database: Database) -> None:
    await added(database, *(step() for _ in range(4)))
    async with database.tx() as slow:
        mine = await steps.claim(slow, per_target=2, sending=True)
        async with asyncio.timeout(10):
            others = await claimed(database, per_target=10)
    assert (len(mine), len(others)) == (2, 2)
    assert not {found.id for found in mine} & {found.id for found in others}


async def test_a_claim_that_is_rolled_back_is_free_again(database: Database) -> None:
    (step_id,) = await added(database, step())
    with pytest.raises(RuntimeError, match="killed"):
        await claim_and_die(database)
    assert [(found.id, found.attempt) for found in await claimed(database)] == [(step_id, 1)]


async def claim_and_die(database: Database) -> None:
    async with database.tx() as tx:
        assert len(await steps.claim(tx, per_target=1, sending=True)) == 1
        raise RuntimeError("killed")


async def test_a_backlog_of_one_vendor_holds_up_nobody(database: Database) -> None:
    await added(database, *(step("backlog") for _ in range(60)))
    await added(database, step("a-late"), step("z-late"), step(HUB_TARGET))
    first = Counter(found.target for found in await claimed(database, per_target=8))
    assert first == {"backlog": 8, "a-late": 1, "z-late": 1, HUB_TARGET: 1}


async def test_the_oldest_of_a_vendor_first(database: Database) -> None:
    ids = await added(database, *(step() for _ in range(8)))
    age = dict(zip(ids, (5, 2, 7, 0, 6, 3, 1, 4), strict=True))
    for step_id, seconds in age.items():
        await set_due(database, step_id, -10.0 - seconds)
    taken: list[str] = []
    async with database.tx() as tx:
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):  # whatever plan PostgreSQL takes, not by luck of the index
            await tx.execute(text(f"SET LOCAL enable_{way} = off"))
        while batch := await steps.claim(tx, per_target=1, sending=True):
            taken += [found.id for found in batch]
    assert [age[step_id] for step_id in taken] == [7, 6, 5, 4, 3, 2, 1, 0]


async def test_with_the_broker_away_only_what_the_hub_does_itself(database: Database) -> None:
    vendors, own = await added(database, step("acme"), step(HUB_TARGET))
    assert [found.id for found in await claimed(database, sending=False)] == [own]
    assert [(found.id, found.attempt) for found in await claimed(database)] == [(vendors, 1)]


async def test_what_is_not_due_or_only_waited_for_is_not_claimed(database: Database) -> None:
    later, waiting, ended = await added(database, step(after=60), step(waiting=True, deadline=60), step())
    async with database.tx() as tx:
        assert await steps.end(tx, ended, Outcome.ok())
    await set_due(database, waiting, -5)
    assert await claimed(database) == []
    await set_due(database, later)
    assert [found.id for found in await claimed(database)] == [later]


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [
        (Outcome.ok(reference="r-1"), ("done", "ok")),
        (Outcome.refused("sold_out", "none left"), ("done", "refused")),
        (Outcome.dead("deadline"), ("dead", "dead")),
    ],
)
async def test_how_a_step_ends(database: Database, outcome: Outcome, ended: tuple[str, str]) -> None:
    (step_id,) = await added(database, step())
    async with database.tx() as tx:
        assert await steps.end(tx, step_id, outcome)
        assert await tx.scalar(select(t.reply["reason"].astext).where(t.id == step_id)) == outcome.reason
    assert await state_of(database, step_id) == ended


async def test_a_step_ends_once(database: Database) -> None:
    (step_id,) = await added(database, step())
    answers = [Outcome.ok(), Outcome.refused("no"), Outcome.dead("late"), Outcome.ok()]

    async def end(outcome: Outcome) -> bool:
        async with database.tx() as tx:
            return await steps.end(tx, step_id, outcome)

    first = await asyncio.gather(*(end(outcome) for outcome in answers))
    assert sorted(first) == [False, False, False, True]
    assert (await state_of(database, step_id))[1] == answers[first.index(True)].verdict
    assert not await end(Outcome.ok())


async def test_an_ended_step_stays_as_it_ended(database: Database) -> None:
    (step_id,) = await added(database, step())
    async with database.tx() as tx:
        await steps.end(tx, step_id, Outcome.refused("no"))
        await retry_in(tx, step_id, 0)
        await retry_in(tx, step_id, 0)
        await steps.cancel_open(tx, "ord_1", "stock.reserve")
    assert await state_of(database, step_id) == ("done", Verdict.REFUSED)
    assert await claimed(database) == []


async def test_cancel_open_takes_only_what_it_names(database: Database) -> None:
    ids = await added(database, step(), step(kind="orders.submit"), step(subject_id="sub_2"), step(saga_id="ord_2"))
    async with database.tx() as tx:
        await steps.cancel_open(tx, "ord_1", "stock.reserve", subject_id="sub_1")
    assert [(await state_of(database, step_id))[0] for step_id in ids] == ["canceled", "open", "open", "open"]
    async with database.tx() as tx:
        assert not await steps.end(tx, ids[0], Outcome.ok()), "a late answer to a withdrawn step"
        await steps.cancel_open(tx, "ord_1", "stock.reserve", "orders.submit")
    assert [(await state_of(database, step_id))[0] for step_id in ids] == ["canceled", "canceled", "canceled", "open"]


async def test_pending_and_a_retry_go_on_counting(database: Database) -> None:
    """By the count a vendor tells being asked anew from hearing twice, and we that it was sent and must be undone."""
    asked, tried = await added(database, step("a"), step("b"))
    assert len(await claimed(database)) == 2
    async with database.tx() as tx:
        await retry_in(tx, asked, 0)
        await retry_in(tx, tried, 0)
    assert {found.id: found.attempt for found in await claimed(database)} == {asked: 2, tried: 2}


async def test_withdrawn_only_if_nobody_was_sent_it(database: Database) -> None:
    (sent,) = await added(database, step())
    assert len(await claimed(database)) == 1
    unsent, by_hand = await added(database, step(subject_id="sub_2"), step(subject_id="sub_3", waiting=True, deadline=60))
    async with database.tx() as tx:
        said = [await steps.withdraw_unsent(tx, "ord_1", "stock.reserve", f"sub_{number}") for number in (1, 2, 3)]
    assert said == [False, True, False]
    assert [(await state_of(database, step_id))[0] for step_id in (sent, unsent, by_hand)] == ["open", "canceled", "open"]


async def test_a_full_house_takes_none_of_its_own_and_all_of_the_vendors(database: Database) -> None:
    await added(database, *(step(HUB_TARGET) for _ in range(3)), *(step() for _ in range(3)))
    for own, taken in ((0, {"acme": 2}), (2, {"acme": 1, HUB_TARGET: 2}), (2, {HUB_TARGET: 1})):
        async with database.tx() as tx:
            assert Counter(found.target for found in await steps.claim(tx, per_target=2, sending=True, own=own)) == taken


async def test_a_vendors_time_runs_from_the_first_sending(database: Database) -> None:
    vendors, own = await added(database, step(deadline=60), step(HUB_TARGET, deadline=60))
    for step_id in (vendors, own):
        await set_due(database, step_id, created_at=text("now() - interval '1 hour'"), deadline=text("now() - interval '59 minutes'"))
    async with database.reading() as tx:
        assert await overdue_ids(tx) == [own]
    first = {found.id: found.deadline for found in await claimed(database)}
    async with database.reading() as tx:
        assert await overdue_ids(tx) == [own]
    await set_due(database, vendors)
    assert {found.id: found.deadline for found in await claimed(database)} == {vendors: first[vendors]}, "not from every sending"


async def overdue_ids(tx: Tx, limit: int = 10) -> list[str]:
    return [found.id for found in await overdue(tx, limit=limit, attempts_max=3)]


async def test_overdue(database: Database) -> None:
    past, future, spent, tired_but_leased, silent = await added(
        database, step(deadline=-2), step(deadline=60), step(), step(), step(waiting=True, deadline=-1)
    )
    await set_due(database, past, -4, attempt=1)
    await set_due(database, spent, -3, attempt=3)
    await set_due(database, tired_but_leased, 30, attempt=3)
    await set_due(database, future, -5, attempt=99)
    async with database.reading() as tx:
        assert await overdue_ids(tx) == [past, spent, silent]
        assert await overdue_ids(tx, limit=1) == [past]
        silence_means_nothing = await overdue(tx, limit=10, attempts_max=3, hearing=False)
        assert [found.id for found in silence_means_nothing] == [spent, silent]
    async with database.tx() as tx:
        assert await steps.end(tx, past, Outcome.dead("deadline"))
        assert await overdue_ids(tx) == [spent, silent]


async def test_workers_are_woken_only_for_what_is_due(database: Database) -> None:
    woken: list[bool] = []
    for new in ([step(after=5)], [step(waiting=True)], [], [step(after=5), step()]):
        async with database.tx() as tx:
            await steps.add(tx, *new)
            woken.append(tx.woken)
    assert woken == [False, False, False, True]
