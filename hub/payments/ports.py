"""What we ask of a payment provider, and the only three ways in which it may fail us."""

from typing import Protocol

import msgspec


class InDoubt(Exception):
    """The call may or may not have acted (time-out after sending, 5xx, garbage). Ask again with the same key and parameters."""


class NotSent(Exception):
    """The call certainly did not act (no connection, rate limit). Ask again with the same key; `retry_after` in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class GatewayRefused(Exception):
    """A definite no: `code` is the provider's word (``card_declined``, ``balance_insufficient``). Final for this key."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A payment the provider knows but has not charged. `reference` is the provider's id (``pi_…``)."""

    reference: str


class Authorized(msgspec.Struct, frozen=True, kw_only=True):
    """Money held for us. `capture_before` is the unix second after which the hold is gone, if the provider says."""

    reference: str
    capture_before: int | None = None


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """Money taken. `charge` (``ch_…``) is what transfers draw on; `fee` is the provider's, in minor units."""

    reference: str
    charge: str
    amount: int
    fee: int


class PaymentGateway(Protocol):
    """One payment provider. `key` is the frozen idempotency key of the step; amounts are minor units.

    Every method raises `InDoubt`, `NotSent` or `GatewayRefused` and nothing else. Each is safe to call again with
    the same key for as long as the provider remembers it (Stripe: a day); what would then act twice has a `find_…`.
    "Already done" answers are adopted by reading the object, never reported as refusals.
    """

    async def open_payment(self, key: str, *, order_id: str, amount: int, currency: str, payment_method: str) -> Opened:
        """Make the payment known to the provider without charging: manual capture, not confirmed."""
        ...

    async def authorize(self, key: str, reference: str) -> Authorized:
        """Confirm an opened payment. A decline is `GatewayRefused`."""
        ...

    async def void(self, key: str, reference: str) -> None:
        """Give an authorization back, or close an opened payment so that no later authorize can succeed."""
        ...

    async def capture(self, key: str, reference: str, amount: int) -> Captured:
        """Take `amount` of what was authorized, once; the rest is released."""
        ...

    async def refund(self, key: str, *, charge: str, amount: int, order_id: str) -> str:
        """Give `amount` back to the buyer; the provider's refund id."""
        ...

    async def find_refund(self, key: str, *, charge: str) -> str | None:
        """The refund made under `key`, however long ago. To be asked before `refund` is called again."""
        ...

    async def find_transfer(self, key: str, *, order_id: str) -> str | None:
        """The transfer made under `key`, however long ago. To be asked before `transfer` is called again."""
        ...

    async def transfer(self, key: str, *, charge: str, account: str, amount: int, currency: str, order_id: str) -> str:
        """Move a vendor's share of a captured charge to its connected account; the provider's transfer id."""
        ...

    async def may_receive(self, account: str) -> bool:
        """Whether transfers to a connected account are possible now; a refused one would spoil its key."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...

    async def open_account(self, key: str, *, vendor: str, name: str, country: str) -> str:
        """A connected account for a vendor; its id (``acct_…``)."""
        ...
