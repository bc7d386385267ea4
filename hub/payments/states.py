"""The lives of a payment and of a refund."""

from enum import StrEnum

from hub.kernel.machine import Machine


class PaymentState(StrEnum):
    """Where the buyer's payment stands."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"


class PaymentEvent(StrEnum):
    """What may happen to it."""

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
        (_P.PENDING, _E.AUTHORIZE): _P.AUTHORIZED,
        (_P.PENDING, _E.DECLINE): _P.DECLINED,
        (_P.PENDING, _E.VOID): _P.VOIDED,
        (_P.AUTHORIZED, _E.CAPTURE): _P.CAPTURED,
        (_P.AUTHORIZED, _E.VOID): _P.VOIDED,
    },
)


class RefundState(StrEnum):
    """Where money on its way back to the buyer stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundEvent(StrEnum):
    """What may happen to it."""

    SUCCEED = "succeed"
    FAIL = "fail"


REFUND = Machine(
    "refund",
    initial=RefundState.PENDING,
    ends=frozenset({RefundState.SUCCEEDED, RefundState.FAILED}),
    table={
        (RefundState.PENDING, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.PENDING, RefundEvent.FAIL): RefundState.FAILED,
    },
)
