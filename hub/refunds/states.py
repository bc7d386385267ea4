"""The lives of a refund, a reversal and a dispute."""

from enum import StrEnum

from hub.kernel.machine import Machine


class RefundState(StrEnum):
    """Where money on its way back to the buyer stands."""

    REQUESTED = "requested"
    """It waits until a transfer that is just being sent has arrived."""
    GATHERING = "gathering"
    """Transferred money is being taken back."""
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The buyer's bank refuses it: the money is still with us and still the buyer's."""
    DISPUTED = "disputed"
    """What it would have given back, the buyer's bank took by dispute."""


class RefundEvent(StrEnum):
    """What may happen to it."""

    GATHER = "gather"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"
    DISPUTE = "dispute"


_R, _E = RefundState, RefundEvent

REFUND = Machine(
    "refund",
    initial=_R.REQUESTED,
    ends=frozenset({_R.DISPUTED}),
    table={
        (_R.REQUESTED, _E.GATHER): _R.GATHERING,
        **{(state, _E.SEND): _R.SENDING for state in (_R.REQUESTED, _R.GATHERING)},
        **{(state, _E.SUCCEED): _R.SUCCEEDED for state in (_R.REQUESTED, _R.GATHERING, _R.SENDING, _R.FAILED)},
        **{(state, _E.FAIL): _R.FAILED for state in (_R.SENDING, _R.SUCCEEDED)},
        (_R.FAILED, _E.RETRY): _R.SENDING,
        **{(state, _E.DISPUTE): _R.DISPUTED for state in (_R.REQUESTED, _R.GATHERING, _R.FAILED)},
    },
)


class ReversalState(StrEnum):
    """Where transferred money that is being taken back stands."""

    SENDING = "sending"
    REVERSED = "reversed"
    REFUSED = "refused"


class ReversalEvent(StrEnum):
    """What may happen to it."""

    REVERSE = "reverse"
    REFUSE = "refuse"


REVERSAL = Machine(
    "reversal",
    initial=ReversalState.SENDING,
    ends=frozenset({ReversalState.REVERSED, ReversalState.REFUSED}),
    table={
        (ReversalState.SENDING, ReversalEvent.REVERSE): ReversalState.REVERSED,
        (ReversalState.SENDING, ReversalEvent.REFUSE): ReversalState.REFUSED,
    },
)


class DisputeState(StrEnum):
    """Where money that the buyer's bank contests stands."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class DisputeEvent(StrEnum):
    """What may happen to it."""

    CONTEST = "contest"
    WIN = "win"
    LOSE = "lose"


_D, _DE = DisputeState, DisputeEvent

DISPUTE = Machine(
    "dispute",
    initial=_D.INQUIRY,
    ends=frozenset({_D.WON}),
    table={
        (_D.INQUIRY, _DE.CONTEST): _D.OPEN,
        **{(state, _DE.WIN): _D.WON for state in (_D.INQUIRY, _D.OPEN, _D.LOST)},
        (_D.OPEN, _DE.LOSE): _D.LOST,
    },
)
