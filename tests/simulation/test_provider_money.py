"""Payments, refunds, transfers, payouts and disputes at the simulated provider, and what happens there by itself."""

import asyncio
from typing import Any

import pytest

from hub.payments.facts import DisputePhase, Funds, PaymentPhase, Settling
from hub.sandbox.balance import fee_of
from tests.gateways.contract import AMOUNT, DAY, ORDER, refused
from tests.simulation.provider_play import HOUR, World, play


class TestPayments:
    @pytest.mark.parametrize(
        ("rates", "phase"),
        [
            ({}, PaymentPhase.HELD),
            ({"buyer_refuses": 1.0}, PaymentPhase.DECLINED),
            ({"buyer_never_confirms": 1.0}, PaymentPhase.WAITING),
        ],
    )
    def test_a_buyer_who_is_asked(self, rates: dict[str, float], phase: PaymentPhase) -> None:
        async def script(world: World) -> None:
            reference = await world.opened(method="pm_card_authenticationRequired")
            facts = await world.gateway.authorize("a", reference)
            assert facts.phase is PaymentPhase.WAITING
            assert facts.action
            await asyncio.sleep(HOUR + 1)
            assert (await world.gateway.look_payment(reference)).phase is phase
            if phase is PaymentPhase.DECLINED:
                assert await refused(world.gateway.authorize("a", reference)) == "payment_intent_authentication_failure"
            else:
                assert (await world.gateway.authorize("a", reference)).phase is phase
                await world.gateway.void("v", reference)
                assert not world.provider.confirm(reference)

        play(rates, script)

    @pytest.mark.parametrize(
        ("method", "code"), [("pm_card_chargeDeclined", "card_declined"), ("pm_card_chargeDeclinedExpiredCard", "expired_card")]
    )
    def test_a_declined_card(self, method: str, code: str) -> None:
        async def script(world: World) -> None:
            reference = await world.opened(method=method)
            assert await refused(world.gateway.authorize("a", reference)) == code
            assert await refused(world.gateway.authorize("a2", reference)) == code
            await world.gateway.void("v", reference)
            assert await refused(world.gateway.authorize("a3", reference)) == "payment_intent_unexpected_state"
            assert await refused(world.opened("nobody", method="pm_nobody")) == "resource_missing"

        play({}, script)

    def test_a_hold_expires(self) -> None:
        async def script(world: World) -> None:
            held = await world.held()
            facts = await world.gateway.look_payment(held)
            assert facts.capture_before == int(world.nature.unix()) + 7 * DAY
            await asyncio.sleep(7 * DAY)
            assert await refused(world.gateway.capture("c", held, AMOUNT)) == "payment_intent_unexpected_state"
            assert world.kinds()[-1] == "payment_intent.canceled"
            await world.gateway.void("v", held)

        play({}, script)

    def test_a_kept_card_is_its_customers(self) -> None:
        async def script(world: World) -> None:
            customer, other = [await world.gateway.open_customer(f"k{each}", customer_id=f"c{each}") for each in range(2)]
            method = "pm_card_authenticationRequiredOnSetup"
            asked: dict[str, Any] = {"order_id": ORDER, "amount": 500, "currency": "EUR"}
            first = await world.gateway.open_payment("p", payment_method=method, customer=customer, save=True, **asked)
            await world.gateway.authorize("a", first.reference)
            assert world.provider.confirm(first.reference)
            [kept] = world.provider.methods
            again = await world.gateway.open_payment("p2", payment_method=kept, customer=customer, **asked)
            assert (await world.gateway.authorize("a2", again.reference)).phase is PaymentPhase.HELD
            stolen = await world.gateway.open_payment("p3", payment_method=kept, customer=other, **asked)
            assert await refused(world.gateway.authorize("a3", stolen.reference))

        play({}, script)


class TestMoneyOut:
    def test_a_refund_is_pending_first(self) -> None:
        async def script(world: World) -> None:
            refund = await world.refund("r", await world.taken(), 500)
            assert (refund.state, refund.moved) == (Settling.PENDING, True)
            await asyncio.sleep(HOUR)
            assert (await world.gateway.look_refund(refund.reference)).state is Settling.DONE
            assert world.kinds()[-1] == "refund.updated"

        play({"refund_pending": 1.0}, script)

    def test_a_refund_comes_back(self) -> None:
        async def script(world: World) -> None:
            charge = await world.taken()
            refund = await world.refund("r", charge, 500)
            assert refund.state is Settling.DONE
            await asyncio.sleep(10 * DAY)
            facts = await world.gateway.look_refund(refund.reference)
            assert (facts.state, facts.key) == (Settling.FAILED, "r")
            assert [one.net for one in world.provider.movements()][1:] == [-500, 500]
            world.nature.rates = {}
            assert (await world.refund("r2", charge, AMOUNT)).state is Settling.DONE
            assert not world.provider.fail_refund(refund.reference)

        play({"refund_fails_late": 1.0}, script)

    @pytest.mark.parametrize("waits", [True, False])
    def test_a_refund_that_our_balance_does_not_cover(self, *, waits: bool) -> None:
        async def script(world: World) -> None:
            refund = await world.refund("r", await world.taken(), AMOUNT)
            if not waits:
                assert (refund.state, world.provider.balance(None, "EUR").available) == (Settling.DONE, -AMOUNT)
                return
            assert (refund.state, refund.moved) == (Settling.PENDING, False)
            await asyncio.sleep(DAY - HOUR)
            assert (await world.gateway.look_refund(refund.reference)).state is Settling.PENDING
            world.provider.top_up(AMOUNT, "EUR")
            await asyncio.sleep(2 * HOUR)
            assert (await world.gateway.look_refund(refund.reference)).state is Settling.DONE

        play({}, script, refunds_wait_for_funds=waits)

    def test_funds_are_pending_for_two_days_and_then_may_leave(self) -> None:
        async def script(world: World) -> None:
            charge, account = await world.taken(), await world.vendor()
            await world.share("t", charge, account, 6_000)
            assert await world.gateway.funds(account) == {"EUR": Funds(available=0, pending=6_000)}
            assert await refused(world.gateway.pay_out("p", account=account, amount=1, currency="EUR")) == "balance_insufficient"
            await asyncio.sleep(2 * DAY)
            assert world.provider.balance(None, "EUR") == Funds(available=0, pending=AMOUNT - fee_of(AMOUNT) - 6_000)
            world.provider.arrive()
            assert await world.gateway.funds(account) == {"EUR": Funds(available=6_000, pending=0)}
            sent = await world.gateway.pay_out("p2", account=account, amount=6_000, currency="EUR")
            assert sent.state is Settling.PENDING
            await asyncio.sleep(2 * DAY)
            assert (await world.gateway.look_payout(sent.reference, account=account)).state is Settling.DONE
            assert world.provider.fail_payout(sent.reference)
            facts = await world.gateway.look_payout(sent.reference, account=account)
            assert (facts.state, facts.reason) == (Settling.FAILED, "account_closed")
            assert (await world.gateway.funds(account))["EUR"].available == 6_000
            told = await world.gateway.events(since=0, accounts=True)
            assert [(event.kind, event.account) for event in told][-3:] == [
                (f"payout.{end}", account) for end in ("created", "paid", "failed")
            ]

        play({}, script)

    def test_a_payout_fails_by_itself_before_or_after_it_was_paid(self) -> None:
        async def script(world: World) -> None:
            account = await world.vendor()
            await world.share("t", await world.taken(), account, 6_000)
            await asyncio.sleep(2 * DAY)
            sent = await world.gateway.pay_out("p", account=account, amount=6_000, currency="EUR")
            await asyncio.sleep(10 * DAY)
            assert (await world.gateway.look_payout(sent.reference, account=account)).state is Settling.FAILED
            kinds = [event.kind for event in await world.gateway.events(since=0, accounts=True)]
            seen.add("payout.paid" in kinds)
            assert kinds[-1] == "payout.failed"

        seen: set[bool] = set()
        for seed in range(12):
            play({"payout_fails": 1.0}, script, seed=seed)
        assert seen == {True, False}

    @pytest.mark.parametrize("need", [True, False])
    def test_a_reversal_needs_the_accounts_money(self, *, need: bool) -> None:
        async def script(world: World) -> None:
            account = await world.vendor()
            moved = await world.share("t", await world.taken(), account, 6_000)
            await asyncio.sleep(2 * DAY)
            await world.gateway.pay_out("p", account=account, amount=5_000, currency="EUR")
            back = world.gateway.reverse("x", transfer=moved, amount=1_001, order_id=ORDER)
            if need:
                assert await refused(back) == "balance_insufficient"
                assert await world.gateway.reverse("y", transfer=moved, amount=1_000, order_id=ORDER)
            else:
                assert await back
                assert world.provider.balance(account, "EUR").available == -1

        play({}, script, reversals_need_funds=need)

    def test_a_vendor_onboards_within_a_day_or_never(self) -> None:
        async def script(world: World) -> None:
            account = await world.gateway.open_account("k", vendor="acme", name="Acme", country="DE")
            facts = await world.gateway.look_account(account)
            assert (facts.may_receive, facts.may_pay_out) == (False, False)
            assert facts.due
            await asyncio.sleep(DAY)
            ready.append((await world.gateway.look_account(account)).may_receive)

        ready: list[bool] = []
        play({}, script)
        play({"vendor_never_onboards": 1.0}, script)
        assert ready == [True, False]

    def test_an_account_is_restricted_for_a_while(self) -> None:
        async def script(world: World) -> None:
            account, charge = await world.vendor(), await world.taken()
            await world.share("t", charge, account, 1)
            for _ in range(DAY // 60):
                await asyncio.sleep(60)
                if not (await world.gateway.look_account(account)).may_receive:
                    break
            assert await refused(world.share("t2", charge, account, 1)) == "insufficient_capabilities_for_transfer"
            assert await refused(world.gateway.pay_out("p", account=account, amount=1, currency="EUR")) == "payouts_not_allowed"
            await asyncio.sleep(3 * DAY)
            assert (await world.gateway.look_account(account)).may_receive

        play({"provider_restricts": 1.0}, script)


class TestDisputes:
    @pytest.mark.parametrize("won", [True, False])
    def test_it_takes_the_money_and_a_fee_and_is_decided(self, *, won: bool) -> None:
        async def script(world: World) -> None:
            charge = await world.taken()
            dispute = world.provider.open_dispute(charge, amount=4_000)
            assert dispute is not None
            assert world.provider.open_dispute(charge) is None
            facts = await world.gateway.look_dispute(dispute)
            assert (facts.phase, [(one.amount, one.fee, one.net) for one in facts.movements]) == (
                DisputePhase.OPEN,
                [(-4_000, 1_500, -5_500)],
            )
            assert await refused(world.refund("r", charge, 1)) == "charge_disputed"
            if won:
                assert world.provider.close_dispute(dispute, won=True)
            else:
                await asyncio.sleep(21 * DAY)  # nobody answers
            assert not world.provider.close_dispute(dispute, won=True)
            facts = await world.gateway.look_dispute(dispute)
            assert facts.phase is (DisputePhase.WON if won else DisputePhase.LOST)
            assert [one.net for one in facts.movements] == ([-5_500, 4_000] if won else [-5_500])

        play({}, script)

    @pytest.mark.parametrize("escalates", [True, False])
    def test_an_inquiry_takes_nothing_until_it_escalates(self, *, escalates: bool) -> None:
        async def script(world: World) -> None:
            charge = await world.taken()
            dispute = world.provider.open_dispute(charge, withdraw=False)
            assert dispute is not None
            assert (await world.gateway.look_dispute(dispute)).phase is DisputePhase.INQUIRY
            await world.refund("r", charge, 1)
            if escalates:
                assert world.provider.escalate_dispute(dispute)
            world.provider.close_dispute(dispute, won=not escalates)
            facts = await world.gateway.look_dispute(dispute)
            assert facts.phase is (DisputePhase.LOST if escalates else DisputePhase.WON)
            assert len(facts.movements) == escalates

        play({}, script)

    def test_buyers_dispute_and_banks_decide_by_themselves(self) -> None:
        ends: set[DisputePhase] = set()

        async def script(world: World) -> None:
            await world.taken()
            await asyncio.sleep(60 * DAY)
            [dispute] = world.provider.disputes()
            ends.add(dispute.phase)
            assert world.kinds().count("charge.dispute.closed") == 1

        for seed in range(12):
            play({"buyer_disputes": 1.0}, script, seed=seed)
        assert ends == {DisputePhase.WON, DisputePhase.LOST}
