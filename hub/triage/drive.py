"""Drives the plans that run, round by round; each letter is sent in one transaction with its item: a killed worker doubles none."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import bindparam, func, select, update

from hub.checkout.timing import Timing
from hub.kernel.errors import Refusal
from hub.letters.states import LetterState
from hub.letters.tables import dead_letters
from hub.liveness import look
from hub.liveness.rules import Health
from hub.runtime.database import HUB, Actor, Database, Tx
from hub.runtime.steps import HUB_TARGET
from hub.triage import plan as plans
from hub.triage.plan import Plan
from hub.triage.replay import Asked, replay
from hub.triage.states import ItemState, PlanEvent, PlanState
from hub.triage.tables import replay_items, replay_plans

log = structlog.get_logger("replays")

ROUND_SECONDS = 1.0
LEASE_SECONDS = 30.0
UNDER_WAY_MAX = 500
PLANS_AT_ONCE = 10
CLOSED = "closed"

_p, _i, _d = replay_plans.c, replay_items.c, dead_letters.c
_in = func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds"))
_DUE = select(_p.id).where(_p.state == PlanState.RUNNING, _p.due_at <= func.now()).order_by(_p.due_at).limit(PLANS_AT_ONCE)
_ABORTED = (
    select(_i.plan_id)
    .join_from(replay_items, replay_plans, _p.id == _i.plan_id)
    .join(dead_letters, _d.id == _i.letter_id)
    .where(_i.state == ItemState.SENT, _p.state == PlanState.ABORTED, _d.state != LetterState.REPLAYING)
    .distinct()
    .limit(PLANS_AT_ONCE)
)
"""What they had sent goes on, and is told too."""
_LEASE = (
    update(replay_plans)
    .where(_p.id == bindparam("plan"), _p.state == PlanState.RUNNING, _p.due_at <= func.now())
    .values(due_at=func.now() + _in)
)
_REST = update(replay_plans).where(_p.id == bindparam("plan"), _p.state == PlanState.RUNNING).values(due_at=func.now() + _in)
_SENT = (
    select(_i.number, _d.state, _d.resolution, _d.reason, _d.detail)
    .join_from(replay_items, dead_letters, _d.id == _i.letter_id)
    .where(_i.plan_id == bindparam("plan"), _i.state == ItemState.SENT, _d.state != LetterState.REPLAYING)
)
_NEXT = (
    select(_i.number, _i.letter_id, _i.letter_version, _d.target, _d.kind)
    .join_from(replay_items, dead_letters, _d.id == _i.letter_id)
    .where(_i.plan_id == bindparam("plan"), _i.state == ItemState.WAITING, _i.number <= bindparam("until"))
    .order_by(_i.number)
    .limit(bindparam("most"))
)
_ITEM = update(replay_items).where(_i.plan_id == bindparam("of_plan"), _i.number == bindparam("at"))
_END_ITEM = _ITEM.values(ended_at=func.now())
_SEND_ITEM = _ITEM.where(_i.state == ItemState.WAITING).values(state=ItemState.SENT, sent_at=func.now())


async def drive_plans(database: Database, timing: Timing) -> None:
    """One round of each plan whose time has come; another worker takes over from one that died when its lease ends."""
    async with database.reading() as tx:
        due = [row.id for row in await tx.rows(_DUE)]
        aborted = [row.plan_id for row in await tx.rows(_ABORTED)]
    for plan_id in aborted:
        async with database.tx() as tx:
            await _settle(tx, await plans.get(tx, plan_id, lock=True))
    for plan_id in due:
        async with database.tx() as tx:
            leased = await tx.execute(_LEASE, {"plan": plan_id, "seconds": LEASE_SECONDS}) == 1
        if leased:
            try:
                await _round(database, timing, plan_id)
            except Exception as error:  # noqa: BLE001  # one plan's trouble is not the others'; it goes on when its lease ends
                log.warning("replay.round_failed", plan=plan_id, error=repr(error))


async def _round(database: Database, timing: Timing, plan_id: str) -> None:
    async with database.tx() as tx:
        plan = await plans.get(tx, plan_id, lock=True)
        await _settle(tx, plan)
        number = await plans.counts(tx, plan_id)
        if plan.state is not PlanState.RUNNING or await _stops(tx, plan, number):
            return
        canary = await _canary_open(tx, plan)
        most = plan.canary if canary else min(plan.batch, max(1, int(plan.rate * ROUND_SECONDS)), UNDER_WAY_MAX - number[ItemState.SENT])
        until = plan.canary_until if canary else plan.size
        waiting = await tx.rows(_NEXT, {"plan": plan_id, "until": until, "most": max(0, most)})
        gates = await _gates(tx, timing, {row.target for row in waiting})
        held = sorted({why for row in waiting if (why := _held(gates, row.target, row.kind))})
        batch = plan.batch if canary or held else min(plan.batch * 2, 1_000)
        await tx.execute(update(replay_plans).where(_p.id == plan_id).values(held="; ".join(held)[:500], batch=batch))
    for row in waiting:
        if not _held(gates, row.target, row.kind):
            await _send(database, timing, plan, row)
    async with database.tx() as tx:
        await tx.execute(_REST, {"plan": plan_id, "seconds": ROUND_SECONDS})


async def _settle(tx: Tx, plan: Plan) -> None:
    """What was sent has ended well, or has failed again."""
    ended = [
        {"of_plan": plan.id, "at": row.number, "state": _became(row.state), "why": (row.resolution or f"{row.reason}: {row.detail}")[:500]}
        for row in await tx.rows(_SENT, {"plan": plan.id})
    ]
    if ended:
        await tx.execute(_END_ITEM, ended)


def _became(state: str) -> ItemState:
    return {LetterState.RESOLVED: ItemState.OK, LetterState.OPEN: ItemState.FAILED}.get(LetterState(state), ItemState.SKIPPED)


async def _stops(tx: Tx, plan: Plan, number: Mapping[ItemState, int]) -> bool:
    """Whether there is nothing more to do, or too much has failed."""
    failed = number[ItemState.FAILED] - plan.forgiven
    if failed > (0 if await _canary_open(tx, plan, ended=True) else plan.failures_max):
        why = f"{failed} failed" if number[ItemState.OK] else f"{failed} of the first {plan.canary} failed"
        await plans.act(tx, plan.id, PlanEvent.PAUSE, why=why)
        return True
    if number[ItemState.WAITING] == number[ItemState.SENT] == 0:
        await plans.act(tx, plan.id, PlanEvent.FINISH, why="all have ended")
        return True
    return False


_OF_CANARY = (
    select(func.count())
    .select_from(replay_items)
    .where(_i.plan_id == bindparam("plan"), _i.number <= bindparam("until"), _i.state.in_((ItemState.WAITING, ItemState.SENT)))
)
_AFTER_CANARY = (
    select(func.count())
    .select_from(replay_items)
    .where(_i.plan_id == bindparam("plan"), _i.number > bindparam("until"), _i.sent_at.is_not(None))
)


async def _canary_open(tx: Tx, plan: Plan, *, ended: bool = False) -> bool:
    """Whether the canary is still out; with `ended`, whether nothing but the canary was sent yet."""
    query = _AFTER_CANARY if ended else _OF_CANARY
    number = await tx.scalar(query, {"plan": plan.id, "until": plan.canary_until})
    return number == 0 if ended else number > 0


class Gate(msgspec.Struct, frozen=True):
    """What is known of a vendor's spoke; `health` is None for one that works by hand."""

    health: Health | None
    breakers: Mapping[str, str]


async def _gates(tx: Tx, timing: Timing, targets: set[str]) -> dict[str, Gate]:
    views = await look.looks(tx, timing.watch, targets - {HUB_TARGET})
    return {vendor: Gate(view.health, view.breakers) for vendor, view in views.items()}


def _held(gates: Mapping[str, Gate], target: str, kind: str) -> str:
    """Why nothing is sent to a vendor now; empty if it may be. A breaker that is half open lets its own trial through, not ours."""
    gate = gates.get(target)
    if gate is None:
        return ""
    if gate.health is Health.DOWN:
        return f"{target} is down"
    area = kind.partition(".")[0]
    state = gate.breakers.get(area, CLOSED)
    return "" if state == CLOSED else f"{target}: the breaker of {area} is {state}"


async def _send(database: Database, timing: Timing, plan: Plan, row: Any) -> None:
    actor = Actor(*plan.made_by.split(":", 1)) if ":" in plan.made_by else HUB
    at = {"of_plan": plan.id, "at": row.number}
    try:
        async with database.tx(actor) as tx:
            if await _still_running(tx, plan.id) and await tx.execute(_SEND_ITEM, at) == 1:
                asked = Asked(why=f"plan {plan.id}: {plan.reason}"[:500], version=row.letter_version, rule=plan.rule_id is not None)
                await replay(tx, timing, row.letter_id, asked)
    except Refusal as no:
        async with database.tx(actor) as tx:
            await tx.execute(_END_ITEM.where(_i.state == ItemState.WAITING), at | {"state": ItemState.SKIPPED, "why": _why(no)})


_RUNS = select(_p.state).where(_p.id == bindparam("plan")).with_for_update(read=True)


async def _still_running(tx: Tx, plan_id: str) -> bool:
    """Somebody may have paused it a moment ago; whoever does so now waits until this one is sent."""
    return await tx.scalar(_RUNS, {"plan": plan_id}) == PlanState.RUNNING


def _why(no: Refusal) -> str:
    return "changed" if no.slug == "version_mismatch" else f"{no.slug}: {no.detail}"[:500]


def planned(of: Sequence[str]) -> Any:
    """Which letters stand in a plan that has not ended with them."""
    alive = _p.state.in_((PlanState.PREVIEWED, PlanState.RUNNING, PlanState.PAUSED))
    items = select(_i.letter_id).join_from(replay_items, replay_plans, _p.id == _i.plan_id)
    return items.where(_i.letter_id.in_(of), _i.state.in_((ItemState.WAITING, ItemState.SENT)), alive)
