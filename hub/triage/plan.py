"""Replays many letters as a plan: a set that is frozen and shown first, a few to try, then ever more up to a rate."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, func, insert, select, update

from hub.kernel.errors import Invalid, NotFound
from hub.kernel.money import Money
from hub.letters.states import LetterState
from hub.letters.tables import dead_letters
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.runtime.life import Life
from hub.triage.find import Filter, conditions
from hub.triage.states import PLAN, ItemState, PlanEvent, PlanState
from hub.triage.tables import replay_items, replay_plans

PLAN_LIFE = Life(PLAN, replay_plans, saga_column="id")
ITEMS_MAX = 100_000
PAGE = 1_000
SAMPLE = 5

Because = Annotated[str, Meta(min_length=1, max_length=500)]
Canary = Annotated[int, Meta(ge=1, le=100)]
Rate = Annotated[float, Meta(ge=1, le=1_000)]
Count = Annotated[int, Meta(ge=0, le=10_000)]


class NewPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which open letters to replay and how: the first `canary` have to end well before others are sent, at last `rate` a second.

    It pauses by itself when more than `failures_max` have failed after that.
    """

    filter: Filter
    reason: Because
    canary: Canary = 5
    rate: Rate = 10.0
    failures_max: Count = 5


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it stands. `items` counts them by what became of them; `held` says why it waits or was paused."""

    id: str
    version: int
    state: PlanState
    reason: str
    made_by: str
    rule_id: str | None
    filter: dict[str, Any]
    size: int
    at_risk: list[Money]
    canary: int
    rate: float
    failures_max: int
    canary_until: int
    forgiven: int
    batch: int
    held: str
    created_at: datetime
    ended_at: datetime | None


class PlanView(Plan, frozen=True, kw_only=True):
    """The same with its counts, and the first letters of its set."""

    items: dict[ItemState, int]
    sample: list[str]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One letter of a plan, as it was when the set was frozen, and what became of it."""

    number: int
    letter_id: str
    letter_version: int
    state: ItemState
    why: str
    sent_at: datetime | None
    ended_at: datetime | None


_p, _i, _d = replay_plans.c, replay_items.c, dead_letters.c
_PLAN = [_p[name] for name in Plan.__struct_fields__]
_ITEM = [_i[name] for name in Item.__struct_fields__]
_MATCHING = (
    select(_d.id, _d.version, _d.at_risk, _d.currency)
    .where(_d.state == LetterState.OPEN, _d.id > bindparam("after"))
    .order_by(_d.id)
    .limit(bindparam("most"))
)


async def preview(tx: Tx, new: NewPlan, *, rule_id: str | None = None, most: int = ITEMS_MAX) -> PlanView:
    """Freeze the set of letters that match now, the oldest first. Raises `Invalid` if there is none, or too many."""
    plan_id = tx.ids.new("rpl")
    row = {name: getattr(new, name) for name in ("reason", "canary", "rate", "failures_max")}
    row |= {"id": plan_id, "made_by": str(tx.actor), "rule_id": rule_id, "filter": msgspec.to_builtins(new.filter)}
    await tx.execute(insert(replay_plans), row | {"size": 0, "at_risk": [], "canary_until": new.canary})
    size, amounts = await _freeze(tx, plan_id, new.filter, most)
    at_risk = [{"amount": amount, "currency": currency} for currency, amount in sorted(amounts.items())]
    await tx.execute(update(replay_plans).where(_p.id == plan_id).values(size=size, at_risk=at_risk))
    PLAN_LIFE.born(tx, plan_id, plan_id, {"size": size})
    await audit.note(tx, "replay_plan.made", plan_id, why=new.reason, after={**row, "size": size, "at_risk": at_risk})
    return await view(tx, plan_id)


async def _freeze(tx: Tx, plan_id: str, asked: Filter, most: int) -> tuple[int, dict[str, int]]:
    """Page by page, so that a large set needs no memory."""
    matching = _MATCHING.where(*conditions(asked))
    size, after, amounts = 0, "", dict[str, int]()
    while rows := await tx.rows(matching, {"after": after, "most": min(PAGE, most - size)}):
        items = [
            {"plan_id": plan_id, "number": number, "letter_id": row.id, "letter_version": row.version}
            for number, row in enumerate(rows, size + 1)
        ]
        await tx.execute(insert(replay_items), items)
        for row in rows:
            if row.currency is not None:
                amounts[row.currency] = amounts.get(row.currency, 0) + row.at_risk
        size, after = size + len(rows), rows[-1].id
        if size >= most:
            break
    if size == 0:
        raise Invalid("empty", "no open letter matches", field="/filter")
    return size, amounts


async def get(tx: Tx, plan_id: str, *, lock: bool = False) -> Plan:
    """One plan. Raises `NotFound` (``unknown_replay``)."""
    query = select(*_PLAN).where(_p.id == plan_id)
    found = await tx.one(query.with_for_update() if lock else query, Plan)
    if found is None:
        raise NotFound("unknown_replay", f"no replay {plan_id}")
    return found


_COUNTS = select(_i.state, func.count().label("number")).where(_i.plan_id == bindparam("plan")).group_by(_i.state)


async def counts(tx: Tx, plan_id: str) -> dict[ItemState, int]:
    """How many items stand where."""
    found = {row.state: row.number for row in await tx.rows(_COUNTS, {"plan": plan_id})}
    return {state: found.get(state, 0) for state in ItemState}


async def view(tx: Tx, plan_id: str) -> PlanView:
    """One plan with its counts. Raises `NotFound`."""
    plan = await get(tx, plan_id)
    sample = [item.letter_id for item in await items(tx, plan_id, limit=SAMPLE)]
    return PlanView(**msgspec.structs.asdict(plan), items=await counts(tx, plan_id), sample=sample)


async def browse(tx: Tx, *, after: str | None, limit: int) -> list[Plan]:
    """Plans, the newest first."""
    query = select(*_PLAN).order_by(_p.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(_p.id < after), Plan)


async def items(tx: Tx, plan_id: str, *, state: ItemState | None = None, after: int = 0, limit: int = 100) -> list[Item]:
    """Items in their order, those after the number `after`."""
    query = select(*_ITEM).where(_i.plan_id == plan_id, _i.number > after).order_by(_i.number).limit(limit)
    return await tx.all(query if state is None else query.where(_i.state == state), Item)


async def act(tx: Tx, plan_id: str, event: PlanEvent, *, why: str, if_match: str | None = None) -> PlanView:
    """Start, pause, resume or abort a plan.

    Resumed, it tries again what has failed and begins with a canary anew; aborted, it sends nothing more, and what was
    sent goes on. Raises `NotFound`, and `Conflict` (``version_mismatch``, ``illegal_transition``).
    """
    plan = await get(tx, plan_id, lock=True)
    check_version(if_match, plan.version)
    values: dict[str, Any] = {"held": why if event is PlanEvent.PAUSE else "", "due_at": func.now()}
    if event in {PlanEvent.ABORT, PlanEvent.FINISH}:
        values["ended_at"] = func.now()
    PLAN.next(plan.state, event)
    if event is PlanEvent.RESUME:
        values |= await _begin_anew(tx, plan)
    if event is PlanEvent.ABORT:
        await tx.execute(_ABORTED, {"plan": plan_id})
    await PLAN_LIFE.advance(tx, plan_id, event, reason=why[:500], values=values)
    await audit.note(tx, f"replay_plan.{event}", plan_id, why=why, before={"state": plan.state})
    return await view(tx, plan_id)


_WAITING = _i.state == ItemState.WAITING
_OF_PLAN = update(replay_items).where(_i.plan_id == bindparam("plan"))
_ABORTED = _OF_PLAN.where(_WAITING).values(state=ItemState.SKIPPED, why="aborted", ended_at=func.now())
_FAILED_OPEN = (
    select(_i.number, _d.version)
    .join_from(replay_items, dead_letters, _d.id == _i.letter_id)
    .where(_i.plan_id == bindparam("plan"), _i.state == ItemState.FAILED, _d.state == LetterState.OPEN)
)
_TRY_AGAIN = (
    update(replay_items)
    .where(_i.plan_id == bindparam("of_plan"), _i.number == bindparam("at"))
    .values(state=ItemState.WAITING, why="", sent_at=None, ended_at=None)
)
_FIRST_WAITING = select(_i.number).where(_i.plan_id == bindparam("plan"), _WAITING).order_by(_i.number).offset(bindparam("skip")).limit(1)


async def _begin_anew(tx: Tx, plan: Plan) -> dict[str, Any]:
    """What has failed and is open still waits again; the next few are the canary."""
    again = await tx.rows(_FAILED_OPEN, {"plan": plan.id})
    if again:
        await tx.execute(_TRY_AGAIN, [{"of_plan": plan.id, "at": row.number, "letter_version": row.version} for row in again])
    last = await tx.scalar(_FIRST_WAITING, {"plan": plan.id, "skip": plan.canary - 1})
    failed = (await counts(tx, plan.id))[ItemState.FAILED]
    return {"canary_until": plan.size if last is None else last, "forgiven": failed, "batch": 1}
