"""Refunds that take their time or fail, payouts that come back, and automatic payouts."""

from typing import Any

import pytest
import stripe

from tests.sandbox.controls import turn
from tests.sandbox.trade import DAY, balance, book, charge, move, told, vendor
from tests.sandbox.watched import Watched

HOUR = 3_600


class TestRefunds:
    async def test_a_pending_one_succeeds_later(self, client: stripe.StripeClient, watched: Watched) -> None:
        paid = await charge(client, payment_method="pm_card_pendingRefund")
        refund = await client.v1.refunds.create_async({"charge": paid.id})
        assert (refund.status, refund.pending_reason) == ("pending", "processing")
        await turn(watched, "advance", {"seconds": HOUR - 1})
        assert (await client.v1.refunds.retrieve_async(refund.id)).status == "pending"
        await turn(watched, "advance", {"seconds": 1})
        assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
        assert "refund.updated" in await told(client)
        assert [kind for kind, *_ in await book(client)] == ["charge", "refund"]

    async def test_one_fails_after_it_succeeded_and_gives_the_money_back(self, client: stripe.StripeClient, watched: Watched) -> None:
        paid = await charge(client, payment_method="pm_card_refundFail")
        before = sum(await balance(client))
        refund = await client.v1.refunds.create_async({"charge": paid.id, "amount": 4_000})
        assert (refund.status, sum(await balance(client))) == ("succeeded", before - 4_000)
        await turn(watched, "advance", {"seconds": HOUR})
        failed = await client.v1.refunds.retrieve_async(refund.id, {"expand": ["failure_balance_transaction"]})
        assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
        assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
        assert failed.failure_balance_transaction.type == "refund_failure"
        assert (await client.v1.charges.retrieve_async(paid.id)).amount_refunded == 0
        assert sum(await balance(client)) == before
        assert "refund.failed" in await told(client)
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.refunds.cancel_async(refund.id)

    async def test_it_waits_for_funds_where_asked_to(self, client: stripe.StripeClient, watched: Watched) -> None:
        await turn(watched, "rules", {"refunds_wait_for_funds": True})
        paid = await charge(client)
        refund = await client.v1.refunds.create_async({"charge": paid.id})
        assert (refund.status, refund.pending_reason, refund.balance_transaction) == ("pending", "insufficient_funds", None)
        assert sum(await balance(client)) == 10_000 - 315
        await turn(watched, "advance", {"seconds": DAY})
        assert (await client.v1.refunds.retrieve_async(refund.id)).status == "pending"
        await charge(client)
        await turn(watched, "advance", {"seconds": DAY})
        assert (await client.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
        assert sum(await balance(client)) == 10_000 - 630

    async def test_a_pending_one_is_canceled(self, client: stripe.StripeClient) -> None:
        paid = await charge(client, payment_method="pm_card_pendingRefund")
        before = sum(await balance(client))
        refund = await client.v1.refunds.create_async({"charge": paid.id})
        await client.v1.refunds.update_async(refund.id, {"metadata": {"why": "mistake"}})
        canceled = await client.v1.refunds.cancel_async(refund.id)
        assert (canceled.status, canceled.metadata and canceled.metadata["why"]) == ("canceled", "mistake")
        assert sum(await balance(client)) == before
        assert not (await client.v1.charges.retrieve_async(paid.id)).refunded

    async def test_switches_end_it_at_once(self, client: stripe.StripeClient, watched: Watched) -> None:
        paid = await charge(client, payment_method="pm_card_pendingRefund")
        first, second = [await client.v1.refunds.create_async({"charge": paid.id, "amount": 100}) for _ in range(2)]
        await turn(watched, f"refunds/{first.id}/succeed")
        await turn(watched, f"refunds/{second.id}/fail")
        found = await client.v1.refunds.list_async({"charge": paid.id})
        assert {one.id: one.status for one in found.data} == {first.id: "succeeded", second.id: "failed"}


async def funded(client: stripe.StripeClient, app: Watched, amount: int = 5_000) -> str:
    account = await vendor(client, app)
    await move(client, amount, account, await charge(client))
    await turn(app, "advance", {"seconds": 2 * DAY})
    return account


class TestPayouts:
    @pytest.mark.parametrize("paid", [True, False])
    async def test_the_bank_sends_it_back_even_after_it_arrived(self, client: stripe.StripeClient, watched: Watched, paid: bool) -> None:
        account = await funded(client, watched)
        on: Any = {"stripe_account": account}
        payout = await client.v1.payouts.create_async({"amount": 5_000, "currency": "eur"}, on)
        await turn(watched, "advance", {"seconds": 2 * DAY if paid else 1})
        await turn(watched, f"payouts/{payout.id}/fail", {"failure_code": "account_closed"})
        failed = await client.v1.payouts.retrieve_async(payout.id, {}, on)
        assert (failed.status, failed.failure_code) == ("failed", "account_closed")
        assert await balance(client, account) == (5_000, 0)
        assert (await book(client, account))[1:] == [("payout", "payout", -5_000, 0), ("payout_failure", "payout_reversal", 5_000, 0)]
        assert [name for name in await told(client, account) if name.startswith("payout")] == [
            "payout.created",
            *(["payout.paid"] if paid else []),
            "payout.failed",
        ]

    async def test_the_platform_is_paid_out_too(self, client: stripe.StripeClient, watched: Watched) -> None:
        await charge(client)
        await turn(watched, "advance", {"seconds": 2 * DAY})
        payout = await client.v1.payouts.create_async({"amount": 9_000, "currency": "eur"})
        assert (await client.v1.payouts.cancel_async(payout.id)).status == "canceled"
        assert (await balance(client))[0] == 9_685
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.payouts.cancel_async(payout.id)
        again = await client.v1.payouts.create_async({"amount": 9_000, "currency": "eur"})
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.payouts.reverse_async(again.id)
        await turn(watched, "advance", {"seconds": 2 * DAY})
        back = await client.v1.payouts.reverse_async(again.id)
        assert (back.amount, back.original_payout) == (-9_000, again.id)
        assert await balance(client) == (685, 9_000)
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.payouts.reverse_async(again.id)

    async def test_of_a_manual_one_nobody_knows_what_it_holds(self, client: stripe.StripeClient, watched: Watched) -> None:
        account = await funded(client, watched)
        on: Any = {"stripe_account": account}
        payout = await client.v1.payouts.create_async({"amount": 5_000, "currency": "eur"}, on)
        with pytest.raises(stripe.InvalidRequestError, match="automatic"):
            await client.v1.balance_transactions.list_async({"payout": payout.id}, on)


class TestSchedules:
    async def test_all_that_is_available_goes_out_and_is_accounted_for(self, client: stripe.StripeClient, watched: Watched) -> None:
        account = await funded(client, watched)
        on: Any = {"stripe_account": account}
        changed = await client.v1.accounts.update_async(account, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}})
        assert changed.settings is not None
        assert changed.settings.payouts is not None
        assert changed.settings.payouts.schedule.interval == "daily"
        pending = await charge(client)
        await move(client, 700, account, pending)
        await turn(watched, "advance", {"seconds": DAY})
        [first] = (await client.v1.payouts.list_async({}, on)).data
        assert (first.amount, first.automatic, first.status, first.reconciliation_status) == (5_000, True, "pending", "in_progress")
        await turn(watched, "advance", {"seconds": 5 * DAY})
        second, first = (await client.v1.payouts.list_async({}, on)).data
        assert (second.amount, first.status, first.reconciliation_status) == (700, "paid", "completed")
        held = (await client.v1.balance_transactions.list_async({"payout": first.id}, on)).data
        assert [(one.type, one.net) for one in held] == [("payout", -5_000), ("payment", 5_000)]
        assert (await told(client, account)).count("payout.reconciliation_completed") == 2
        assert await balance(client, account) == (0, 0)

    async def test_what_failed_goes_out_again(self, client: stripe.StripeClient, watched: Watched) -> None:
        account = await funded(client, watched)
        on: Any = {"stripe_account": account}
        await client.v1.accounts.update_async(account, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}})
        await turn(watched, "advance", {"seconds": DAY})
        [first] = (await client.v1.payouts.list_async({}, on)).data
        await turn(watched, f"payouts/{first.id}/fail")
        await turn(watched, "advance", {"seconds": DAY})
        again = (await client.v1.payouts.list_async({}, on)).data[0]
        assert (again.id != first.id, again.amount) == (True, 5_000)
        held = (await client.v1.balance_transactions.list_async({"payout": again.id}, on)).data
        assert sorted(one.type for one in held) == ["payout", "payout_failure"]

    @pytest.mark.parametrize(
        ("schedule", "days"),
        [
            ({"interval": "weekly", "weekly_anchor": "monday"}, {0, 7, 14, 21, 28}),
            ({"interval": "weekly", "weekly_payout_days": ["monday", "thursday"]}, {0, 3, 7, 10, 14, 17, 21, 24, 28}),
            ({"interval": "monthly", "monthly_anchor": 31}, {13}),
            ({"interval": "manual"}, set[int]()),
        ],
    )
    async def test_the_days_of_a_schedule(
        self, client: stripe.StripeClient, watched: Watched, schedule: dict[str, Any], days: set[int]
    ) -> None:
        """The clock stands on Friday 2027-01-15, 08:00 UTC; days are counted from Monday the 18th."""
        account = await vendor(client, watched)
        asked: Any = {"settings": {"payouts": {"schedule": schedule}}}
        await client.v1.accounts.update_async(account, asked)
        monday = 1_800_000_000 - 8 * HOUR + 3 * DAY
        found: set[int] = set()
        for _ in range(31):
            due = (watched.sandbox.store.get(account) or {})["_due"]
            if due is None or due > monday + 30 * DAY:
                break
            found.add((due - monday) // DAY)
            await turn(watched, "advance", {"seconds": due - watched.sandbox.now()})
            await client.v1.accounts.retrieve_async(account)
        assert found == days

    async def test_a_schedule_says_its_day(self, client: stripe.StripeClient, watched: Watched) -> None:
        account = await vendor(client, watched)
        for schedule in ({"interval": "weekly"}, {"interval": "monthly"}, {"interval": "monthly", "monthly_anchor": 32}):
            asked: Any = {"settings": {"payouts": {"schedule": schedule}}}
            with pytest.raises(stripe.InvalidRequestError):
                await client.v1.accounts.update_async(account, asked)
