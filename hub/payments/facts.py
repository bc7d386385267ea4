"""What a provider says: how payments, refunds, payouts, accounts and disputes stand, what moved, what happened."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can do for us; what it cannot, nobody asks of it."""

    holds: bool
    """Money can be held and taken later, in part; else the buyer sends it first and what was not used goes back."""
    online: bool
    """It answers by itself; else an operator or a bank file says what happened."""
    accounts: bool
    """It keeps accounts of vendors, which it pays out to their banks."""
    disputes: bool
    """The buyer's bank may take the money back."""
    saves: bool = False
    """A customer may leave a payment method there for later."""


class PaymentPhase(StrEnum):
    """How the provider says a payment stands."""

    OPEN = "open"
    """Known, not confirmed."""
    WAITING = "waiting"
    """It waits for the buyer (3-D Secure, a bank transfer) or for a bank; `action` tells the buyer what to do."""
    HELD = "held"
    CAPTURED = "captured"
    DECLINED = "declined"
    CLOSED = "closed"


class PaymentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the provider has it; amounts in minor units. `charge` (``ch_…``) is what refunds and transfers draw on."""

    reference: str
    phase: PaymentPhase
    received: int = 0
    charge: str | None = None
    capture_before: int | None = None
    """The unix second after which a hold is gone, if the provider says."""
    action: dict[str, Any] | None = None
    """What the buyer needs to go on: for the buyer alone, never logged."""
    reason: str = ""

    def __repr__(self) -> str:
        """Without the action, which may hold a secret."""
        shown = ((name, getattr(self, name)) for name in self.__struct_fields__ if name != "action")
        return f"PaymentFacts({', '.join(f'{name}={value!r}' for name, value in shown)})"


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """Money taken. `fee` is what the provider kept, in minor units."""

    reference: str
    charge: str
    amount: int
    fee: int


class Settling(StrEnum):
    """How a refund or payout stands at the provider."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class RefundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as the provider has it; a done one may still fail, weeks later."""

    reference: str
    state: Settling
    amount: int
    currency: str
    charge: str | None = None
    key: str | None = None
    """The key under which we made it; None if somebody else did."""
    reason: str = ""
    moved: bool = False
    """Whether it has moved money at the provider: if it then failed, there and back."""


class PayoutFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A payout to a bank; a done one may still be returned. `arrives` is the provider's estimate, a unix second."""

    reference: str
    state: Settling
    amount: int
    currency: str
    account: str | None = None
    key: str | None = None
    arrives: int | None = None
    reason: str = ""


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's connected account; `due` names what the provider still wants to know."""

    account: str
    may_receive: bool
    may_pay_out: bool
    due: list[str] = []
    reason: str = ""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a balance at the provider (a balance transaction): `net` = `amount` - `fee`, signed, minor units."""

    id: str
    kind: str
    source: str | None
    amount: int
    fee: int
    net: int
    currency: str
    at: datetime


class DisputePhase(StrEnum):
    """How a dispute stands."""

    INQUIRY = "inquiry"
    """Only a question so far: no money was taken."""
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class DisputeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the provider has it; `movements` are what it took from and gave back to our balance."""

    reference: str
    charge: str
    phase: DisputePhase
    amount: int
    currency: str
    reason: str = ""
    evidence_due: int | None = None
    movements: list[Movement] = []


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """That something happened: a hint to look at `subject` again, never the truth itself. `account` is the vendor's, if one's."""

    id: str
    kind: str
    subject: str
    account: str | None
    at: int


class Funds(msgspec.Struct, frozen=True, kw_only=True):
    """A balance in one currency, minor units: what may be paid out now, and what is not available yet."""

    available: int
    pending: int
