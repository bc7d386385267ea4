"""The life of a payment."""

from enum import StrEnum

from hub.kernel.machine import Machine


class PaymentState(StrEnum):
    """Where the buyer's payment stands."""

    PENDING = "pending"
    WAITING = "waiting"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"


class PaymentEvent(StrEnum):
    """What may happen to it."""

    WAIT = "wait"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    DECLINE = "decline"
    VOID = "void"


_P, _E = PaymentState, PaymentEvent

PAYMENT = Machine(
    "payment",
    initial=_P.PENDING,
    ends=frozenset({_P.CAPTURED, _P.DECLINED, _P.VOIDED}),
    table={
        (_P.PENDING, _E.WAIT): _P.WAITING,
        **{(state, _E.AUTHORIZE): _P.AUTHORIZED for state in (_P.PENDING, _P.WAITING)},
        **{(state, _E.DECLINE): _P.DECLINED for state in (_P.PENDING, _P.WAITING)},
        **{(state, _E.VOID): _P.VOIDED for state in (_P.PENDING, _P.WAITING)},
        (_P.AUTHORIZED, _E.CAPTURE): _P.CAPTURED,
        (_P.AUTHORIZED, _E.VOID): _P.VOIDED,
    },
)


OPEN = frozenset({PaymentState.PENDING, PaymentState.WAITING, PaymentState.AUTHORIZED})
"""A payment that may still take the buyer's money, or hold it."""

STRIPE = "stripe"
BANK = "bank"
BANK_TRANSFER = "bank_transfer"
"""The payment method that goes through the bank's gateway; all others are Stripe's."""


def gateway_of(method: str) -> str:
    """Which provider a payment method belongs to."""
    return BANK if method == BANK_TRANSFER else STRIPE
