"""What Stripe may do to an account: capabilities taken, restricted, rejected, closed; and the page on which it onboards."""

import httpx
import pytest
import stripe

from tests.sandbox.controls import turn
from tests.sandbox.trade import DAY, charge, move, told, vendor
from tests.sandbox.watched import Watched


@pytest.mark.parametrize("status", ["inactive", "pending"])
async def test_without_the_capability_nothing_is_transferred(client: stripe.StripeClient, watched: Watched, status: str) -> None:
    source, account = await charge(client), await vendor(client, watched)
    await turn(watched, f"accounts/{account}/capabilities", {"transfers": status})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await move(client, 100, account, source)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    await turn(watched, f"accounts/{account}/capabilities", {"transfers": "active"})
    assert (await move(client, 100, account, source)).amount == 100
    assert (await told(client, account))[-5:-1] == ["capability.updated", "account.updated"] * 2


async def test_restricted_it_can_do_nothing(client: stripe.StripeClient, watched: Watched) -> None:
    source, account = await charge(client), await vendor(client, watched)
    await move(client, 100, account, source)
    await turn(watched, "advance", {"seconds": 2 * DAY})
    await turn(watched, f"accounts/{account}/restrict")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.payouts.create_async({"amount": 100, "currency": "eur"}, {"stripe_account": account})
    assert refused.value.code == "payouts_not_allowed"
    with pytest.raises(stripe.InvalidRequestError):
        await move(client, 100, account, source)
    found = await client.v1.accounts.retrieve_async(account)
    assert (found.payouts_enabled, found.requirements and found.requirements.disabled_reason) == (False, "requirements.past_due")


async def test_rejected_and_closed(client: stripe.StripeClient, watched: Watched) -> None:
    source, account = await charge(client), await vendor(client, watched)
    moved = await move(client, 100, account, source)
    rejected = await client.v1.accounts.reject_async(account, {"reason": "fraud_other"})
    assert rejected.requirements is not None
    assert rejected.requirements.disabled_reason == "rejected.fraud"
    with pytest.raises(stripe.InvalidRequestError, match="not zero"):
        await client.v1.accounts.delete_async(account)
    await client.v1.transfers.reversals.create_async(moved.id)
    assert (await client.v1.accounts.delete_async(account)).deleted
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.accounts.retrieve_async(account)


async def test_reversals_below_zero_are_refused_where_asked_to(client: stripe.StripeClient, watched: Watched) -> None:
    source, account = await charge(client), await vendor(client, watched)
    moved = await move(client, 5_000, account, source)
    await turn(watched, "advance", {"seconds": 2 * DAY})
    await client.v1.payouts.create_async({"amount": 5_000, "currency": "eur"}, {"stripe_account": account})
    assert await turn(watched, "rules", {"reversals_need_funds": True}) == {"refunds_wait_for_funds": False, "reversals_need_funds": True}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.transfers.reversals.create_async(moved.id)
    assert refused.value.code == "balance_insufficient"
    await turn(watched, "rules", {"reversals_need_funds": False})
    assert (await client.v1.transfers.reversals.create_async(moved.id)).amount == 5_000


async def test_one_vendors_money_is_gone_and_the_others_go_below_zero(client: stripe.StripeClient, watched: Watched) -> None:
    source = await charge(client)
    poor, rich = await vendor(client, watched), await vendor(client, watched)
    from_poor, from_rich = await move(client, 3_000, poor, source), await move(client, 3_000, rich, source)
    await turn(watched, f"accounts/{poor}/needs_funds", {})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.transfers.reversals.create_async(from_poor.id)
    assert refused.value.code == "balance_insufficient"
    assert (await client.v1.transfers.reversals.create_async(from_rich.id)).amount == 3_000


async def test_the_page_of_a_link_onboards_once_and_says_simulated(client: stripe.StripeClient, watched: Watched) -> None:
    account = await client.v1.accounts.create_async({"country": "DE", "capabilities": {"transfers": {"requested": True}}})
    link = await client.v1.account_links.create_async(
        {"account": account.id, "type": "account_onboarding", "refresh_url": "https://a.test/r", "return_url": "https://a.test/done"}
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched)) as person:
        page = await person.get(link.url)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "SIMULATED" in page.text
        assert account.id in page.text
        assert (await person.get(link.url + "x")).status_code == 404
        done = await person.post(link.url)
        assert (done.status_code, done.headers["location"]) == (303, "https://a.test/done")
        assert (await person.post(link.url)).status_code == 404
    found = await client.v1.accounts.retrieve_async(account.id)
    assert found.capabilities is not None
    assert found.capabilities.transfers == "active"


async def test_a_link_expires(client: stripe.StripeClient, watched: Watched) -> None:
    account = await client.v1.accounts.create_async({"country": "DE"})
    link = await client.v1.account_links.create_async({"account": account.id, "type": "account_onboarding"})
    await turn(watched, "advance", {"seconds": 301})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched)) as person:
        assert (await person.get(link.url)).status_code == 404
