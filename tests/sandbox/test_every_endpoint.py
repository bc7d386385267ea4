"""Every simulated endpoint is called once by the real client; the watch holds each form and answer against Stripe's schema."""

from typing import Any

import stripe

from tests.sandbox.controls import turn
from tests.sandbox.trade import DAY, balance, charge, hold, move, vendor
from tests.sandbox.watched import CONTRACT, Watched


async def test_every_endpoint_answers_as_stripe_says(client: stripe.StripeClient, watched: Watched) -> None:
    paid, account = await charge(client), await vendor(client, watched)
    await accounts(client, account)
    await cards(client)
    await payments(client, paid)
    await outgoing(client, watched, paid, account)
    await hooks(client)
    await client.v1.accounts.reject_async(account, {"reason": "other"})
    await client.v1.accounts.delete_async((await client.v1.accounts.create_async({"country": "DE"})).id)
    assert set(CONTRACT) - watched.seen == set()
    assert watched.checked > 100


async def accounts(client: stripe.StripeClient, account: str) -> None:
    v1 = client.v1
    await v1.accounts.retrieve_async(account)
    await v1.accounts.update_async(account, {"metadata": {"vendor": "acme"}})
    await v1.accounts.list_async()
    await v1.accounts.capabilities.retrieve_async(account, "transfers")
    await v1.accounts.capabilities.update_async(account, "card_payments", {"requested": True})
    await v1.account_links.create_async(
        {"account": account, "type": "account_onboarding", "refresh_url": "https://a.test", "return_url": "https://a.test"}
    )


async def cards(client: stripe.StripeClient) -> None:
    v1 = client.v1
    who = (await v1.customers.create_async({"name": "Ada", "payment_method": "pm_card_visa"})).id
    await v1.customers.retrieve_async(who)
    await v1.customers.update_async(who, {"email": "ada@example.org"})
    assert len((await v1.customers.list_async({"email": "ada@example.org"})).data) == 1
    method = await v1.payment_methods.attach_async("pm_card_mastercard", {"customer": who})
    await v1.payment_methods.retrieve_async(method.id)
    await v1.payment_methods.retrieve_async("pm_card_visa")
    assert len((await v1.payment_methods.list_async({"customer": who, "type": "card"})).data) == 2
    await v1.customers.payment_methods.list_async(who)
    await v1.payment_methods.detach_async(method.id)
    setup = await v1.setup_intents.create_async({"customer": who, "automatic_payment_methods": {"enabled": True}})
    await v1.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_visa", "return_url": "https://a.test"})
    await v1.setup_intents.retrieve_async(setup.id)
    await v1.setup_intents.cancel_async((await v1.setup_intents.create_async({})).id)
    await v1.setup_intents.list_async()


async def payments(client: stripe.StripeClient, paid: stripe.Charge) -> None:
    v1 = client.v1
    intent = await v1.payment_intents.create_async({"amount": 5_000, "currency": "eur", "metadata": {"step": "s1"}})
    await v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_mastercard"})
    await v1.payment_intents.cancel_async((await hold(client)).id)
    await v1.payment_intents.retrieve_async(intent.id)
    await v1.payment_intents.list_async()
    assert [one.id for one in (await v1.payment_intents.search_async({"query": "metadata['step']:'s1'"})).data] == [intent.id]
    await v1.charges.list_async({"payment_intent": intent.id})
    await v1.charges.retrieve_async(paid.id)
    refund = await v1.refunds.create_async({"payment_intent": intent.id, "amount": 100})
    await v1.refunds.retrieve_async(refund.id)
    await v1.refunds.update_async(refund.id, {"metadata": {"why": "broken"}})
    await v1.refunds.list_async({"charge": paid.id})
    slow = await charge(client, payment_method="pm_card_pendingRefund")
    await v1.refunds.cancel_async((await v1.refunds.create_async({"charge": slow.id})).id)
    disputed = await charge(client, payment_method="pm_card_createDispute")
    [dispute] = (await v1.disputes.list_async({"charge": disputed.id})).data
    await v1.disputes.retrieve_async(dispute.id)
    await v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "Ada"}, "metadata": {"order": "ord_1"}})
    await v1.disputes.close_async(dispute.id)


async def outgoing(client: stripe.StripeClient, app: Watched, paid: stripe.Charge, account: str) -> None:
    v1 = client.v1
    moved = await move(client, 100, account, paid)
    await v1.transfers.retrieve_async(moved.id)
    await v1.transfers.list_async({"destination": account})
    back = await v1.transfers.reversals.create_async(moved.id, {"amount": 50})
    await v1.transfers.reversals.retrieve_async(moved.id, back.id)
    await v1.transfers.reversals.list_async(moved.id)
    await turn(app, "advance", {"seconds": 2 * DAY})
    await balance(client)
    payout = await v1.payouts.create_async({"amount": 500, "currency": "eur"})
    await v1.payouts.retrieve_async(payout.id)
    await v1.payouts.cancel_async((await v1.payouts.create_async({"amount": 100, "currency": "eur"})).id)
    await turn(app, "advance", {"seconds": 2 * DAY})
    await v1.payouts.reverse_async(payout.id, {"metadata": {"why": "mistake"}})
    await v1.payouts.list_async({"status": "paid"})
    entries: Any = (await v1.balance_transactions.list_async({"limit": 100})).data
    for entry in entries:
        await v1.balance_transactions.retrieve_async(entry.id, {"expand": ["source"]})


async def hooks(client: stripe.StripeClient) -> None:
    v1 = client.v1
    endpoint = await v1.webhook_endpoints.create_async(
        {"url": "http://127.0.0.1:9/", "enabled_events": ["payout.paid"], "connect": True, "api_version": "2026-10-28.endive"}
    )
    await v1.webhook_endpoints.retrieve_async(endpoint.id)
    await v1.webhook_endpoints.update_async(endpoint.id, {"description": "ours", "disabled": True})
    await v1.webhook_endpoints.list_async()
    await v1.webhook_endpoints.delete_async(endpoint.id)
    several = await v1.events.list_async({"limit": 100, "types": ["payout.paid", "refund.failed"]})
    assert {event.type for event in several.data} == {"payout.paid"}
    for event in (await v1.events.list_async({"limit": 100})).data:
        await v1.events.retrieve_async(event.id)
