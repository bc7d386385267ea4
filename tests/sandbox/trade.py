"""What the tests of the sandbox do again and again: hold, charge, onboard a vendor, transfer, look at a balance."""

from typing import Any

import stripe

from tests.sandbox.controls import turn
from tests.sandbox.watched import Watched

DAY = 86_400


async def hold(client: stripe.StripeClient, amount: int = 10_000, **params: Any) -> stripe.PaymentIntent:
    given: Any = {"amount": amount, "currency": "eur", "payment_method": "pm_card_visa", "capture_method": "manual", "confirm": True}
    return await client.v1.payment_intents.create_async(given | params)


async def charge(client: stripe.StripeClient, amount: int = 10_000, take: int | None = None, **params: Any) -> stripe.Charge:
    intent = await hold(client, amount, **params)
    taken = await client.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": take or amount, "expand": ["latest_charge"]})
    assert isinstance(taken.latest_charge, stripe.Charge)
    return taken.latest_charge


async def vendor(client: stripe.StripeClient, app: Watched, *, losses: Any = "application") -> str:
    account = await client.v1.accounts.create_async(
        {
            "country": "DE",
            "capabilities": {"transfers": {"requested": True}},
            "controller": {"losses": {"payments": losses}, "fees": {"payer": "application"}, "stripe_dashboard": {"type": "express"}},
        }
    )
    await turn(app, f"accounts/{account.id}/onboard")
    return account.id


async def move(client: stripe.StripeClient, amount: int, account: str, source: stripe.Charge) -> stripe.Transfer:
    return await client.v1.transfers.create_async(
        {"amount": amount, "currency": "eur", "destination": account, "source_transaction": source.id}
    )


async def balance(client: stripe.StripeClient, account: str | None = None) -> tuple[int, int]:
    found = await client.v1.balance.retrieve_async({}, {"stripe_account": account})
    return sum(part.amount for part in found.available), sum(part.amount for part in found.pending)


async def told(client: stripe.StripeClient, account: str | None = None) -> list[str]:
    """The types of all events, oldest first."""
    page = await client.v1.events.list_async({"limit": 100}, {"stripe_account": account})
    return [event.type for event in page.data][::-1]


async def book(client: stripe.StripeClient, account: str | None = None) -> list[tuple[str, str, int, int]]:
    """Type, reporting category, amount and fee of every balance transaction, oldest first."""
    page = await client.v1.balance_transactions.list_async({"limit": 100}, {"stripe_account": account})
    return [(one.type, one.reporting_category, one.amount, one.fee) for one in page.data][::-1]
