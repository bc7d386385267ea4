"""The life of a transfer."""

from enum import StrEnum

from hub.kernel.machine import Machine


class TransferState(StrEnum):
    """Where money for a vendor's connected account stands."""

    HELD = "held"
    SENDING = "sending"
    TRANSFERRED = "transferred"
    EMPTY = "empty"


class TransferEvent(StrEnum):
    """What may happen to it."""

    RELEASE = "release"
    TRANSFER = "transfer"
    REFUSE = "refuse"
    EMPTY = "empty"


_S, _E = TransferState, TransferEvent

TRANSFER = Machine(
    "transfer",
    initial=_S.HELD,
    ends=frozenset({_S.TRANSFERRED, _S.EMPTY}),
    table={
        (_S.HELD, _E.RELEASE): _S.SENDING,
        (_S.HELD, _E.EMPTY): _S.EMPTY,
        (_S.SENDING, _E.TRANSFER): _S.TRANSFERRED,
        (_S.SENDING, _E.REFUSE): _S.HELD,
    },
)
"""``empty``: nothing was left, because it was refunded, netted or is kept as reserve. What a provider refuses stays held."""
