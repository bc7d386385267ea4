"""The life of a transfer."""

from enum import StrEnum

from hub.kernel.machine import Machine


class TransferState(StrEnum):
    """Where a vendor's share stands."""

    HELD = "held"
    TRANSFERRED = "transferred"
    FAILED = "failed"


class TransferEvent(StrEnum):
    """What may happen to it."""

    TRANSFER = "transfer"
    FAIL = "fail"


TRANSFER = Machine(
    "transfer",
    initial=TransferState.HELD,
    ends=frozenset({TransferState.TRANSFERRED, TransferState.FAILED}),
    table={
        (TransferState.HELD, TransferEvent.TRANSFER): TransferState.TRANSFERRED,
        (TransferState.HELD, TransferEvent.FAIL): TransferState.FAILED,
    },
)
