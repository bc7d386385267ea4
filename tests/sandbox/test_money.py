"""The sandbox's money, driven by the real client: what it moves, caps and refuses."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import EPOCH
from tests.sandbox.controls import turn
from tests.sandbox.trade import DAY, balance, charge, hold, move, vendor
from tests.sandbox.watched import Watched


class TestPaymentIntents:
    async def test_a_hold_is_taken_in_part_and_the_rest_released(self, client: stripe.StripeClient) -> None:
        intent = await hold(client)
        assert (intent.status, intent.amount_capturable) == ("requires_capture", 10_000)
        taken = await client.v1.payment_intents.capture_async(
            intent.id, {"amount_to_capture": 7_500, "expand": ["latest_charge.balance_transaction"]}
        )
        assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 7_500, 0)
        assert isinstance(taken.latest_charge, stripe.Charge)
        assert isinstance(taken.latest_charge.balance_transaction, stripe.BalanceTransaction)
        booked = taken.latest_charge.balance_transaction
        # 2.9 % of 75.00 is 2.175, half up 2.18, plus 25
        assert (booked.amount, booked.fee, booked.net) == (7_500, 243, 7_257)

    async def test_it_cannot_be_captured_twice_or_for_more(self, client: stripe.StripeClient) -> None:
        intent = await hold(client)
        with pytest.raises(stripe.InvalidRequestError) as error:
            await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 10_001})
        assert error.value.code == "amount_too_large"
        await client.v1.payment_intents.capture_async(intent.id)
        with pytest.raises(stripe.InvalidRequestError) as error:
            await client.v1.payment_intents.capture_async(intent.id)
        assert error.value.code == "payment_intent_unexpected_state"

    async def test_a_hold_expires_after_seven_days_of_the_sandbox_clock(self, client: stripe.StripeClient, watched: Watched) -> None:
        intent = await hold(client, expand=["latest_charge"])
        assert isinstance(intent.latest_charge, stripe.Charge)
        details: Any = intent.latest_charge.payment_method_details
        assert details.card.capture_before == EPOCH + 7 * DAY
        await turn(watched, "advance", {"seconds": 7 * DAY - 1})
        assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"
        await turn(watched, "advance", {"seconds": 1})
        with pytest.raises(stripe.InvalidRequestError, match="canceled"):
            await client.v1.payment_intents.capture_async(intent.id)
        gone = await client.v1.payment_intents.retrieve_async(intent.id)
        assert (gone.status, gone.cancellation_reason) == ("canceled", "automatic")

    @pytest.mark.parametrize(
        ("method", "code", "decline"),
        [
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ],
    )
    async def test_a_declined_card_leaves_no_money_behind(
        self, client: stripe.StripeClient, method: str, code: str, decline: str | None
    ) -> None:
        with pytest.raises(stripe.CardError) as refused:
            await hold(client, payment_method=method)
        assert (refused.value.code, refused.value.error and refused.value.error.decline_code) == (code, decline)
        found = await client.v1.payment_intents.list_async()
        assert [intent.status for intent in found.data] == ["requires_payment_method"]
        assert await balance(client) == (0, 0)

    async def test_authentication_is_asked_for_and_answered(self, client: stripe.StripeClient, watched: Watched) -> None:
        intent = await hold(client, payment_method="pm_card_authenticationRequired")
        assert intent.status == "requires_action"
        await turn(watched, f"payment_intents/{intent.id}/authenticate")
        assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"
        other = await hold(client, payment_method="pm_card_authenticationRequired")
        await turn(watched, f"payment_intents/{other.id}/fail")
        assert (await client.v1.payment_intents.retrieve_async(other.id)).status == "requires_payment_method"

    async def test_canceled_gives_all_back(self, client: stripe.StripeClient) -> None:
        intent = await hold(client)
        assert (await client.v1.payment_intents.cancel_async(intent.id)).status == "canceled"
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.payment_intents.cancel_async(intent.id)

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"amount": 49}, "amount_too_small"),
            ({"amount": 100_000_000}, "amount_too_large"),
            ({"amount": "ten"}, "parameter_invalid_integer"),
            ({"payment_method": "pm_nobody"}, "resource_missing"),
            ({"payment_method_types": ["card"]}, "parameter_unknown"),
            ({"currency": "kwd", "amount": 1_001}, "parameter_invalid_integer"),
        ],
    )
    async def test_nonsense_is_refused_by_name(self, client: stripe.StripeClient, params: dict[str, Any], code: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await hold(client, **params)
        assert refused.value.code == code


class TestTransfers:
    async def test_a_source_lets_pending_money_through_up_to_what_was_captured(self, client: stripe.StripeClient, watched: Watched) -> None:
        source, account = await charge(client, take=8_000, transfer_group="ord_1"), await vendor(client, watched)
        first = await move(client, 5_000, account, source)
        assert first.transfer_group == "ord_1"
        assert await balance(client, account) == (0, 5_000)
        with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
            await move(client, 3_001, account, source)
        await move(client, 3_000, account, source)
        await turn(watched, "advance", {"seconds": 2 * DAY})
        assert await balance(client, account) == (8_000, 0)
        assert await balance(client) == (-257, 0)

    async def test_without_a_source_only_available_money_moves(self, client: stripe.StripeClient, watched: Watched) -> None:
        await charge(client)
        account = await vendor(client, watched)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.transfers.create_async({"amount": 100, "currency": "eur", "destination": account})
        assert refused.value.code == "balance_insufficient"
        await turn(watched, "advance", {"seconds": 2 * DAY})
        await client.v1.transfers.create_async({"amount": 100, "currency": "eur", "destination": account})
        assert await balance(client, account) == (100, 0)

    async def test_an_account_must_be_onboarded_first(self, client: stripe.StripeClient) -> None:
        source = await charge(client)
        account = await client.v1.accounts.create_async({"country": "DE", "capabilities": {"transfers": {"requested": True}}})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await move(client, 1, account.id, source)
        assert refused.value.code == "insufficient_capabilities_for_transfer"

    async def test_a_reversal_takes_back_never_more_than_was_given(self, client: stripe.StripeClient, watched: Watched) -> None:
        source, account = await charge(client), await vendor(client, watched)
        given = await move(client, 5_000, account, source)
        await client.v1.transfers.reversals.create_async(given.id, {"amount": 2_000})
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.transfers.reversals.create_async(given.id, {"amount": 3_001})
        await client.v1.transfers.reversals.create_async(given.id)
        again = await client.v1.transfers.retrieve_async(given.id)
        assert (again.reversed, again.amount_reversed, len(again.reversals.data)) == (True, 5_000, 2)
        assert sum(await balance(client, account)) == 0

    async def test_losses_borne_by_stripe_forbid_going_below_zero(self, client: stripe.StripeClient, watched: Watched) -> None:
        source, account = await charge(client), await vendor(client, watched, losses="stripe")
        given = await move(client, 5_000, account, source)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.transfers.reversals.create_async(given.id)
        assert refused.value.code == "balance_insufficient"


class TestRefundsAndPayouts:
    async def test_refunds_in_parts_end_at_what_was_captured(self, client: stripe.StripeClient) -> None:
        paid = await charge(client, take=6_000)
        await client.v1.refunds.create_async({"charge": paid.id, "amount": 2_000})
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            await client.v1.refunds.create_async({"charge": paid.id, "amount": 4_001})
        await client.v1.refunds.create_async({"charge": paid.id})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.refunds.create_async({"charge": paid.id})
        assert refused.value.code == "charge_already_refunded"
        assert (await client.v1.charges.retrieve_async(paid.id)).refunded
        assert sum(await balance(client)) == -199  # the fee of the charge, 174 + 25, is not given back

    async def test_a_payout_takes_available_money_and_arrives(self, client: stripe.StripeClient, watched: Watched) -> None:
        source, account = await charge(client), await vendor(client, watched)
        await move(client, 5_000, account, source)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.payouts.create_async({"amount": 5_000, "currency": "eur"}, {"stripe_account": account})
        assert refused.value.code == "balance_insufficient"
        await turn(watched, "advance", {"seconds": 2 * DAY})
        payout = await client.v1.payouts.create_async({"amount": 5_000, "currency": "eur"}, {"stripe_account": account})
        assert payout.status == "pending"
        await turn(watched, "advance", {"seconds": 2 * DAY})
        found = await client.v1.payouts.retrieve_async(payout.id, {}, {"stripe_account": account})
        assert found.status == "paid"
        assert await balance(client, account) == (0, 0)

    async def test_an_account_sees_only_its_own(self, client: stripe.StripeClient, watched: Watched) -> None:
        source, first, other = await charge(client), await vendor(client, watched), await vendor(client, watched)
        await move(client, 5_000, first, source)
        theirs = await client.v1.balance_transactions.list_async({}, {"stripe_account": first})
        assert [(one.type, one.net) for one in theirs.data] == [("payment", 5_000)]
        assert not (await client.v1.balance_transactions.list_async({}, {"stripe_account": other})).data
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.balance_transactions.retrieve_async(theirs.data[0].id, {}, {"stripe_account": other})
        assert refused.value.code == "resource_missing"


class TestReading:
    async def test_lists_page_newest_first(self, client: stripe.StripeClient) -> None:
        made = [(await hold(client, 1_000 + number)).id for number in range(7)]
        page = await client.v1.payment_intents.list_async({"limit": 3})
        assert [intent.id for intent in page.data] == made[:-4:-1]
        assert page.has_more
        assert [intent.id async for intent in page.auto_paging_iter()] == made[::-1]
        newer = await client.v1.payment_intents.list_async({"limit": 2, "ending_before": made[3]})
        assert [intent.id for intent in newer.data] == [made[5], made[4]]
        assert not (await client.v1.payment_intents.list_async({"created": {"lt": EPOCH}})).data
        assert len((await client.v1.payment_intents.list_async({"created": {"gte": EPOCH}})).data) == 7

    async def test_the_books_add_up_over_everything_that_moved(self, client: stripe.StripeClient, watched: Watched) -> None:
        paid, account = await charge(client, 12_345, 11_111), await vendor(client, watched)
        await move(client, 9_000, account, paid)
        await client.v1.refunds.create_async({"charge": paid.id, "amount": 111})
        entries = (await client.v1.balance_transactions.list_async({"limit": 100})).data
        assert {entry.type for entry in entries} == {"charge", "transfer", "refund"}
        assert sum(entry.net for entry in entries) == sum(await balance(client)) == 11_111 - 347 - 9_000 - 111

    async def test_events_tell_the_story_in_order(self, client: stripe.StripeClient) -> None:
        paid = await charge(client)
        await client.v1.refunds.create_async({"charge": paid.id})
        told = [event.type for event in (await client.v1.events.list_async({"limit": 100})).data][::-1]
        assert told == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "charge.captured",
            "payment_intent.succeeded",
            "refund.created",
            "charge.refunded",
        ]
