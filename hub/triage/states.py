"""The life of a plan by which many dead letters are replayed."""

from enum import StrEnum

from hub.kernel.machine import Machine


class PlanState(StrEnum):
    """Where a plan stands."""

    PREVIEWED = "previewed"
    """Its set is frozen, and nothing is sent yet."""
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    ABORTED = "aborted"


class PlanEvent(StrEnum):
    """What may happen to it."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    FINISH = "finish"


class ItemState(StrEnum):
    """What became of one letter of a plan."""

    WAITING = "waiting"
    SENT = "sent"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


_S, _E = PlanState, PlanEvent

PLAN = Machine(
    "plan",
    initial=_S.PREVIEWED,
    ends=frozenset({_S.DONE, _S.ABORTED}),
    table={
        (_S.PREVIEWED, _E.START): _S.RUNNING,
        (_S.PREVIEWED, _E.ABORT): _S.ABORTED,
        (_S.RUNNING, _E.PAUSE): _S.PAUSED,
        (_S.RUNNING, _E.ABORT): _S.ABORTED,
        (_S.RUNNING, _E.FINISH): _S.DONE,
        (_S.PAUSED, _E.RESUME): _S.RUNNING,
        (_S.PAUSED, _E.ABORT): _S.ABORTED,
    },
)
