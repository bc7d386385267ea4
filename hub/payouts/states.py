"""The life of a payout."""

from enum import StrEnum

from hub.kernel.machine import Machine


class PayoutState(StrEnum):
    """Where a payout stands; a paid one may still be returned by the bank."""

    REQUESTED = "requested"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class PayoutEvent(StrEnum):
    """What may happen to it."""

    SEND = "send"
    PAY = "pay"
    FAIL = "fail"
    CANCEL = "cancel"


_P, _PE = PayoutState, PayoutEvent

PAYOUT = Machine(
    "payout",
    initial=_P.REQUESTED,
    ends=frozenset({_P.FAILED, _P.CANCELED}),
    table={
        (_P.REQUESTED, _PE.SEND): _P.SENT,
        (_P.REQUESTED, _PE.FAIL): _P.FAILED,
        (_P.REQUESTED, _PE.CANCEL): _P.CANCELED,
        (_P.SENT, _PE.PAY): _P.PAID,
        (_P.SENT, _PE.FAIL): _P.FAILED,
        (_P.PAID, _PE.FAIL): _P.FAILED,
    },
)
"""``failed``: the money is in the vendor's account again, be it that it never left or that the bank returned it."""
