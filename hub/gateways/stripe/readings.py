"""What Stripe says has happened: movements of balances, and events."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import stripe

from hub.gateways.stripe.caller import PAGE, Part, id_of
from hub.gateways.stripe.payouts import on
from hub.payments.facts import Movement, ProviderEvent
from hub.payments.ports import GatewayRefused


class Readings(Part):
    """The port's methods that page through the past."""

    async def movements(self, *, since: int, until: int, account: str | None = None) -> list[Movement]:
        """All balance transactions of the time, whatever their kind."""
        listed = self._calls.every(
            "movements",
            lambda: self._v1.balance_transactions.list_async({"created": {"gte": since, "lt": until}, "limit": PAGE}, on(account)),
        )
        return [movement(one) async for one in listed][::-1]

    async def events(self, *, since: int, accounts: bool = False) -> list[ProviderEvent]:
        """Stripe keeps them for thirty days. It lists vendors' events account by account only, so `accounts` costs a call for each."""
        if not accounts:
            return [_event(one, None) async for one in self._happened(None, since)][::-1]
        everybody = self._calls.every("accounts", lambda: self._v1.accounts.list_async({"limit": PAGE}))
        found: list[ProviderEvent] = []
        async for account in everybody:
            found += await self._events_of(account.id, since)
        return sorted(found, key=lambda event: event.at)

    async def _events_of(self, account: str, since: int) -> list[ProviderEvent]:
        try:
            return [_event(one, account) async for one in self._happened(account, since)][::-1]
        except GatewayRefused:
            return []  # it has left us since it was listed: nothing of it concerns us any more

    def _happened(self, account: str | None, since: int) -> AsyncIterator[stripe.Event]:
        return self._calls.every("events", lambda: self._v1.events.list_async({"created": {"gte": since}, "limit": PAGE}, on(account)))


def movement(moved: stripe.BalanceTransaction) -> Movement:
    """A balance transaction in our words."""
    return Movement(
        id=moved.id,
        kind=moved.type,
        source=id_of(moved.source),
        amount=moved.amount,
        fee=moved.fee,
        net=moved.net,
        currency=moved.currency.upper(),
        at=datetime.fromtimestamp(moved.created, UTC),
    )


def _event(event: stripe.Event, account: str | None) -> ProviderEvent:
    subject = getattr(event.data.object, "id", None) or ""  # a balance has no id
    return ProviderEvent(
        id=event.id, kind=event.type, subject=subject, account=getattr(event, "account", None) or account, at=event.created
    )
