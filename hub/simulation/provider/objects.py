"""What the provider keeps: its objects as they stand now, each with the key under which it was made."""

from dataclasses import dataclass, field

from hub.payments.facts import DisputePhase, Movement, PaymentPhase, Settling
from hub.payments.ports import GatewayRefused
from hub.sandbox.cards import TestCard

INVALID = "invalid_request_error"
MISUSED = "idempotency_error"
UNEXPECTED = "payment_intent_unexpected_state"


class NotKept(GatewayRefused):
    """The request made no sense: nothing began, and nothing is remembered under its key."""


def missing(kind: str, reference: str) -> NotKept:
    """There is no such object."""
    return NotKept("resource_missing", f"No such {kind}: '{reference}'")


@dataclass(slots=True, eq=False)
class Payment:
    """An intent to pay. `received` is what is held, or was taken of it."""

    id: str
    key: str
    order_id: str
    amount: int
    currency: str
    method: str
    card: TestCard
    customer: str | None
    save: bool
    phase: PaymentPhase = PaymentPhase.OPEN
    received: int = 0
    capture_before: int | None = None
    reason: str = ""
    message: str = ""
    charge: "Charge | None" = None


@dataclass(slots=True, eq=False)
class Charge:
    """Money taken of a payment; `key` is the capture's. `transferred` is not lessened by reversals."""

    id: str
    key: str
    payment: Payment
    order_id: str
    amount: int
    fee: int
    currency: str
    available_on: int
    refunded: int = 0
    transferred: int = 0
    dispute: "Dispute | None" = None
    refunds: "list[Refund]" = field(default_factory=list["Refund"])


@dataclass(slots=True, eq=False)
class Refund:
    """Money on its way back to a buyer. `moved` is whether it ever left the balance."""

    id: str
    key: str
    charge: Charge
    order_id: str
    amount: int
    state: Settling = Settling.DONE
    reason: str = ""
    moved: bool = False


@dataclass(slots=True, eq=False)
class Transfer:
    """Money moved to a vendor's account, of a charge or (None) of the balance."""

    id: str
    key: str
    order_id: str
    charge: Charge | None
    account: str
    amount: int
    currency: str
    reversed: int = 0
    reversals: "list[Reversal]" = field(default_factory=list["Reversal"])


@dataclass(slots=True, eq=False)
class Reversal:
    """Money of a transfer taken back."""

    id: str
    key: str
    transfer: Transfer
    order_id: str
    amount: int


@dataclass(slots=True, eq=False)
class Account:
    """A vendor's connected account; `due` is what the provider still wants to know."""

    id: str
    key: str
    vendor: str
    name: str
    country: str
    ready: bool = False
    due: list[str] = field(default_factory=list[str])
    reason: str = ""


@dataclass(slots=True, eq=False)
class Payout:
    """Money on its way to a bank; `account` None is our own."""

    id: str
    key: str
    account: str | None
    amount: int
    currency: str
    arrives: int
    state: Settling = Settling.PENDING
    reason: str = ""


@dataclass(slots=True, eq=False)
class Dispute:
    """A charge that the buyer's bank takes back; `movements` are what it took from us and gave back."""

    id: str
    charge: Charge
    amount: int
    reason: str
    phase: DisputePhase
    due: int
    refundable: bool
    movements: list[Movement] = field(default_factory=list[Movement])
