"""The lives of an expected payment and of an outgoing order."""

from enum import StrEnum

from hub.kernel.machine import Machine


class BankPaymentState(StrEnum):
    """Where a payment that a buyer sends by bank transfer stands."""

    OPEN = "open"
    """It has a reference, which nobody was told."""
    WAITING = "waiting"
    HELD = "held"
    """As much as was asked for has arrived."""
    CAPTURED = "captured"
    CLOSED = "closed"


class BankPaymentEvent(StrEnum):
    """What may happen to it."""

    EXPECT = "expect"
    FILL = "fill"
    CAPTURE = "capture"
    CLOSE = "close"


_P, _E = BankPaymentState, BankPaymentEvent

BANK_PAYMENT = Machine(
    "bank_payment",
    initial=_P.OPEN,
    ends=frozenset({_P.CAPTURED, _P.CLOSED}),
    table={
        (_P.OPEN, _E.EXPECT): _P.WAITING,
        (_P.OPEN, _E.FILL): _P.HELD,
        (_P.WAITING, _E.FILL): _P.HELD,
        (_P.HELD, _E.CAPTURE): _P.CAPTURED,
        **{(state, _E.CLOSE): _P.CLOSED for state in (_P.OPEN, _P.WAITING, _P.HELD)},
    },
)


class BankOrderState(StrEnum):
    """Where money that our bank is to send stands."""

    OPEN = "open"
    EXPORTED = "exported"
    EXECUTED = "executed"
    FAILED = "failed"


class BankOrderEvent(StrEnum):
    """What may happen to it."""

    EXPORT = "export"
    EXECUTE = "execute"
    FAIL = "fail"
    COME_BACK = "come_back"
    """The other bank did not want it."""


_O, _D = BankOrderState, BankOrderEvent

BANK_ORDER = Machine(
    "bank_order",
    initial=_O.OPEN,
    ends=frozenset({_O.FAILED}),
    table={
        (_O.OPEN, _D.EXPORT): _O.EXPORTED,
        **{(state, _D.EXECUTE): _O.EXECUTED for state in (_O.OPEN, _O.EXPORTED)},
        **{(state, _D.FAIL): _O.FAILED for state in (_O.OPEN, _O.EXPORTED)},
        (_O.EXECUTED, _D.COME_BACK): _O.FAILED,
    },
)
"""An executed order has come to its end unless the money comes back, which may be weeks later."""
