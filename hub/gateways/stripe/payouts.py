"""Payouts from Stripe to banks, ours and the vendors', and what there is to pay out."""

from collections.abc import Mapping

import stripe
from stripe import RequestOptions

from hub.gateways.stripe.caller import PAGE, Part, step_of
from hub.payments.facts import Funds, PayoutFacts, Settling

STATES = {"paid": Settling.DONE, "failed": Settling.FAILED, "canceled": Settling.FAILED}
"""All else (``pending``, ``in_transit``) is still under way. A paid one may still fail, some days later."""


class Payouts(Part):
    """The port's methods about payouts and balances."""

    async def funds(self, account: str | None = None) -> Mapping[str, Funds]:
        """By currency, as Stripe's balance has them."""
        balance = await self._calls.ask("funds", lambda: self._v1.balance.retrieve_async({}, on(account)))
        available = {money.currency.upper(): money.amount for money in balance.available}
        pending = {money.currency.upper(): money.amount for money in balance.pending}
        return {
            currency: Funds(available=available.get(currency, 0), pending=pending.get(currency, 0))
            for currency in sorted(available.keys() | pending.keys())
        }

    async def pay_out(self, key: str, *, account: str | None, amount: int, currency: str) -> PayoutFacts:
        """Refused as ``balance_insufficient`` where less is available; that refusal is the key's for ever."""

        async def create(key_: str) -> stripe.Payout:
            return await self._v1.payouts.create_async(
                {"amount": amount, "currency": currency.lower(), "metadata": {"step": key}}, {"idempotency_key": key_, **on(account)}
            )

        return _facts(await self._calls.do("pay_out", key, create, lambda: self._payout_of(key, account)), account)

    async def find_payout(self, key: str, *, account: str | None) -> PayoutFacts | None:
        """By ``metadata.step`` among the account's payouts."""
        found = await self._payout_of(key, account)
        return None if found is None else _facts(found, account)

    async def look_payout(self, reference: str, *, account: str | None) -> PayoutFacts:
        """As it stands now."""
        return _facts(await self._calls.ask("look_payout", lambda: self._v1.payouts.retrieve_async(reference, {}, on(account))), account)

    async def _payout_of(self, key: str, account: str | None) -> stripe.Payout | None:
        return await self._calls.find(key, "pay_out", lambda: self._v1.payouts.list_async({"limit": PAGE}, on(account)))


def on(account: str | None) -> RequestOptions:
    """Speak for a vendor's account, or for ourselves."""
    return {} if account is None else {"stripe_account": account}


def _facts(payout: stripe.Payout, account: str | None) -> PayoutFacts:
    state = STATES.get(payout.status, Settling.PENDING)
    reason = payout.failure_code or payout.status if state is Settling.FAILED else ""
    if payout.reversed_by is not None:
        state, reason = Settling.FAILED, "reversed"
    return PayoutFacts(
        reference=payout.id,
        state=state,
        amount=payout.amount,
        currency=payout.currency.upper(),
        account=account,
        key=step_of(payout),
        arrives=payout.arrival_date,
        reason=reason,
    )
