"""`PaymentGateway` on the simulated provider: one per process, with what Stripe's gateway adds to what Stripe does."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hub.payments.facts import (
    Abilities,
    AccountFacts,
    Captured,
    DisputeFacts,
    Funds,
    Movement,
    PaymentFacts,
    PaymentPhase,
    PayoutFacts,
    ProviderEvent,
    RefundFacts,
)
from hub.payments.ports import GatewayRefused
from hub.simulation.process import Process
from hub.simulation.provider.calls import Calls
from hub.simulation.provider.objects import MISUSED
from hub.simulation.provider.server import Provider

T = TypeVar("T")

ABILITIES = Abilities(holds=True, online=True, accounts=True, disputes=True, saves=True)
LATENCY = 0.05
PATIENCE = 20.0
"""Seconds after which a caller gives up, as Stripe's gateway does."""

DECLINED = "card_declined"
TAKEN = "already_captured"


class SimulatedGateway:
    """What a process has of the provider: lost with the process. A refusal is believed only after a look, as in Stripe's gateway."""

    def __init__(
        self, provider: Provider, process: Process, name: str = "stripe", *, latency: float = LATENCY, patience: float = PATIENCE
    ) -> None:
        self._provider = provider
        self._name = name
        self._calls = Calls(provider, process, latency, patience)

    @property
    def name(self) -> str:
        """What stands in `payments.gateway`."""
        return self._name

    @property
    def abilities(self) -> Abilities:
        """All of them."""
        return ABILITIES

    @property
    def answers(self) -> bool:
        """Until the circuit opens."""
        return not self._calls.open

    async def open_customer(self, key: str, *, customer_id: str) -> str:
        provider = self._provider
        return await self._calls.do("provider.open_customer", provider.once, key, provider.create_customer, key, customer_id)

    async def open_payment(  # noqa: PLR0913  # one payment, all by name
        self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str, customer: str | None = None, save: bool = False
    ) -> PaymentFacts:
        provider = self._provider
        asked = (key, order_id, amount, currency, payment_method, customer, save)
        return await self._calls.do("provider.open_payment", provider.once, key, provider.create_payment, *asked)

    async def authorize(self, key: str, reference: str) -> PaymentFacts:
        return await self._calls.do("provider.authorize", self._authorize, key, reference)

    async def look_payment(self, reference: str) -> PaymentFacts:
        return await self._calls.look("provider.look_payment", self._facts, reference)

    async def void(self, key: str, reference: str) -> None:
        await self._calls.do("provider.void", self._void, key, reference)

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        return await self._calls.do("provider.capture", self._capture, key, reference, amount)

    async def refund(self, key: str, *, charge: str, amount: int, currency: str, order_id: str) -> RefundFacts:
        del currency
        provider = self._provider
        asked = (provider.create_refund, key, charge, amount, order_id)
        return await self._calls.do("provider.refund", self._adopt, key, lambda: provider.find_refund(key, charge), *asked)

    async def find_refund(self, key: str, *, charge: str) -> RefundFacts | None:
        return await self._calls.find("provider.find_refund", self._provider.find_refund, key, charge)

    async def look_refund(self, reference: str) -> RefundFacts:
        return await self._calls.look("provider.look_refund", self._provider.look_refund, reference)

    async def transfer(  # one transfer, all by name
        self, key: str, *, charge: str | None, account: str, amount: int, currency: str, order_id: str
    ) -> str:
        provider = self._provider
        asked = (provider.create_transfer, key, charge, account, amount, currency, order_id)
        return await self._calls.do("provider.transfer", self._adopt, key, lambda: provider.find_transfer(key, order_id), *asked)

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        return await self._calls.find("provider.find_transfer", self._provider.find_transfer, key, order_id)

    async def reverse(self, key: str, *, transfer: str, amount: int, order_id: str) -> str:
        provider = self._provider
        asked = (provider.create_reversal, key, transfer, amount, order_id)
        return await self._calls.do("provider.reverse", self._adopt, key, lambda: provider.find_reversal(key, transfer), *asked)

    async def find_reversal(self, key: str, *, transfer: str) -> str | None:
        return await self._calls.find("provider.find_reversal", self._provider.find_reversal, key, transfer)

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        provider = self._provider
        return await self._calls.do("provider.open_account", provider.once, key, provider.create_account, key, vendor, name, country)

    async def look_account(self, account: str) -> AccountFacts:
        return await self._calls.look("provider.look_account", self._provider.look_account, account)

    async def onboarding_link(self, account: str, *, back: str, again: str) -> str:
        del back, again
        return await self._calls.look("provider.onboarding_link", self._provider.onboarding_link, account)

    async def funds(self, account: str | None = None) -> Mapping[str, Funds]:
        return await self._calls.look("provider.funds", self._provider.funds, account)

    async def pay_out(self, key: str, *, account: str | None, amount: int, currency: str) -> PayoutFacts:
        provider = self._provider
        asked = (provider.create_payout, key, account, amount, currency)
        return await self._calls.do(
            "provider.pay_out", self._adopt, f"{account or ''}:{key}", lambda: provider.find_payout(key, account), *asked
        )

    async def find_payout(self, key: str, *, account: str | None) -> PayoutFacts | None:
        return await self._calls.find("provider.find_payout", self._provider.find_payout, key, account)

    async def look_payout(self, reference: str, *, account: str | None) -> PayoutFacts:
        return await self._calls.look("provider.look_payout", self._provider.look_payout, reference, account)

    async def look_dispute(self, reference: str) -> DisputeFacts:
        return await self._calls.look("provider.look_dispute", self._provider.look_dispute, reference)

    async def movements(self, *, since: int, until: int, account: str | None = None) -> list[Movement]:
        return await self._calls.look("provider.movements", self._provider.movements, account, since=since, until=until)

    async def events(self, *, since: int, accounts: bool = False) -> list[ProviderEvent]:
        return await self._calls.look("provider.events", self._provider.events, since=since, accounts=accounts)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _adopt(self, key: str, look: Callable[[], T | None], act: Callable[..., T], *args: Any) -> T:
        """Act once; if that is refused, take what was made under the key before."""
        try:
            return self._provider.once(key, act, *args)
        except GatewayRefused as no:
            found = None if no.code == MISUSED else look()
            if found is None:
                raise
            return found

    def _facts(self, reference: str) -> PaymentFacts:
        return self._provider.facts(self._provider.payment(reference))

    def _authorize(self, key: str, reference: str) -> PaymentFacts:
        provider = self._provider
        try:
            facts = provider.once(key, provider.confirm_payment, reference)
        except GatewayRefused as no:
            if no.code == MISUSED:
                raise
            facts = self._facts(reference)
            if facts.phase in {PaymentPhase.OPEN, PaymentPhase.CLOSED}:
                raise
        if facts.phase is PaymentPhase.WAITING:  # what was said under the key may be old by now
            facts = self._facts(reference)
        if facts.phase in {PaymentPhase.DECLINED, PaymentPhase.CLOSED}:
            raise GatewayRefused(facts.reason or DECLINED, provider.payment(reference).message or f"the payment is {facts.phase}")
        return facts

    def _void(self, key: str, reference: str) -> None:
        provider = self._provider
        try:
            provider.once(key, provider.cancel_payment, reference)
        except GatewayRefused as no:
            phase = None if no.code == MISUSED else provider.payment(reference).phase
            if phase is PaymentPhase.CAPTURED:
                raise GatewayRefused(TAKEN, "the payment was captured and can only be refunded") from no
            if phase is not PaymentPhase.CLOSED:
                raise

    def _capture(self, key: str, reference: str, amount: int) -> Captured:
        provider = self._provider
        try:
            return provider.once(key, provider.capture_payment, key, reference, amount)
        except GatewayRefused as no:
            charge = None if no.code == MISUSED else provider.payment(reference).charge
            if charge is None:
                raise
            if charge.amount != amount:
                raise GatewayRefused(TAKEN, f"{charge.amount} was captured instead of {amount}") from no
            return Captured(reference=reference, charge=charge.id, amount=amount, fee=charge.fee)
