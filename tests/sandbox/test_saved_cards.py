"""Customers, setup intents and saved cards: charged later without the buyer, or refused where the bank wants the buyer."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.controls import turn
from tests.sandbox.trade import told
from tests.sandbox.watched import Watched


async def customer(client: stripe.StripeClient) -> str:
    return (await client.v1.customers.create_async({"name": "Ada", "email": "ada@example.org"})).id


async def saved(client: stripe.StripeClient, app: Watched, card: str) -> tuple[str, str]:
    """A customer and the card saved for it, authenticated if need be."""
    who = await customer(client)
    setup = await client.v1.setup_intents.create_async({"customer": who, "payment_method": card, "confirm": True, "usage": "off_session"})
    assert setup.client_secret
    if setup.status == "requires_action":
        assert setup.next_action is not None
        assert setup.next_action.type == "use_stripe_sdk"
        await turn(app, f"setup_intents/{setup.id}/authenticate")
        setup = await client.v1.setup_intents.retrieve_async(setup.id)
    assert setup.status == "succeeded"
    return who, str(setup.payment_method)


async def later(client: stripe.StripeClient, who: str, method: str) -> stripe.PaymentIntent:
    return await client.v1.payment_intents.create_async(
        {"amount": 5_000, "currency": "eur", "customer": who, "payment_method": method, "off_session": True, "confirm": True}
    )


@pytest.mark.parametrize(
    "card", ["pm_card_visa", "pm_card_authenticationRequiredOnSetup", "pm_card_authenticationRequiredSetupForOffSession"]
)
async def test_a_saved_card_is_charged_without_the_buyer(client: stripe.StripeClient, watched: Watched, card: str) -> None:
    who, method = await saved(client, watched, card)
    assert method.startswith("pm_")
    assert method != card
    paid = await later(client, who, method)
    assert (paid.status, paid.customer, paid.payment_method) == ("succeeded", who, method)


@pytest.mark.parametrize("how", ["saved", "attached"])
async def test_a_bank_that_wants_the_buyer_declines(client: stripe.StripeClient, watched: Watched, how: str) -> None:
    if how == "saved":
        who, method = await saved(client, watched, "pm_card_authenticationRequired")
    else:
        who = await customer(client)
        method = (await client.v1.payment_methods.attach_async("pm_card_authenticationRequiredOnSetup", {"customer": who})).id
    with pytest.raises(stripe.CardError) as declined:
        await later(client, who, method)
    assert (declined.value.code, declined.value.http_status) == ("authentication_required", 402)
    [intent] = (await client.v1.payment_intents.list_async({"customer": who})).data
    error = intent.last_payment_error
    assert error is not None
    assert error.payment_method is not None
    assert (intent.status, error.code, error.payment_method.id) == ("requires_payment_method", "authentication_required", method)
    # The buyer comes back and authenticates.
    again = await client.v1.payment_intents.confirm_async(intent.id, {"payment_method": method})
    assert again.status == "requires_action"
    await turn(watched, f"payment_intents/{intent.id}/authenticate")
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_a_payment_saves_its_card_for_later(client: stripe.StripeClient, watched: Watched) -> None:
    who = await customer(client)
    asked: Any = {"amount": 5_000, "currency": "eur", "customer": who, "payment_method": "pm_card_authenticationRequiredOnSetup"}
    first = await client.v1.payment_intents.create_async(asked | {"setup_future_usage": "off_session", "confirm": True})
    assert first.status == "requires_action"
    await turn(watched, f"payment_intents/{first.id}/authenticate")
    [method] = (await client.v1.customers.payment_methods.list_async(who)).data
    assert (await client.v1.payment_intents.retrieve_async(first.id)).payment_method == method.id
    assert (await later(client, who, method.id)).status == "succeeded"


async def test_a_card_that_is_saved_but_not_charged(client: stripe.StripeClient, watched: Watched) -> None:
    who, method = await saved(client, watched, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as declined:
        await later(client, who, method)
    assert declined.value.code == "card_declined"


async def test_a_declined_card_is_not_saved(client: stripe.StripeClient) -> None:
    who = await customer(client)
    with pytest.raises(stripe.CardError):
        await client.v1.setup_intents.create_async({"customer": who, "payment_method": "pm_card_chargeDeclined", "confirm": True})
    with pytest.raises(stripe.CardError):
        await client.v1.payment_methods.attach_async("pm_card_chargeDeclined", {"customer": who})
    [setup] = (await client.v1.setup_intents.list_async({"customer": who})).data
    assert (setup.status, setup.last_setup_error and setup.last_setup_error.code) == ("requires_payment_method", "card_declined")
    assert not (await client.v1.payment_methods.list_async({"customer": who})).data
    assert "setup_intent.setup_failed" in await told(client)


async def test_the_holder_may_fail_and_try_another(client: stripe.StripeClient, watched: Watched) -> None:
    who = await customer(client)
    setup = await client.v1.setup_intents.create_async({"customer": who, "payment_method": "pm_card_authenticationRequired"})
    await client.v1.setup_intents.confirm_async(setup.id)
    await turn(watched, f"setup_intents/{setup.id}/fail")
    failed = await client.v1.setup_intents.retrieve_async(setup.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    done = await client.v1.setup_intents.confirm_async(setup.id, {"payment_method": "pm_card_visa"})
    assert done.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.setup_intents.cancel_async(setup.id)


async def test_authenticated_and_declined_all_the_same(client: stripe.StripeClient, watched: Watched) -> None:
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = await client.v1.payment_intents.create_async({"amount": 100, "currency": "eur", "payment_method": card, "confirm": True})
    await turn(watched, f"payment_intents/{intent.id}/authenticate")
    failed = await client.v1.payment_intents.retrieve_async(intent.id)
    error = failed.last_payment_error
    assert (failed.status, error and error.decline_code) == ("requires_payment_method", "insufficient_funds")


async def test_nobody_pays_with_anothers_card(client: stripe.StripeClient, watched: Watched) -> None:
    _, method = await saved(client, watched, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        await later(client, await customer(client), method)
    await client.v1.payment_methods.detach_async(method)
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_methods.detach_async(method)


@pytest.mark.parametrize(("answer", "status"), [("yes", "succeeded"), ("no", "requires_payment_method")])
async def test_the_bank_asks_on_a_page_that_says_simulated(client: stripe.StripeClient, watched: Watched, answer: str, status: str) -> None:
    asked: Any = {"amount": 100, "currency": "eur", "payment_method": "pm_card_authenticationRequired", "confirm": True}
    intent = await client.v1.payment_intents.create_async(asked | {"return_url": "https://shop.test/back?order=1"})
    setup = await client.v1.setup_intents.create_async(
        {"payment_method": "pm_card_authenticationRequired", "confirm": True, "return_url": "https://shop.test/back"}
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched)) as person:
        for action in (intent.next_action, setup.next_action):
            assert action is not None
            assert action.redirect_to_url is not None
            assert action.redirect_to_url.url is not None
            assert "SIMULATED" in (await person.get(action.redirect_to_url.url)).text
            done = await person.post(action.redirect_to_url.url, data={"answer": answer})
            assert done.status_code == 303
            assert f"redirect_status={'succeeded' if answer == 'yes' else 'failed'}" in done.headers["location"]
            assert (await person.post(action.redirect_to_url.url)).status_code == 404
    assert (await client.v1.payment_intents.retrieve_async(intent.id)).status == status
    assert (await client.v1.setup_intents.retrieve_async(setup.id)).status == status


async def test_authentication_may_be_ruled_out(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.create_async(
            {
                "amount": 100,
                "currency": "eur",
                "payment_method": "pm_card_authenticationRequired",
                "confirm": True,
                "error_on_requires_action": True,
            }
        )
    assert declined.value.code == "authentication_required"
