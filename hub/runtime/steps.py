"""The step: saga state and outbox in one row. A command is a row before it is a message and ends with a recorded answer.

``open → done | dead | canceled``. Claiming an open step counts the attempt and moves `due_at` ahead, which is its
lease: if nobody records an answer in time it is simply due again. Every time-out and timer of the hub is a `due_at`
or a `deadline` here, measured by PostgreSQL's clock.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.kernel.alarm import Alarms
from hub.runtime.claim import CLAIM
from hub.runtime.database import IdText, Tx, metadata

HUB_TARGET = "@hub"
"""Steps that a worker performs by itself (timers, gateway calls); other targets are vendors' codes."""


class StepState(StrEnum):
    """Where a step stands."""

    OPEN = "open"
    DONE = "done"
    DEAD = "dead"
    CANCELED = "canceled"


class Verdict(StrEnum):
    """What an answer amounts to."""

    OK = "ok"
    REFUSED = "refused"
    PENDING = "pending"
    DEAD = "dead"


steps = Table(
    "steps",
    metadata,
    Column("id", IdText, primary_key=True),
    Column("saga_id", IdText, nullable=False),
    Column("subject_id", IdText, nullable=False),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("undoes", IdText),
    Column("state", Text, nullable=False, server_default="open"),
    Column("verdict", Text),
    Column("reply", JSONB),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("redrive_seconds", Float, nullable=False),
    Column("waiting", Boolean, nullable=False, server_default="false"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("deadline", DateTime(timezone=True)),
    Column("alarm_at", DateTime(timezone=True)),
    Column("alarms", JSONB(none_as_null=True)),
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open','done','dead','canceled')", name="state"),
    CheckConstraint("state <> 'open' OR due_at IS NOT NULL", name="open_is_due"),
    Index("ix_steps_due", "target", "due_at", postgresql_where=text("state = 'open'")),
    Index("ix_steps_deadline", "deadline", postgresql_where=text("state = 'open' AND deadline IS NOT NULL")),
    Index("ix_steps_alarm_at", "alarm_at", postgresql_where=text("state = 'open' AND alarm_at IS NOT NULL")),
    Index("ix_steps_saga_id", "saga_id"),
    postgresql_with={"fillfactor": "70"},
)
"""`alarm_at` is the next moment at which something is to be done if the answer is still awaited; see `hub.runtime.alarms`."""


class NewStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step to be written. Durations in seconds from the transaction's time."""

    kind: str
    target: str
    saga_id: str
    subject_id: str
    payload: Any
    after: float = 0
    asked: bool = False
    """It takes the place of one that was asked and waits for something to happen: `wake` makes it due, unlike a planned moment."""
    deadline: float | None = None
    """A vendor's runs from the first sending: a broker that is away takes no time from it."""
    redrive: float = 20
    """First pause before the same command is sent again; doubles with each attempt up to six hours (the hub's own: five minutes).

    Long, because what the broker has stored is normally answered, and asking a busy vendor twice makes it busier; what
    it has not stored is sent again at once.
    """
    undoes: str | None = None
    waiting: bool = False
    """Nothing is to be sent: the answer comes by itself (a vendor without a spoke) or the deadline passes."""
    alarms: Alarms | None = None
    """What is to be done while the answer is awaited: they cost nothing where it comes in time."""
    id: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step as read."""

    id: str
    saga_id: str
    subject_id: str
    target: str
    kind: str
    payload: Any
    undoes: str | None
    state: str
    verdict: str | None
    attempt: int
    waiting: bool
    deadline: datetime | None
    correlation_id: str
    traceparent: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded answer. `reason` is a stable word; `data` what the answer carried; `at` when it was said, if it had to travel."""

    verdict: Verdict
    reason: str = ""
    detail: str = ""
    data: dict[str, Any] = {}
    at: datetime | None = None

    @classmethod
    def ok(cls, **data: Any) -> "Outcome":
        """It was done."""
        return cls(verdict=Verdict.OK, data=data)

    @classmethod
    def refused(cls, reason: str, detail: str = "") -> "Outcome":
        """A definite no; nothing was done."""
        return cls(verdict=Verdict.REFUSED, reason=reason, detail=detail)

    @classmethod
    def dead(cls, reason: str, detail: str = "") -> "Outcome":
        """Given up on; what was done is unknown."""
        return cls(verdict=Verdict.DEAD, reason=reason, detail=detail)


COLUMNS = [steps.c[name] for name in Step.__struct_fields__]


async def add(tx: Tx, *new: NewStep) -> list[str]:
    """Write steps; their ids. What is due is taken by this process itself if it acts on steps; else workers are woken after commit."""
    rows = [_row(tx, step) for step in new]
    for step, row in zip(new, rows, strict=True):
        due = step.after == 0 and not step.waiting
        if due and tx.taker is not None and tx.taker.takes(step.target):
            deadline = None if step.deadline is None else await tx.now() + timedelta(seconds=step.deadline)
            leased: dict[str, Any] = row | {"after": step.redrive, "deadline": deadline}
            del leased["within"]
            tx.put(_INSERT_TAKEN, leased)
            said = {name: leased[name] for name in Step.__struct_fields__ if name in leased}
            tx.taken.append(Step(**said, state=StepState.OPEN, verdict=None, attempt=1))
        else:
            tx.woken = tx.woken or due
            tx.put(_INSERT, row | {"attempt": int(step.asked)})
    return [row["id"] for row in rows]


def _seconds_from_now(name: str) -> Any:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam(name, type_=Float))


_DUE = insert(steps).values(due_at=_seconds_from_now("after"))
_INSERT = _DUE.values(deadline=_seconds_from_now("within"))
_INSERT_TAKEN = _DUE.values(attempt=1, sent_at=func.now())
"""As if claimed right after: leased for the first pause. The deadline runs from when the transaction began, so that it is known."""


def _row(tx: Tx, step: NewStep) -> dict[str, Any]:
    return {
        "id": step.id or tx.ids.new("cmd"),
        "saga_id": step.saga_id,
        "subject_id": step.subject_id,
        "target": step.target,
        "kind": step.kind,
        "payload": msgspec.to_builtins(step.payload),
        "undoes": step.undoes,
        "waiting": step.waiting,
        "redrive_seconds": step.redrive,
        "after": step.deadline if step.waiting and step.deadline is not None else step.after,
        "within": step.deadline,
        "alarm_at": step.alarms.alarms[0].at if step.alarms is not None and step.alarms.alarms else None,
        "alarms": None if step.alarms is None else msgspec.to_builtins(step.alarms),
        "correlation_id": tx.trace.correlation_id,
        "traceparent": tx.trace.traceparent,
    }


async def claim(tx: Tx, *, per_target: int, sending: bool, own: int | None = None) -> list[Step]:
    """Due steps, at most `per_target` of each target, each leased by moving its `due_at` ahead (no leader, no locks kept).

    With the broker away (`sending` is False) only what the hub does itself, so that no attempt is burned; of that at
    most `own` (None: as of any other).
    """
    return await tx.all(CLAIM, Step, {"per_target": per_target, "sending": sending, "own": per_target if own is None else own})


_ONE = select(*COLUMNS).where(steps.c.id == bindparam("step_id"))
_ONE_LOCKED = _ONE.with_for_update()


async def get(tx: Tx, step_id: str, *, lock: bool = False) -> Step | None:
    """One step, or None."""
    return await tx.one(_ONE_LOCKED if lock else _ONE, Step, {"step_id": step_id})


_OF_SAGA = select(*COLUMNS).where(steps.c.saga_id == bindparam("saga")).order_by(steps.c.id)


async def of_saga(tx: Tx, saga_id: str) -> list[Step]:
    """Every step of a saga, oldest first."""
    return await tx.all(_OF_SAGA, Step, {"saga": saga_id})


def ended(outcome: Outcome) -> StepState:
    """The state of a step that has ended so."""
    return StepState.DEAD if outcome.verdict is Verdict.DEAD else StepState.DONE


_OPEN = update(steps).where(steps.c.state == StepState.OPEN)
_END = _OPEN.where(steps.c.id == bindparam("step_id")).values(ended_at=func.now())


async def end(tx: Tx, step_id: str, outcome: Outcome) -> bool:
    """Record an answer if the step is still open; False if somebody already did (late and double answers end here)."""
    answer = {"state": ended(outcome), "verdict": outcome.verdict, "reply": msgspec.to_builtins(outcome)}
    return await tx.execute(_END, {"step_id": step_id, **answer}) == 1


_CANCEL = _OPEN.where(steps.c.saga_id == bindparam("saga")).values(state=StepState.CANCELED, ended_at=func.now())
_CANCEL_KINDS = _CANCEL.where(steps.c.kind.in_(bindparam("kinds", expanding=True)))
_CANCEL_KINDS_OF_SUBJECT = _CANCEL_KINDS.where(steps.c.subject_id == bindparam("subject"))
_CANCEL_UNSENT = _CANCEL.where(
    steps.c.kind == bindparam("of_kind"), steps.c.subject_id == bindparam("subject"), steps.c.attempt == 0, ~steps.c.waiting
)


async def cancel_open(tx: Tx, saga_id: str, *kinds: str, subject_id: str | None = None) -> None:
    """Withdraw open steps: nobody waits for their answer any more. What they may have done is undone by other steps."""
    values = {"saga": saga_id, "kinds": kinds}
    if subject_id is None:
        await tx.execute(_CANCEL_KINDS, values)
    else:
        await tx.execute(_CANCEL_KINDS_OF_SUBJECT, values | {"subject": subject_id})


async def withdraw_unsent(tx: Tx, saga_id: str, kind: str, subject_id: str) -> bool:
    """Withdraw an open step that nobody was sent yet; False if there is none, or if a worker was faster."""
    return await tx.execute(_CANCEL_UNSENT, {"saga": saga_id, "of_kind": kind, "subject": subject_id}) > 0


_WAKE = _OPEN.where(steps.c.saga_id == bindparam("saga"), steps.c.target == HUB_TARGET, steps.c.attempt > 0).values(due_at=func.now())


async def wake(tx: Tx, saga_id: str) -> None:
    """Make what the hub itself does for a saga due now: something has happened, so it is worth asking again."""
    tx.woken = await tx.execute(_WAKE, {"saga": saga_id}) > 0 or tx.woken
