"""The step: saga state and outbox in one row. A command is a row before it is a message and ends with a recorded answer.

``open → done | dead | canceled``. Claiming an open step counts the attempt and moves `due_at` ahead, which is its
lease: if nobody records an answer in time it is simply due again. Every time-out and timer of the hub is a `due_at`
or a `deadline` here, measured by PostgreSQL's clock.
"""

from datetime import datetime
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
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

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
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open','done','dead','canceled')", name="state"),
    CheckConstraint("state <> 'open' OR due_at IS NOT NULL", name="open_is_due"),
    Index("ix_steps_due", "target", "due_at", postgresql_where=text("state = 'open'")),
    Index("ix_steps_deadline", "deadline", postgresql_where=text("state = 'open' AND deadline IS NOT NULL")),
    Index("ix_steps_saga_id", "saga_id"),
    postgresql_with={"fillfactor": "70"},
)


class NewStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step to be written. Durations in seconds from the transaction's time."""

    kind: str
    target: str
    saga_id: str
    subject_id: str
    payload: Any
    after: float = 0
    deadline: float | None = None
    """A vendor's runs from the first sending: a broker that is away takes no time from it."""
    redrive: float = 20
    """First pause before the same command is sent again; doubles with each attempt up to five minutes.

    Long, because what the broker has stored is normally answered, and asking a busy vendor twice makes it busier; what
    it has not stored is sent again at once.
    """
    undoes: str | None = None
    waiting: bool = False
    """Nothing is to be sent: the answer comes by itself (a vendor without a spoke) or the deadline passes."""
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
    """A recorded answer. `reason` is a stable word; `data` what the answer carried."""

    verdict: Verdict
    reason: str = ""
    detail: str = ""
    data: dict[str, Any] = {}

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


_COLUMNS = [steps.c[name] for name in Step.__struct_fields__]


async def add(tx: Tx, *new: NewStep) -> list[str]:
    """Write steps; their ids. Workers are woken after commit if any is due."""
    if not new:
        return []
    rows = [_row(tx, step) for step in new]
    tx.woken = tx.woken or any(step.after == 0 and not step.waiting for step in new)
    await tx.execute(_INSERT, rows)
    return [row["id"] for row in rows]


def _seconds_from_now(name: str) -> Any:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam(name, type_=Float))


_INSERT = insert(steps).values(due_at=_seconds_from_now("after"), deadline=_seconds_from_now("within"))


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
        "correlation_id": tx.trace.correlation_id,
        "traceparent": tx.trace.traceparent,
    }


CLAIM = text("""
WITH RECURSIVE waiting(target) AS (
    (SELECT target FROM steps WHERE state = 'open' ORDER BY target LIMIT 1)
    UNION ALL
    SELECT (SELECT s.target FROM steps s WHERE s.state = 'open' AND s.target > w.target ORDER BY s.target LIMIT 1)
    FROM waiting w WHERE w.target IS NOT NULL
), due AS (
    SELECT claimed.id FROM waiting w
    CROSS JOIN LATERAL (
        SELECT s.id FROM steps s
        WHERE s.state = 'open' AND s.target = w.target AND s.due_at <= now() AND NOT s.waiting
        ORDER BY s.due_at LIMIT :per_target FOR UPDATE SKIP LOCKED
    ) claimed
    WHERE :sending AND w.target <> '@hub'
), own AS (
    SELECT s.id FROM steps s
    WHERE s.state = 'open' AND s.target = '@hub' AND s.due_at <= now() AND NOT s.waiting
    ORDER BY s.due_at LIMIT :own FOR UPDATE SKIP LOCKED
)
UPDATE steps SET
    attempt = attempt + 1,
    sent_at = now(),
    deadline = CASE WHEN attempt = 0 AND target <> '@hub' THEN now() + (deadline - created_at) ELSE deadline END,
    due_at = now() + make_interval(secs => least(300, redrive_seconds * power(2, least(attempt, 10))) * (0.9 + 0.2 * random()))
FROM (SELECT id FROM due UNION ALL SELECT id FROM own) claimed WHERE steps.id = claimed.id
RETURNING steps.id, saga_id, subject_id, target, kind, payload, undoes, state, verdict, attempt, waiting, deadline,
    correlation_id, traceparent
""")


async def claim(tx: Tx, *, per_target: int, sending: bool, own: int | None = None) -> list[Step]:
    """Due steps, at most `per_target` of each target, each leased by moving its `due_at` ahead (no leader, no locks kept).

    With the broker away (`sending` is False) only what the hub does itself, so that no attempt is burned; of that at
    most `own` (None: as of any other).
    """
    return await tx.all(CLAIM.bindparams(per_target=per_target, sending=sending, own=per_target if own is None else own), Step)


async def get(tx: Tx, step_id: str, *, lock: bool = False) -> Step | None:
    """One step, or None."""
    query = select(*_COLUMNS).where(steps.c.id == step_id)
    return await tx.one(query.with_for_update() if lock else query, Step)


async def of_saga(tx: Tx, saga_id: str) -> list[Step]:
    """Every step of a saga, oldest first."""
    return await tx.all(select(*_COLUMNS).where(steps.c.saga_id == saga_id).order_by(steps.c.id), Step)


async def end(tx: Tx, step_id: str, outcome: Outcome) -> bool:
    """Record an answer if the step is still open; False if somebody already did (late and double answers end here)."""
    state = StepState.DEAD if outcome.verdict is Verdict.DEAD else StepState.DONE
    return (
        await tx.execute(
            update(steps)
            .where(steps.c.id == step_id, steps.c.state == StepState.OPEN)
            .values(state=state, verdict=outcome.verdict, reply=msgspec.to_builtins(outcome), ended_at=func.now())
        )
        == 1
    )


async def cancel_open(tx: Tx, saga_id: str, *kinds: str, subject_id: str | None = None) -> None:
    """Withdraw open steps: nobody waits for their answer any more. What they may have done is undone by other steps."""
    where = [steps.c.saga_id == saga_id, steps.c.state == StepState.OPEN, steps.c.kind.in_(kinds)]
    if subject_id is not None:
        where.append(steps.c.subject_id == subject_id)
    await tx.execute(update(steps).where(*where).values(state=StepState.CANCELED, ended_at=func.now()))


async def withdraw_unsent(tx: Tx, saga_id: str, kind: str, subject_id: str) -> bool:
    """Withdraw an open step that nobody was sent yet; False if there is none, or if a worker was faster."""
    t = steps.c
    unsent = (t.saga_id == saga_id, t.kind == kind, t.subject_id == subject_id, t.state == StepState.OPEN, t.attempt == 0, ~t.waiting)
    return await tx.execute(update(steps).where(*unsent).values(state=StepState.CANCELED, ended_at=func.now())) > 0


async def wake(tx: Tx, saga_id: str) -> None:
    """Make what the hub itself does for a saga due now: something has happened, so it is worth asking again."""
    t = steps.c
    mine = (t.saga_id == saga_id, t.target == HUB_TARGET, t.state == StepState.OPEN, t.attempt > 0)
    tx.woken = await tx.execute(update(steps).where(*mine).values(due_at=func.now())) > 0 or tx.woken


async def retry_in(tx: Tx, step_id: str, seconds: float, *, even_if_due: bool = False, pending: bool = False) -> None:
    """Make an open step due again in `seconds`, without waiting for its lease to end; what was woken meanwhile stays due.

    Attempts go on: a vendor tells by them asking anew from hearing twice. `pending`: it was answered, only not for good.
    """
    t = steps.c
    mine = (t.id == step_id, t.state == StepState.OPEN, literal(even_if_due) | (t.due_at > func.now()))
    verdict = {"verdict": Verdict.PENDING} if pending else {}
    await tx.execute(update(steps).where(*mine).values(due_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds), **verdict))


async def overdue(tx: Tx, *, limit: int, attempts_max: int, hearing: bool = True) -> list[Step]:
    """Open steps past their deadline, or without one and out of attempts. Nothing is locked: ending them decides who was first.

    What nobody was sent yet is not late. With `hearing` False only what no message could still answer.
    """
    t = steps.c
    late = t.deadline <= func.now()
    unheard = (t.target == HUB_TARGET) | t.waiting
    silent = late & (unheard | (t.attempt > 0) if hearing else unheard)
    out_of_attempts = t.deadline.is_(None) & (t.attempt >= attempts_max) & (t.due_at <= func.now())
    query = select(*_COLUMNS).where(t.state == StepState.OPEN, silent | out_of_attempts).order_by(steps.c.due_at).limit(limit)
    return await tx.all(query, Step)
