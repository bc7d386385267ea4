"""The only reader and writer of runs: asked for once, worked on by one, tried again until they are done."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.kernel.errors import NotFound
from hub.reconcile.report import Report
from hub.reconcile.tables import runs
from hub.runtime.database import Tx

REQUESTED, RUNNING, FAILED, DONE = "requested", "running", "failed", "done"
LEASE = timedelta(minutes=5)
"""A run whose worker has not been heard of for so long is somebody else's."""
AGAIN_MAX = timedelta(hours=1)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One reconciliation; `report` is there once it is ``done``, `reason` says why it ``failed`` the last time."""

    id: str
    since: datetime
    until: datetime
    slot: str | None
    asked_by: str
    standing: str
    attempts: int
    reason: str
    created_at: datetime
    finished_at: datetime | None
    report: Report | None


class Lost(Exception):
    """The run has become another worker's."""


_COLUMNS = [runs.c[name] for name in Run.__struct_fields__]


async def now(tx: Tx) -> datetime:
    """The database's time, by which the books are dated."""
    return await tx.scalar(select(func.now()))


async def ask(tx: Tx, since: datetime, until: datetime, *, slot: str | None = None) -> str | None:
    """A run over ``since <= t < until``; its id, or None if that slot has one."""
    run_id = tx.ids.new("rec")
    values = {"id": run_id, "since": since, "until": until, "slot": slot, "asked_by": str(tx.actor)}
    fresh = await tx.execute(insert(runs).values(values).on_conflict_do_nothing(index_elements=["slot"]))
    return run_id if fresh else None


async def claim(tx: Tx, run_id: str | None = None) -> Run | None:
    """A run that is due, or the given one; ours until its lease ends. None if there is none, or somebody works on it."""
    t = runs.c
    due = select(t.id).where(t.standing != DONE, t.due_at <= func.now()).order_by(t.due_at).limit(1).with_for_update(skip_locked=True)
    chosen = due if run_id is None else due.where(t.id == run_id)
    mine = update(runs).where(t.id == chosen.scalar_subquery())
    mine = mine.values(standing=RUNNING, attempts=t.attempts + 1, due_at=func.now() + LEASE)
    return await tx.one(mine.returning(*_COLUMNS), Run)


async def extend(tx: Tx, run: Run) -> None:
    """Keep the lease. Raises `Lost`."""
    await _mine(tx, run, due_at=func.now() + LEASE)


async def finish(tx: Tx, run: Run, report: Report) -> None:
    """It is done. Raises `Lost`."""
    await _mine(tx, run, standing=DONE, reason="", report=msgspec.to_builtins(report), finished_at=func.now())


async def fail(tx: Tx, run: Run, reason: str) -> None:
    """It did not get through and is tried again, later each time. Raises `Lost`."""
    pause = min(AGAIN_MAX, timedelta(minutes=1) * 2 ** min(run.attempts - 1, 10))
    await _mine(tx, run, standing=FAILED, reason=reason[:2000], due_at=func.now() + pause)


async def get(tx: Tx, run_id: str) -> Run:
    """One run. Raises `NotFound`."""
    found = await tx.one(select(*_COLUMNS).where(runs.c.id == run_id), Run)
    if found is None:
        raise NotFound("unknown_reconciliation", f"no reconciliation {run_id}")
    return found


async def newest(tx: Tx, *, after: str | None, limit: int) -> list[Run]:
    """Runs, newest first, those before `after`; without their reports."""
    query = select(*(column for column in _COLUMNS if column.name != "report"), null().label("report"))
    query = query.order_by(runs.c.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(runs.c.id < after), Run)


async def _mine(tx: Tx, run: Run, **values: object) -> None:
    t = runs.c
    if not await tx.execute(update(runs).where(t.id == run.id, t.attempts == run.attempts, t.standing == RUNNING).values(values)):
        raise Lost(run.id)
