"""Payouts to vendors' banks: by schedule, on demand, failed, returned, told in any order, with workers that die on the way."""

import asyncio
import itertools

import msgspec
import pytest

from hub.payments.facts import PayoutFacts, Settling
from hub.payouts import send as payout
from hub.payouts.plan import due_vendors, plan_one
from hub.payouts.store import NewPayout
from hub.runtime import steps
from tests.payouts.bench import MARKETPLACE, Bench
from tests.problem import problem


async def sent(desk: Bench, amount: int = 5_000) -> dict[str, str]:
    """A payout that the provider has."""
    await desk.account()
    await desk.fund(amount)
    assert await desk.plan() == 1
    await desk.work()
    [shown] = await desk.payouts()
    assert shown["state"] == "sent", shown
    return shown


class TestBySchedule:
    async def test_all_that_is_available_goes_to_the_bank_and_arrives(self, desk: Bench):
        shown = await sent(desk)
        assert shown["amount"] == {"amount": 5_000, "currency": "EUR"}
        assert shown["requested_by"] == "hub:worker"
        assert shown["arrives_at"] is not None
        await desk.turn("advance", {"seconds": 3 * 86_400})
        facts = await desk.look(shown["reference"])
        assert facts.state is Settling.DONE
        assert await desk.notice(facts)
        assert await desk.told(shown["id"]) == ["born", "send", "pay"]
        assert (await desk.ok("olga", "GET", "/v1/admin/payouts?state=paid&vendor=acme"))["data"][0]["id"] == shown["id"]
        assert (await desk.ok("olga", "GET", "/v1/admin/payouts?vendor=bolt"))["data"] == []

    async def test_once_a_day_however_often_and_by_however_many_it_is_planned(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        assert sum(await asyncio.gather(*(desk.plan() for _ in range(4)))) == 1
        await desk.work()
        await desk.fund(2_000)
        assert await desk.plan() == 0
        assert len(desk.at_provider()) == 1

    async def test_a_worker_that_looked_before_the_other_sent_it_asks_for_nothing(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        async with desk.database.reading() as tx:
            [late] = await due_vendors(tx, MARKETPLACE, limit=10)
        seen = await desk.gateway.funds(late.account)
        assert await desk.plan() == 1
        await desk.work()
        async with desk.database.tx() as tx:
            assert await plan_one(tx, MARKETPLACE, "stripe", late, seen) == 0

    async def test_below_the_minimum_waits(self, desk: Bench):
        await desk.account()
        await desk.fund(999)
        assert await desk.plan() == 0
        assert await desk.payouts() == []

    async def test_a_vendors_own_minimum_comes_first(self, desk: Bench):
        await desk.account()
        await desk.fund(999)
        await desk.ok("olga", "PATCH", "/v1/admin/vendors/acme/terms", {"reason": "new contract", "payout_minimum": 500})
        assert await desk.plan() == 1

    async def test_manual_is_never_planned(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.ok("olga", "PATCH", "/v1/admin/vendors/acme/terms", {"reason": "as it wishes", "payout_interval": "manual"})
        assert await desk.plan() == 0

    async def test_pending_money_is_not_sent(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000, settled=False)
        assert await desk.plan() == 0
        problem(await desk("acme", "POST", "/v1/vendor/payouts", {}), 409, "nothing_available")

    async def test_an_account_that_is_not_ready_is_looked_at_again_later(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.turn(f"accounts/{desk.accounts['acme']}/restrict")
        problem(await desk("acme", "POST", "/v1/vendor/payouts", {}), 409, "account_not_ready")
        assert await desk.plan() == 0
        await desk.turn(f"accounts/{desk.accounts['acme']}/onboard")
        assert await desk.plan() == 0  # left alone for a while
        await execute(desk, "UPDATE payout_plans SET again_at = now()")
        assert await desk.plan() == 1

    async def test_each_currency_by_itself(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.fund(700, currency="USD")  # the minimum is of euros
        assert await desk.plan() == 2
        await desk.work()
        amounts = [shown["amount"] for shown in await desk.payouts()]
        assert sorted(amounts, key=lambda amount: amount["amount"]) == [
            {"amount": 700, "currency": "USD"},
            {"amount": 5_000, "currency": "EUR"},
        ]

    async def test_a_provider_that_is_away_costs_the_vendor_nothing(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.turn("faults", {"match": "GET /v1/balance", "mode": "500_before", "times": 1})
        assert await desk.plan() == 0
        assert await desk.plan() == 1


class TestKilled:
    async def test_between_the_providers_act_and_our_record(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.plan()
        [step] = await desk.claim()
        assert await desk.perform(step) is not None  # and dies before it concludes
        await desk.again()
        await desk.work()
        [shown] = await desk.payouts()
        assert shown["state"] == "sent"
        assert [made["id"] for made in desk.at_provider()] == [shown["reference"]]

    async def test_and_the_provider_has_forgotten_the_key(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.plan()
        [step] = await desk.claim()
        await desk.perform(step)
        await desk.turn("advance", {"seconds": 2 * 86_400})
        await desk.fund(5_000)
        await desk.again()
        await desk.work()
        assert len(desk.at_provider()) == 1

    @pytest.mark.parametrize("mode", ["drop_after", "drop_before", "500_before", "500_saved", "429", "garbage"])
    async def test_an_answer_that_is_lost_is_asked_for_again(self, desk: Bench, mode: str):
        await desk.account()
        await desk.fund(5_000)
        await desk.plan()
        await desk.turn("faults", {"match": "POST /v1/payouts", "mode": mode, "times": 1})
        for _ in range(3):
            await desk.work()
            await desk.again()
        [shown] = await desk.payouts()
        assert shown["state"] == "sent", shown
        assert len(desk.at_provider()) == 1

    async def test_asked_before_it_is_not_refused_for_an_account_that_has_changed_since(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.plan()
        await desk.turn("faults", {"match": "POST /v1/payouts", "mode": "drop_before", "times": 1})
        await desk.work()
        await desk.turn(f"accounts/{desk.accounts['acme']}/restrict")
        await desk.work()
        [shown] = await desk.payouts()
        assert shown["state"] == "requested"  # the first asking might still have been on its way
        await desk.turn(f"accounts/{desk.accounts['acme']}/onboard")
        await desk.work()
        assert [each["state"] for each in await desk.payouts()] == ["sent"]


class TestOnDemand:
    async def test_an_amount_once_per_key(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        body = {"amount": {"amount": 2_000, "currency": "EUR"}}
        first = await desk("acme", "POST", "/v1/vendor/payouts", body, Idempotency_Key="k1")
        assert first.status_code == 201, first.text
        again = await desk("acme", "POST", "/v1/vendor/payouts", body, Idempotency_Key="k1")
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        problem(await desk("acme", "POST", "/v1/vendor/payouts", body, Idempotency_Key="k2"), 409, "payout_open")
        await desk.work()
        again = await desk("acme", "POST", "/v1/vendor/payouts", body, Idempotency_Key="k1")
        assert again.json() == first.json()
        assert [made["amount"] for made in desk.at_provider()] == [2_000]
        assert first.json()["requested_by"] == "vendor:acme"

    async def test_all_that_is_available(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        assert (await desk.ok("olga", "POST", "/v1/admin/vendors/acme/payouts", {}))["amount"]["amount"] == 5_000

    async def test_many_at_once_are_one(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        asking = asyncio.gather(*(desk("acme", "POST", "/v1/vendor/payouts", {}) for _ in range(3)))
        planned, answers = await asyncio.gather(desk.plan(), asking)
        codes = [answer.status_code for answer in answers]
        assert (planned + codes.count(201), set(codes) <= {201, 409}) == (1, True)
        await desk.work()
        assert [made["amount"] for made in desk.at_provider()] == [5_000]

    @pytest.mark.parametrize(
        ("body", "status", "slug", "field"),
        [
            ({"amount": {"amount": 999, "currency": "EUR"}}, 409, "below_minimum", None),
            ({"amount": {"amount": 5_001, "currency": "EUR"}}, 409, "more_than_available", None),
            ({"amount": {"amount": 1, "currency": "USD"}}, 409, "nothing_available", None),
            ({"amount": {"amount": 2_000, "currency": "EUR"}, "currency": "EUR"}, 422, "amount_or_currency", "/currency"),
            ({"amount": {"amount": -1, "currency": "EUR"}}, 400, "invalid_request", "/amount/amount"),
            ({"amount": {"amount": "5000", "currency": "EUR"}}, 400, "invalid_request", "/amount/amount"),
            ({"amount": {"amount": 5000.5, "currency": "EUR"}}, 400, "invalid_request", "/amount/amount"),
            ({"currency": "eur"}, 400, "invalid_request", "/currency"),
            ({"account": "acct_1"}, 400, "invalid_request", "/account"),
        ],
    )
    async def test_refuses(self, desk: Bench, body: dict[str, object], status: int, slug: str, field: str | None):
        await desk.account()
        await desk.fund(5_000)
        problem(await desk("acme", "POST", "/v1/vendor/payouts", body), status, slug, field)
        assert await desk.payouts() == []

    async def test_without_an_account(self, desk: Bench):
        problem(await desk("bolt", "POST", "/v1/vendor/payouts", {}), 409, "account_not_ready")
        problem(await desk("olga", "POST", "/v1/admin/vendors/nobody/payouts", {}), 404, "unknown_vendor")

    async def test_a_provider_that_does_not_answer_is_a_503(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.turn("faults", {"match": "GET /v1/balance", "mode": "500_before", "times": 1})
        answer = await desk("acme", "POST", "/v1/vendor/payouts", {})
        problem(answer, 503, "provider_unavailable")
        assert answer.headers["retry-after"]

    async def test_withdrawn_before_it_is_sent_and_not_after(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        shown = await desk.ok("acme", "POST", "/v1/vendor/payouts", {})
        problem(await desk("bolt", "POST", f"/v1/vendor/payouts/{shown['id']}/cancel"), 404, "unknown_payout")
        canceled = await desk.ok("acme", "POST", f"/v1/vendor/payouts/{shown['id']}/cancel")
        assert canceled["state"] == "canceled"
        await desk.work()
        assert desk.at_provider() == []
        second = await desk.ok("acme", "POST", "/v1/vendor/payouts", {})
        await desk.work()
        problem(await desk("olga", "POST", f"/v1/admin/payouts/{second['id']}/cancel", {"reason": "too late"}), 409, "payout_sent")


class TestFailed:
    async def test_returned_after_it_was_paid(self, desk: Bench):
        shown = await sent(desk)
        await desk.turn("advance", {"seconds": 3 * 86_400})
        paid = await desk.look(shown["reference"])
        await desk.turn(f"payouts/{shown['reference']}/fail", {"failure_code": "account_closed"})
        failed = await desk.look(shown["reference"])
        assert [paid.state, failed.state] == [Settling.DONE, Settling.FAILED]
        assert await desk.notice(paid)
        assert await desk.notice(failed)
        assert await desk.notice(paid)  # old news
        after = await desk.ok("acme", "GET", f"/v1/vendor/payouts/{shown['id']}")
        assert (after["state"], after["reason"]) == ("failed", "account_closed")
        assert after["failed_at"] is not None
        assert (await desk.gateway.funds(desk.accounts["acme"]))["EUR"].available == 5_000

    @pytest.mark.parametrize("order", list(itertools.permutations([Settling.PENDING, Settling.DONE, Settling.FAILED])))
    @pytest.mark.parametrize("known", [True, False], ids=["recorded", "before our own record"])
    async def test_told_in_any_order_and_twice(self, desk: Bench, order: tuple[Settling, ...], *, known: bool):
        async with desk.database.tx() as tx:
            new = NewPayout(vendor="acme", gateway="stripe", account="acct_1", amount=2_000, currency="EUR")
            made = await payout.request(tx, new)
        facts = PayoutFacts(
            reference="po_1", state=Settling.PENDING, amount=2_000, currency="EUR", account="acct_1", key=made.step_id, reason="no_account"
        )
        if known:
            [step] = await desk.claim()
            await desk.conclude(step, steps.Outcome.ok(reference="po_1", state="pending", arrives=None, reason=""))
        for state in [each for each in order for _ in range(2)]:
            assert await desk.notice(msgspec.structs.replace(facts, state=state))
        [shown] = await desk.payouts()
        assert shown["state"] == "failed"
        events = await desk.told(shown["id"])
        assert events[:2] == ["born", "send"]
        assert events[-1] == "fail"
        assert len(events) == len(set(events))
        if not known:  # the worker comes late, and finds that it was recorded
            assert await desk.claim() == []

    async def test_notices_of_others_payouts(self, desk: Bench):
        facts = PayoutFacts(reference="po_x", state=Settling.DONE, amount=1, currency="EUR", account="acct_x")
        assert not await desk.notice(facts)
        assert not await desk.notice(msgspec.structs.replace(facts, key="cmd_unknown"))
        assert await desk.notice(msgspec.structs.replace(facts, account=None))

    async def test_nothing_is_planned_until_the_bank_account_has_changed(self, desk: Bench):
        shown = await sent(desk)
        await desk.turn(f"payouts/{shown['reference']}/fail", {"failure_code": "account_closed"})
        await desk.notice(await desk.look(shown["reference"]))
        await execute(desk, "UPDATE payout_plans SET planned_for = NULL, again_at = NULL")
        assert await desk.plan() == 0
        await execute(desk, "UPDATE payout_plans SET planned_for = NULL, again_at = NULL")
        bank = {"holder": "Acme GmbH", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}
        await desk.ok("olga", "PATCH", "/v1/admin/vendors/acme/terms", {"reason": "new bank", "bank_account": bank})
        assert await desk.plan() == 1

    async def test_or_somebody_asks(self, desk: Bench):
        shown = await sent(desk)
        problem(await desk("acme", "POST", f"/v1/vendor/payouts/{shown['id']}/retry"), 409, "payout_not_failed")
        await desk.turn(f"payouts/{shown['reference']}/fail", {"failure_code": "account_closed"})
        await desk.notice(await desk.look(shown["reference"]))
        problem(await desk("bolt", "POST", f"/v1/vendor/payouts/{shown['id']}/retry"), 404, "unknown_payout")
        retried = await desk.ok("olga", "POST", f"/v1/admin/payouts/{shown['id']}/retry")
        assert (retried["state"], retried["amount"]["amount"]) == ("requested", 5_000)
        problem(await desk("acme", "POST", f"/v1/vendor/payouts/{shown['id']}/retry"), 409, "payout_open")
        await desk.work()
        assert await letters(desk) == []
        await desk.turn(f"payouts/{(await desk.payouts())[0]['reference']}/fail", {"failure_code": "account_closed"})
        await desk.notice(await desk.look((await desk.payouts())[0]["reference"]))
        assert await letters(desk) == [("acme", "account_closed", 2)]

    async def test_too_little_by_the_time_it_is_sent(self, desk: Bench):
        await desk.account()
        await desk.fund(5_000)
        await desk.plan()
        await desk.gateway.pay_out("elsewhere", account=desk.accounts["acme"], amount=4_000, currency="EUR")
        await desk.work()
        [shown] = await desk.payouts()
        assert (shown["state"], shown["reason"]) == ("failed", "balance_insufficient")
        assert await desk.plan() == 0
        await execute(desk, "UPDATE payout_plans SET again_at = now()")
        assert await desk.plan() == 1  # the same day's moment, with what is there
        assert (await desk.payouts())[0]["amount"]["amount"] == 1_000


async def test_what_a_payout_contains(desk: Bench):
    await desk.rich()
    await desk.account()
    await desk.transfer(5_000)
    await desk.ok("acme", "POST", "/v1/vendor/payouts", {})
    await desk.work()
    await desk.transfer(3_000)
    await desk.transfer(1_500)
    await desk.ok("acme", "POST", "/v1/vendor/payouts", {})
    await desk.work()
    await desk.transfer(9_000)
    second, first = [await desk.ok("acme", "GET", f"/v1/vendor/payouts/{shown['id']}") for shown in await desk.payouts()]
    assert ([part["net"] for part in first["contains"]], [part["net"] for part in second["contains"]]) == ([5_000], [3_000, 1_500])
    assert {part["kind"] for part in second["contains"]} == {"payment"}
    problem(await desk("bolt", "GET", f"/v1/vendor/payouts/{first['id']}"), 404, "unknown_payout")
    await desk.turn("faults", {"match": "GET /v1/balance_transactions", "mode": "500_before", "times": 1})
    assert (await desk.ok("olga", "GET", f"/v1/admin/payouts/{first['id']}"))["contains"] is None


async def execute(desk: Bench, statement: str) -> None:
    from sqlalchemy import text

    async with desk.database.tx() as tx:
        await tx.execute(text(statement))


async def letters(desk: Bench) -> list[tuple[str, str, int]]:
    from sqlalchemy import text

    async with desk.database.reading() as tx:
        found = await tx.rows(text("SELECT target, reason, attempts FROM dead_letters WHERE source = 'payout'"))
    return [(row.target, row.reason, row.attempts) for row in found]
