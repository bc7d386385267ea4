"""Disputes: the money goes with a fee, comes back without it, and no charge is disputed twice or for too much."""

from typing import Any

import httpx
import pytest
import stripe

from hub.sandbox.app import SECRET
from hub.sandbox.disputes import ANSWER_WITHIN
from tests.sandbox.controls import turn
from tests.sandbox.trade import balance, book, charge, told
from tests.sandbox.watched import Watched

BEFORE = 10_000 - 315
"""What a charge of 10 000 leaves: 2.9 % + 25 less."""


async def disputed(client: stripe.StripeClient, app: Watched, **order: Any) -> stripe.Dispute:
    paid = await charge(client)
    made = await turn(app, f"charges/{paid.id}/dispute", order)
    return await client.v1.disputes.retrieve_async(made["id"])


async def test_the_money_and_a_fee_are_gone_at_once(client: stripe.StripeClient, watched: Watched) -> None:
    dispute = await disputed(client, watched, amount=4_000)
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 4_000, "fraudulent")
    assert [(one.type, one.amount, one.fee, one.net) for one in dispute.balance_transactions] == [("adjustment", -4_000, 1_500, -5_500)]
    assert sum(await balance(client)) == BEFORE - 5_500
    assert (await client.v1.charges.retrieve_async(str(dispute.charge))).disputed
    assert (await told(client))[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert (await book(client))[-1] == ("adjustment", "dispute", -4_000, 1_500)
    [source] = (await client.v1.balance_transactions.list_async({"type": "adjustment"})).data
    assert source.source == dispute.id


async def test_won_gives_the_amount_back_and_keeps_the_fee(client: stripe.StripeClient, watched: Watched) -> None:
    dispute = await disputed(client, watched)
    await turn(watched, f"disputes/{dispute.id}/close", {"status": "won"})
    won = await client.v1.disputes.retrieve_async(dispute.id)
    assert (won.status, [one.net for one in won.balance_transactions]) == ("won", [-11_500, 10_000])
    assert sum(await balance(client)) == BEFORE - 1_500
    assert (await told(client))[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert (await book(client))[-1] == ("adjustment", "dispute_reversal", 10_000, 0)
    assert (await client.v1.refunds.create_async({"charge": str(won.charge), "amount": 1})).status == "succeeded"


async def test_lost_changes_no_money_and_forbids_a_refund(client: stripe.StripeClient, watched: Watched) -> None:
    dispute = await disputed(client, watched)
    assert (await client.v1.disputes.close_async(dispute.id)).status == "lost"
    assert sum(await balance(client)) == BEFORE - 11_500
    assert (await told(client))[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"charge": str(dispute.charge)})
    assert refused.value.code == "charge_disputed"
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.disputes.close_async(dispute.id)


@pytest.mark.parametrize(("text", "status"), [("anything", "under_review"), ("winning_evidence", "won"), ("losing_evidence", "lost")])
async def test_evidence_goes_to_the_bank(client: stripe.StripeClient, watched: Watched, text: str, status: str) -> None:
    dispute = await disputed(client, watched)
    staged = await client.v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = await client.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": text}, "submit": True})
    assert (sent.status, sent.evidence.customer_name, sent.evidence_details.submission_count) == (status, "Ada", 1)
    assert "charge.dispute.updated" in await told(client)


async def test_silence_loses(client: stripe.StripeClient, watched: Watched) -> None:
    dispute, answered = await disputed(client, watched), await disputed(client, watched)
    await client.v1.disputes.update_async(answered.id, {"evidence": {"customer_name": "Ada"}})
    await turn(watched, "advance", {"seconds": ANSWER_WITHIN})
    assert (await client.v1.disputes.retrieve_async(dispute.id)).status == "lost"
    assert (await client.v1.disputes.retrieve_async(answered.id)).status == "under_review"


async def test_an_inquiry_takes_nothing_until_it_escalates(client: stripe.StripeClient, watched: Watched) -> None:
    quiet = await disputed(client, watched, withdraw=False)
    assert (quiet.status, list(quiet.balance_transactions), sum(await balance(client))) == ("warning_needs_response", [], BEFORE)
    await turn(watched, f"disputes/{quiet.id}/escalate")
    assert sum(await balance(client)) == BEFORE - 11_500
    other = await disputed(client, watched, withdraw=False)
    await turn(watched, f"disputes/{other.id}/close", {"status": "lost"})
    assert (await client.v1.disputes.retrieve_async(other.id)).status == "warning_closed"
    assert sum(await balance(client)) == 2 * BEFORE - 11_500


@pytest.mark.parametrize(
    ("card", "status", "reason"),
    [
        ("pm_card_createDispute", "needs_response", "fraudulent"),
        ("pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received"),
        ("pm_card_createDisputeInquiry", "warning_needs_response", "fraudulent"),
    ],
)
async def test_cards_that_are_disputed_when_captured(client: stripe.StripeClient, card: str, status: str, reason: str) -> None:
    paid = await charge(client, 8_000, 5_000, payment_method=card)
    [dispute] = (await client.v1.disputes.list_async({"payment_intent": str(paid.payment_intent)})).data
    assert (dispute.status, dispute.reason, dispute.amount, dispute.charge) == (status, reason, 5_000, paid.id)
    assert (await client.v1.disputes.list_async({"charge": paid.id})).data[0].id == dispute.id


@pytest.mark.parametrize("amount", [0, -1, 10_001])
async def test_no_dispute_of_more_than_was_captured(client: stripe.StripeClient, watched: Watched, amount: int) -> None:
    paid = await charge(client)
    assert await refusal(watched, paid.id, {"amount": amount}) == "400"
    assert not (await client.v1.disputes.list_async()).data


async def test_no_second_dispute(client: stripe.StripeClient, watched: Watched) -> None:
    dispute = await disputed(client, watched, amount=100)
    assert await refusal(watched, str(dispute.charge), {"amount": 100}) == "400"
    assert len((await client.v1.disputes.list_async()).data) == 1


async def refusal(app: Watched, charge_id: str, order: dict[str, Any]) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", auth=(SECRET, "")) as http:
        return str((await http.post(f"/_sandbox/charges/{charge_id}/dispute", json=order)).status_code)
