"""Money that leaves: refunds, transfers, reversals, payouts, disputes and accounts at Stripe."""

from typing import Any

import pytest

from hub.payments.facts import DisputePhase, Funds, Settling
from hub.payments.ports import GatewayRefused
from tests.gateways.conftest import AMOUNT, ORDER, World
from tests.gateways.contract import DAY, refused


def share(charge: str | None, account: str, amount: int) -> dict[str, Any]:
    return {"charge": charge, "account": account, "amount": amount, "currency": "EUR", "order_id": ORDER}


async def charged(world: World, method: str) -> str:
    """A captured charge of that card."""
    held = await world.gateway.authorize("a", await world.opened(payment_method=method))
    return (await world.gateway.capture("c", held.reference, AMOUNT)).charge


class TestRefunds:
    async def refunded(self, world: World, method: str) -> tuple[str, str]:
        charge = await charged(world, method)
        asked = await world.gateway.refund("r", charge=charge, amount=500, currency="EUR", order_id=ORDER)
        return charge, asked.reference

    async def test_pending_first_and_done_later(self, world: World) -> None:
        charge, reference = await self.refunded(world, "pm_card_pendingRefund")
        assert (await world.gateway.look_refund(reference)).state is Settling.PENDING
        await world.turn(f"refunds/{reference}/succeed")
        assert (await world.gateway.look_refund(reference)).state is Settling.DONE
        found = await world.gateway.find_refund("r", charge=charge)
        assert found is not None
        assert found.state is Settling.DONE

    async def test_done_first_and_failed_later(self, world: World) -> None:
        charge, reference = await self.refunded(world, "pm_card_visa")
        assert (await world.gateway.look_refund(reference)).state is Settling.DONE
        await world.turn(f"refunds/{reference}/fail")
        facts = await world.gateway.look_refund(reference)
        assert (facts.state, facts.amount, facts.charge, facts.key) == (Settling.FAILED, 500, charge, "r")
        assert facts.reason

    async def test_refunded_before_under_a_key_that_is_forgotten(self, world: World) -> None:
        taken = await world.captured()
        whole: dict[str, Any] = {"charge": taken.charge, "amount": AMOUNT, "currency": "EUR", "order_id": ORDER}
        refund = await world.gateway.refund("r", **whole)
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.refund("r", **whole) == refund
        again = world.gateway.refund("new", charge=taken.charge, amount=1, currency="EUR", order_id=ORDER)
        assert await refused(again) == "charge_already_refunded"

    async def test_what_somebody_else_refunded_has_no_key(self, local: World) -> None:
        _, reference = await self.refunded(local, "pm_card_visa")
        [refund] = local.kept("refund")
        local.watched.sandbox.store.put(refund | {"metadata": {}})
        assert (await local.gateway.look_refund(reference)).key is None


class TestTransfers:
    async def test_of_a_charge_whose_funds_are_not_available_yet(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        await world.gateway.transfer("t", **share(taken.charge, account, 6_000))
        [moved] = world.kept("transfer")
        assert (moved["source_transaction"], moved["transfer_group"], moved["amount"]) == (taken.charge, ORDER, 6_000)

    async def test_of_our_own_available_funds(self, world: World) -> None:
        account = await world.account()
        await world.captured()
        assert await refused(world.gateway.transfer("t1", **share(None, account, 500))) == "balance_insufficient"
        await world.turn("advance", {"seconds": 3 * DAY})
        assert await world.gateway.transfer("t2", **share(None, account, 500))
        assert world.kept("transfer")[0]["source_transaction"] is None

    async def test_a_refusal_is_the_keys_until_it_is_forgotten(self, world: World) -> None:
        """Which is why a step so refused ends, and a new one with a new key tries again."""
        account = await world.account()
        await world.captured()
        assert await refused(world.gateway.transfer("t", **share(None, account, 500))) == "balance_insufficient"
        await world.turn("advance", {"seconds": 3 * DAY - DAY // 2})
        assert await world.gateway.transfer("new", **share(None, account, 500))

    async def test_transferred_before_under_a_key_that_is_forgotten(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        transfer = await world.gateway.transfer("t", **share(taken.charge, account, AMOUNT))
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.transfer("t", **share(taken.charge, account, AMOUNT)) == transfer
        assert len(world.kept("transfer")) == 1

    async def test_reversed_before_under_a_key_that_is_forgotten(self, world: World) -> None:
        account, taken = await world.account(), await world.captured()
        transfer = await world.gateway.transfer("t", **share(taken.charge, account, 100))
        reversal = await world.gateway.reverse("x", transfer=transfer, amount=100, order_id=ORDER)
        await world.turn("advance", {"seconds": DAY + 1})
        assert await world.gateway.reverse("x", transfer=transfer, amount=100, order_id=ORDER) == reversal
        assert await world.gateway.find_reversal("x", transfer=transfer) == reversal
        assert await refused(world.gateway.reverse("new", transfer=transfer, amount=1, order_id=ORDER)) == "transfer_already_reversed"

    async def test_found_among_more_than_a_page(self, local: World) -> None:
        account, taken = await local.account(), await local.captured()
        first = await local.gateway.transfer("t0", **share(taken.charge, account, 10))
        for number in range(1, 104):
            await local.gateway.transfer(f"t{number}", **share(taken.charge, account, 10))
        assert await local.gateway.find_transfer("t0", order_id=ORDER) == first


class TestAccounts:
    async def test_from_opened_to_ready(self, world: World) -> None:
        account = await world.gateway.open_account("account", vendor="acme", name="Acme", country="DE")
        facts = await world.gateway.look_account(account)
        assert (facts.may_receive, facts.may_pay_out) == (False, False)
        assert "external_account" in facts.due
        link = await world.gateway.onboarding_link(account, back="https://shop.example/back", again="https://shop.example/again")
        assert link.startswith("http")
        await world.turn(f"accounts/{account}/onboard")
        facts = await world.gateway.look_account(account)
        assert (facts.account, facts.may_receive, facts.may_pay_out, facts.due, facts.reason) == (account, True, True, [], "")

    async def test_we_decide_when_a_vendor_is_paid_out(self, world: World) -> None:
        account = await world.account()
        [kept] = world.kept("account", id=account)
        assert kept["settings"]["payouts"]["schedule"]["interval"] == "manual"

    async def test_a_capability_taken_away_again(self, world: World) -> None:
        account = await world.account()
        await world.turn(f"accounts/{account}/capabilities", {"transfers": "inactive"})
        assert not (await world.gateway.look_account(account)).may_receive

    async def test_an_account_of_somebody_else(self, world: World) -> None:
        with pytest.raises(GatewayRefused):
            await world.gateway.look_account("acct_nobody")
        with pytest.raises(GatewayRefused):
            await world.gateway.funds("acct_nobody")


class TestPayouts:
    async def with_funds(self, world: World) -> str:
        """A vendor's account with 6000 that may be paid out."""
        account, taken = await world.account(), await world.captured()
        await world.gateway.transfer("t", **share(taken.charge, account, 6_000))
        assert await world.gateway.funds(account) == {"EUR": Funds(available=0, pending=6_000)}
        await world.turn("advance", {"seconds": 3 * DAY})
        assert await world.gateway.funds(account) == {"EUR": Funds(available=6_000, pending=0)}
        return account

    async def test_of_a_vendors_account(self, world: World) -> None:
        account = await self.with_funds(world)
        sent = await world.gateway.pay_out("p", account=account, amount=6_000, currency="EUR")
        assert (sent.state, sent.amount, sent.currency, sent.account, sent.key) == (Settling.PENDING, 6_000, "EUR", account, "p")
        assert sent.arrives is not None
        assert await world.gateway.pay_out("p", account=account, amount=6_000, currency="EUR") == sent
        assert await world.gateway.find_payout("p", account=account) == sent
        assert await world.gateway.find_payout("p", account=None) is None
        assert len(world.kept("payout", owner=account)) == 1
        await world.turn("advance", {"seconds": 3 * DAY})
        assert (await world.gateway.look_payout(sent.reference, account=account)).state is Settling.DONE
        found = await world.gateway.find_payout("p", account=account)
        assert found is not None
        assert found.state is Settling.DONE

    async def test_paid_first_and_returned_later(self, world: World) -> None:
        account = await self.with_funds(world)
        sent = await world.gateway.pay_out("p", account=account, amount=6_000, currency="EUR")
        await world.turn("advance", {"seconds": 3 * DAY})
        await world.turn(f"payouts/{sent.reference}/fail", {"failure_code": "account_closed"})
        facts = await world.gateway.look_payout(sent.reference, account=account)
        assert (facts.state, facts.reason) == (Settling.FAILED, "account_closed")
        assert (await world.gateway.funds(account))["EUR"].available == 6_000

    async def test_more_than_is_available(self, world: World) -> None:
        account = await self.with_funds(world)
        assert await refused(world.gateway.pay_out("p", account=account, amount=6_001, currency="EUR")) == "balance_insufficient"

    async def test_of_our_own(self, world: World) -> None:
        await world.available()
        before = (await world.gateway.funds())["EUR"].available
        sent = await world.gateway.pay_out("p", account=None, amount=1_000, currency="EUR")
        assert sent.account is None
        assert (await world.gateway.funds())["EUR"].available == before - 1_000
        assert (await world.gateway.look_payout(sent.reference, account=None)).state is Settling.PENDING


class TestDisputes:
    async def disputed(self, world: World, **how: Any) -> tuple[str, str]:
        charge = await charged(world, "pm_card_visa")
        dispute = await world.turn(f"charges/{charge}/dispute", how)
        return charge, dispute["id"]

    async def test_it_takes_the_money_and_a_fee(self, world: World) -> None:
        charge, reference = await self.disputed(world, amount=4_000, reason="product_not_received")
        facts = await world.gateway.look_dispute(reference)
        assert (facts.charge, facts.phase, facts.amount, facts.currency) == (charge, DisputePhase.OPEN, 4_000, "EUR")
        assert facts.reason == "product_not_received"
        assert facts.evidence_due is not None
        assert [(one.amount, one.fee, one.net) for one in facts.movements] == [(-4_000, 1_500, -5_500)]
        refund = world.gateway.refund("r", charge=charge, amount=1, currency="EUR", order_id=ORDER)
        assert await refused(refund) == "charge_disputed"

    @pytest.mark.parametrize(("status", "phase", "back"), [("won", DisputePhase.WON, [4_000]), ("lost", DisputePhase.LOST, [])])
    async def test_it_ends(self, world: World, status: str, phase: DisputePhase, back: list[int]) -> None:
        _, reference = await self.disputed(world, amount=4_000)
        await world.turn(f"disputes/{reference}/close", {"status": status})
        facts = await world.gateway.look_dispute(reference)
        assert facts.phase is phase
        assert [one.amount for one in facts.movements] == [-4_000, *back]

    async def test_an_inquiry_takes_nothing(self, world: World) -> None:
        _, reference = await self.disputed(world, withdraw=False)
        facts = await world.gateway.look_dispute(reference)
        assert (facts.phase, facts.movements) == (DisputePhase.INQUIRY, [])
        await world.turn(f"disputes/{reference}/close", {"status": "won"})
        facts = await world.gateway.look_dispute(reference)
        assert (facts.phase, facts.movements) == (DisputePhase.WON, [])
