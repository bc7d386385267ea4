"""The life of a dead letter."""

from enum import StrEnum

from hub.kernel.machine import Machine


class LetterState(StrEnum):
    """Where the mending of a failure stands."""

    OPEN = "open"
    REPLAYING = "replaying"
    """It was sent again; how it ends follows from what it is about."""
    RESOLVED = "resolved"
    DISCARDED = "discarded"
    """Not to be replayed any more; its compensation runs in a while, unless it is restored before."""
    COMPENSATED = "compensated"
    """What makes up for it is done."""


class LetterEvent(StrEnum):
    """What may happen to it."""

    REPLAY = "replay"
    FAIL = "fail"
    """The same has failed again."""
    RESOLVE = "resolve"
    DISCARD = "discard"
    RESTORE = "restore"
    COMPENSATE = "compensate"


_S, _E = LetterState, LetterEvent

LETTER = Machine(
    "letter",
    initial=_S.OPEN,
    ends=frozenset({_S.COMPENSATED}),
    table={
        (_S.OPEN, _E.REPLAY): _S.REPLAYING,
        (_S.REPLAYING, _E.FAIL): _S.OPEN,
        (_S.RESOLVED, _E.FAIL): _S.OPEN,
        (_S.OPEN, _E.RESOLVE): _S.RESOLVED,
        (_S.REPLAYING, _E.RESOLVE): _S.RESOLVED,
        (_S.OPEN, _E.DISCARD): _S.DISCARDED,
        (_S.DISCARDED, _E.RESTORE): _S.OPEN,
        (_S.DISCARDED, _E.COMPENSATE): _S.COMPENSATED,
    },
)
