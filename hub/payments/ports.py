"""What we ask of a payment provider, and the only three ways in which it may fail us."""

from collections.abc import Mapping
from typing import Protocol

from hub.payments.facts import (
    Abilities,
    AccountFacts,
    Captured,
    DisputeFacts,
    Funds,
    Movement,
    PaymentFacts,
    PayoutFacts,
    ProviderEvent,
    RefundFacts,
)


class InDoubt(Exception):
    """The call may or may not have acted (time-out after sending, 5xx, garbage). Ask again with the same key and parameters."""


class NotSent(Exception):
    """The call certainly did not act (no connection, rate limit). Ask again with the same key; `retry_after` in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotYet(NotSent):
    """Nothing failed: something of ours has to come first, which wakes the step. Not counted, however often it is looked at."""


class GatewayRefused(Exception):
    """A definite no: `code` is the provider's word (``card_declined``, ``balance_insufficient``). Final for this key."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class PaymentGateway(Protocol):
    """One payment provider. `key` is the frozen idempotency key of the step; amounts are minor units.

    Every method raises `InDoubt`, `NotSent` or `GatewayRefused` and nothing else. Each is safe to call again with
    the same key for as long as the provider remembers it (Stripe: a day); what would then act twice has a `find_…`.
    "Already done" answers are adopted by reading the object, never reported as refusals.
    """

    @property
    def name(self) -> str:
        """``stripe``, ``bank``: what stands in `payments.gateway` and in the account ``clearing:…``."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What may be asked of it."""
        ...

    @property
    def answers(self) -> bool:
        """Whether it has answered lately."""
        ...

    async def open_customer(self, key: str, *, customer_id: str) -> str:
        """Make a customer known, so that a payment method can be kept; the provider's id (``cus_…``). Needs the ability to save."""
        ...

    async def open_payment(  # noqa: PLR0913 - one payment, all by name
        self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str, customer: str | None = None, save: bool = False
    ) -> PaymentFacts:
        """Make the payment known to the provider without charging. `save` keeps the method for later use under `customer`."""
        ...

    async def authorize(self, key: str, reference: str) -> PaymentFacts:
        """Confirm an opened payment: held, or waiting for the buyer. A decline is `GatewayRefused`."""
        ...

    async def look_payment(self, reference: str) -> PaymentFacts:
        """How a payment stands now."""
        ...

    async def void(self, key: str, reference: str) -> None:
        """Give an authorization back, or close an opened payment so that no later authorize can succeed."""
        ...

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        """Take `amount` of what was authorized, once; the rest is released."""
        ...

    async def refund(self, key: str, *, charge: str, amount: int, currency: str, order_id: str) -> RefundFacts:
        """Give `amount` back to the buyer."""
        ...

    async def find_refund(self, key: str, *, charge: str) -> RefundFacts | None:
        """The refund made under `key`, however long ago. To be asked before `refund` is called again."""
        ...

    async def look_refund(self, reference: str) -> RefundFacts:
        """How a refund stands now."""
        ...

    async def transfer(self, key: str, *, charge: str | None, account: str, amount: int, currency: str, order_id: str) -> str:
        """Move money to a vendor's account: of a captured charge, or (`charge` None) of our available balance; the transfer's id."""
        ...

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        """The transfer made under `key`, however long ago. To be asked before `transfer` is called again."""
        ...

    async def reverse(self, key: str, *, transfer: str, amount: int, order_id: str) -> str:
        """Take `amount` of a transfer back, in the currency in which it was made; the reversal's id."""
        ...

    async def find_reversal(self, key: str, *, transfer: str) -> str | None:
        """The reversal made under `key`, however long ago. To be asked before `reverse` is called again."""
        ...

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        """A connected account for a vendor; its id (``acct_…``)."""
        ...

    async def look_account(self, account: str) -> AccountFacts:
        """How a vendor's account stands now: a transfer that would be refused spoils its key, so look first."""
        ...

    async def onboarding_link(self, account: str, *, back: str, again: str) -> str:
        """The address at which a vendor tells the provider who it is; `back` and `again` are where it leads afterwards."""
        ...

    async def funds(self, account: str | None = None) -> Mapping[str, Funds]:
        """A vendor's balance at the provider, or ours, by currency."""
        ...

    async def pay_out(self, key: str, *, account: str | None, amount: int, currency: str) -> PayoutFacts:
        """Send available money of a vendor's account, or of ours, to its bank."""
        ...

    async def find_payout(self, key: str, *, account: str | None) -> PayoutFacts | None:
        """The payout made under `key`, however long ago. To be asked before `pay_out` is called again."""
        ...

    async def look_payout(self, reference: str, *, account: str | None) -> PayoutFacts:
        """How a payout stands now."""
        ...

    async def look_dispute(self, reference: str) -> DisputeFacts:
        """How a dispute stands now."""
        ...

    async def movements(self, *, since: int, until: int, account: str | None = None) -> list[Movement]:
        """Every change of our balance, or of a vendor's, from one unix second to before another, oldest first."""
        ...

    async def events(self, *, since: int, accounts: bool = False) -> list[ProviderEvent]:
        """What happened from a unix second on, oldest first; with `accounts` what happened on vendors' accounts."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


Gateways = Mapping[str, PaymentGateway]
"""The providers by name."""
