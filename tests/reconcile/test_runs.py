"""Runs: the same page twice, two workers at once, killed between lines, a provider that is away, and ranges of days."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from hub.kernel.errors import Invalid
from hub.ledger import recipes
from hub.ledger.recipes import Posting, clearing
from hub.payments.ports import Gateways
from hub.reconcile import read as reading
from hub.reconcile import run, runs, settle
from hub.reconcile.run import DAYS_MAX, days, reconcile_daily
from hub.reconcile.tables import movements
from hub.reconcile.tables import runs as table
from tests.reconcile.conftest import AT_ONCE, PATIENT, Stage, only

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def everything_wrong(stage: Stage) -> None:
    """Something of each kind, on both sides."""
    for _ in range(3):
        await stage.sell()
    _, captured = await stage.sell()
    await stage.gateway.refund(stage.key("dashboard"), charge=captured.charge, amount=1000, currency="EUR", order_id="ord_x")
    await stage.book("refund", "re_invented", [Posting(recipes.COMMISSION, clearing("stripe"), 700, "EUR")])
    await stage.turn("movements", amount=-250, currency="eur", type="stripe_fee")


async def written(stage: Stage) -> list[tuple[str, int]]:
    """How many transactions of each kind there are."""
    async with stage.database.reading() as tx:
        return [tuple(row) for row in await tx.rows(text("SELECT kind, count(*) FROM ledger_transactions GROUP BY kind ORDER BY kind"))]


EXPECTED = [("allocate", 4), ("capture", 4), ("provider_fee", 1), ("refund", 1), ("suspense", 2)]


async def test_the_same_page_twice(stage: Stage):
    await everything_wrong(stage)
    first = await stage.reconcile()
    second = await stage.reconcile()
    assert (first.balances, first.differences) == (second.balances, second.differences)
    assert await written(stage) == EXPECTED
    assert await stage.mirrors()


async def test_several_workers_at_once(stage: Stage):
    await everything_wrong(stage)
    reports = await asyncio.gather(*(stage.reconcile() for _ in range(4)))
    assert await written(stage) == EXPECTED
    assert {only(report).unexplained for report in reports} == {0}
    assert await stage.mirrors()
    assert len(await stage.letters()) == 2


async def test_the_daily_one_is_done_once_by_any_number_of_workers(stage: Stage):
    await everything_wrong(stage)
    await asyncio.gather(*(reconcile_daily(stage.database, stage.gateways, AT_ONCE) for _ in range(5)))
    async with stage.database.reading() as tx:
        found = await runs.newest(tx, after=None, limit=10)
    assert [(each.standing, each.attempts) for each in found] == [("done", 1)]
    now = datetime.fromtimestamp(stage.sandbox.now(), UTC)
    assert found[0].until == datetime(now.year, now.month, now.day, tzinfo=UTC)
    assert found[0].until - found[0].since == timedelta(days=1)
    assert found[0].asked_by == "hub:worker"
    assert await written(stage) == EXPECTED


class Killed(BaseException):
    """What ends a process ends no transaction well."""


@pytest.mark.parametrize("at", range(1, 10))
async def test_killed_between_any_two_transactions(stage: Stage, monkeypatch: pytest.MonkeyPatch, at: int):
    await everything_wrong(stage)
    monkeypatch.setattr(settle, "AT_ONCE", 2)
    monkeypatch.setattr(reading, "WINDOW", timedelta(hours=12))
    left = at
    extend = runs.extend

    async def dying(*words: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        await extend(*words)  # pyright: ignore[reportArgumentType]  # passed on as it came

    monkeypatch.setattr(runs, "extend", dying)
    with pytest.raises(Killed):
        await stage.reconcile()
    monkeypatch.setattr(runs, "extend", extend)
    async with stage.database.tx() as tx:
        assert await runs.claim(tx) is None, "its lease still runs"
        await tx.execute(update(table).values(due_at=await runs.now(tx)))
    await reconcile_daily(stage.database, stage.gateways, AT_ONCE)
    async with stage.database.reading() as tx:
        found = await runs.newest(tx, after=None, limit=10)
    assert {(each.standing, each.attempts) for each in found} == {("done", 2), ("done", 1)}
    assert await written(stage) == EXPECTED
    assert await stage.mirrors()


async def test_a_run_that_was_taken_over_is_not_finished_by_the_first(stage: Stage):
    await stage.sell()
    async with stage.database.tx() as tx:
        asked = await run.ask(tx, None, None)
        first = await runs.claim(tx, asked.id)
    async with stage.database.tx() as tx:
        await tx.execute(update(table).values(due_at=await runs.now(tx)))
        second = await runs.claim(tx)
    assert first is not None
    assert second is not None
    assert await run.perform(stage.database, stage.gateways, AT_ONCE, first) is None
    async with stage.database.reading() as tx:
        assert (await runs.get(tx, asked.id)).standing == "running"
    assert await run.perform(stage.database, stage.gateways, AT_ONCE, second) is not None


async def test_a_provider_that_is_away(stage: Stage):
    await stage.sell()
    fault = {"match": "GET /v1/balance_transactions", "mode": "500_before", "times": 1000}
    await stage.turn("faults", **fault)
    for attempt in (1, 2, 3):
        await reconcile_daily(stage.database, stage.gateways, AT_ONCE)
        async with stage.database.tx() as tx:
            (found,) = await runs.newest(tx, after=None, limit=10)
            assert (found.standing, found.attempts, found.report) == ("failed", attempt, None)
            assert "InDoubt" in found.reason or "NotSent" in found.reason
            assert await runs.claim(tx) is None, "not at once"
            await tx.execute(update(table).values(due_at=await runs.now(tx)))
        assert await stage.letters() == ([] if attempt < 3 else [("failed", "reconcile")])
    stage.sandbox.faults.clear()
    again: Gateways = {"stripe": stage.connect()}  # its breaker is closed
    await reconcile_daily(stage.database, again, AT_ONCE)
    async with stage.database.reading() as tx:
        (found,) = await runs.newest(tx, after=None, limit=10)
    assert (found.standing, found.reason) == ("done", "")


async def test_a_movement_that_changed_is_said_and_never_adopted(stage: Stage):
    await stage.sell()
    await stage.reconcile()
    movement = stage.sandbox.store.find("balance_transaction", "")[0]
    stage.sandbox.store.put(movement | {"fee": movement["fee"] + 1, "net": movement["net"] - 1})
    with pytest.raises(AssertionError, match="MovementChanged"):
        await stage.reconcile()


async def test_ranges_join(stage: Stage):
    """Yesterday's closing is today's opening, whenever either is asked for."""
    await stage.sell()
    _, captured = await stage.sell(7000)
    today = datetime.fromtimestamp(stage.sandbox.now(), UTC).date()
    yesterday = today - timedelta(days=1)
    old = stage.sandbox.store.find("balance_transaction", "", [("$.source", "=", captured.charge)])[0]
    stage.sandbox.store.put(old | {"created": old["created"] - 86_400})
    both = only(await stage.reconcile())
    assert sum(kind.count for kind in both.kinds) == 2
    before = only(await stage.reconcile(since=yesterday, until=yesterday))
    after = only(await stage.reconcile(since=today, until=today))
    assert (before.opening, before.closing) == (0, 7000 - captured.fee)
    assert after.opening == before.closing
    assert after.closing == both.closing
    # The movement is of yesterday, the posting of today: in flight over midnight, and nothing else.
    assert (before.difference, before.in_flight, before.unexplained) == (-before.closing, -before.closing, 0)
    assert (after.difference, after.unexplained) == (0, 0)


async def test_what_is_not_ours_to_post_is_unexplained(stage: Stage):
    """A line in our table of movements that the provider never gave us would be noticed: the two sums are made apart."""
    await stage.sell()
    async with stage.database.tx() as tx:
        row = (await tx.rows(select(movements))) or None
        assert row is None
    await stage.reconcile()
    async with stage.database.tx() as tx:
        await tx.execute(update(movements).values(amount=movements.c.amount + 1, net=movements.c.net + 1))
        asked = await run.ask(tx, None, None)
    async with stage.database.reading() as tx:
        from hub.reconcile import sum_up

        (balance,) = await sum_up.balances(tx, "stripe", asked.since, asked.until)
    assert balance.unexplained == -1


class TestDays:
    def test_whole_days_but_not_the_future(self):
        assert days(date(2026, 11, 18), date(2026, 11, 19), NOON) == (
            datetime(2026, 11, 18, tzinfo=UTC),
            datetime(2026, 11, 20, tzinfo=UTC),
        )
        assert days(date(2026, 11, 20), date(2026, 12, 31), NOON) == (datetime(2026, 11, 20, tzinfo=UTC), NOON)

    @pytest.mark.parametrize(
        ("since", "until", "slug"),
        [
            (date(2026, 11, 20), date(2026, 11, 19), "range_backwards"),
            (date(2026, 11, 21), date(2026, 11, 21), "range_in_future"),
            (date(2026, 11, 20) - timedelta(days=DAYS_MAX + 1), date(2026, 11, 20), "range_too_long"),
        ],
    )
    def test_refuses(self, since: date, until: date, slug: str):
        with pytest.raises(Invalid) as refused:
            days(since, until, NOON)
        assert refused.value.slug == slug

    async def test_patience_reads_all_the_same(self, stage: Stage):
        await stage.charge()
        report = await stage.reconcile(rules=PATIENT)
        assert (report.equal, only(report).ours, only(report).in_flight) == (True, 0, -only(report).closing)
