"""Rules by which letters are replayed by themselves once the breaker that stood before their vendor has closed again."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta
from sqlalchemy import insert, select, update

from hub.checkout.timing import Timing
from hub.kernel.errors import NotFound
from hub.kernel.money import Money
from hub.letters.states import LetterState
from hub.letters.tables import dead_letters
from hub.liveness import look
from hub.liveness.rules import Health
from hub.liveness.tables import vendor_liveness
from hub.runtime import audit
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.http import check_version
from hub.triage import plan as plans
from hub.triage.drive import CLOSED, planned
from hub.triage.find import Filter, Said
from hub.triage.plan import Because, Canary, NewPlan, Rate
from hub.triage.states import PlanEvent, PlanState
from hub.triage.tables import replay_plans, replay_rules

log = structlog.get_logger("replays")

LOOKED_AT_MAX = 1_000


class NewRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which letters (null: any vendor, kind, reason), how many at once, and how often one letter may be tried."""

    reason: Because
    target: Said | None = None
    kind: Said | None = None
    letter_reason: Said | None = None
    canary: Canary = 3
    rate: Rate = 5.0
    most: Annotated[int, Meta(ge=1, le=10_000)] = 500
    tries_max: Annotated[int, Meta(ge=1, le=100)] = 2
    enabled: bool = True


class Rule(NewRule, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A rule as it stands."""

    id: str
    version: int
    made_by: str
    created_at: datetime


class Would(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would replay at this moment."""

    count: int
    at_risk: list[Money]
    letters: list[str]


_r, _d, _l = replay_rules.c, dead_letters.c, vendor_liveness.c
_RULE = [_r[name] for name in Rule.__struct_fields__]


_ALL = select(*_RULE).order_by(_r.id.desc())


async def browse(tx: Tx) -> list[Rule]:
    """Every rule, the newest first."""
    return await tx.all(_ALL, Rule)


async def get(tx: Tx, rule_id: str) -> Rule:
    """One rule. Raises `NotFound`."""
    found = await tx.one(select(*_RULE).where(_r.id == rule_id), Rule)
    if found is None:
        raise NotFound("unknown_rule", f"no rule {rule_id}")
    return found


async def make(tx: Tx, new: NewRule) -> Rule:
    """Write a rule; it acts from now on."""
    rule_id = tx.ids.new("rrl")
    await tx.execute(insert(replay_rules), {"id": rule_id, "made_by": str(tx.actor), **msgspec.structs.asdict(new)})
    await audit.note(tx, "replay_rule.made", rule_id, why=new.reason, after=new)
    return await get(tx, rule_id)


async def switch(tx: Tx, rule_id: str, *, enabled: bool, why: str, if_match: str | None) -> Rule:
    """Let a rule act, or not. Raises `NotFound`, and `Conflict` (``version_mismatch``)."""
    before = await get(tx, rule_id)
    check_version(if_match, before.version)
    await tx.execute(update(replay_rules).where(_r.id == rule_id).values(enabled=enabled, version=_r.version + 1))
    await audit.note(tx, "replay_rule.switched", rule_id, why=why, before={"enabled": before.enabled}, after={"enabled": enabled})
    return await get(tx, rule_id)


async def would(tx: Tx, timing: Timing, rule: Rule) -> Would:
    """What it would replay now, were it enabled: the dry run."""
    found = await _matching(tx, timing, rule)
    amounts: dict[str, int] = {}
    for row in found:
        if row.currency is not None:
            amounts[row.currency] = amounts.get(row.currency, 0) + row.at_risk
    at_risk = [Money(amount=amount, currency=currency) for currency, amount in sorted(amounts.items())]
    return Would(count=len(found), at_risk=at_risk, letters=[row.id for row in found[:20]])


async def _matching(tx: Tx, timing: Timing, rule: Rule) -> list[Any]:
    """Open letters that failed before their breaker closed again, of vendors that are well now and in no other plan."""
    same = {"target": rule.target, "kind": rule.kind, "reason": rule.letter_reason}
    query = (
        select(_d.id, _d.target, _d.kind, _d.last_at, _d.at_risk, _d.currency, _l.closed_at)
        .join_from(dead_letters, vendor_liveness, _l.vendor == _d.target)
        .where(_d.state == LetterState.OPEN, _d.source == "step", _d.tries < rule.tries_max)
        .where(*[_d[name] == value for name, value in same.items() if value is not None])
        .order_by(_d.id)
        .limit(LOOKED_AT_MAX)
    )
    rows = [row for row in await tx.rows(query) if (at := row.closed_at.get(_area(row.kind))) and datetime.fromisoformat(at) > row.last_at]
    views = await look.looks(tx, timing.watch, {row.target for row in rows})
    well = {vendor for vendor, view in views.items() if view.health is not Health.DOWN}
    taken = {row.letter_id for row in await tx.rows(planned([row.id for row in rows]))} if rows else set[str]()
    free = [row for row in rows if row.target in well and row.id not in taken]
    return [row for row in free if views[row.target].breakers.get(_area(row.kind), CLOSED) == CLOSED][: rule.most]


def _area(kind: str) -> str:
    return kind.partition(".")[0]


_UNDER_WAY = select(replay_plans.c.rule_id).where(
    replay_plans.c.rule_id.is_not(None), replay_plans.c.state.in_((PlanState.PREVIEWED, PlanState.RUNNING, PlanState.PAUSED))
)


async def replay_by_itself(database: Database, timing: Timing) -> None:
    """Make and start a plan for each rule that finds something and has none under way."""
    async with database.reading() as tx:
        busy = {row.rule_id for row in await tx.rows(_UNDER_WAY)}
        ready = [rule for rule in await browse(tx) if rule.enabled and rule.id not in busy and await _matching(tx, timing, rule)]
    for rule in ready:
        async with database.tx(Actor("hub", rule.id)) as tx:
            await tx.scalar(select(_r.id).where(_r.id == rule.id).with_for_update())
            if rule.id in {row.rule_id for row in await tx.rows(_UNDER_WAY)}:
                continue  # another worker was faster
            letters = [row.id for row in await _matching(tx, timing, rule)]
            if letters:
                new = NewPlan(filter=Filter(ids=letters), reason=f"rule {rule.id}: {rule.reason}"[:500], canary=rule.canary, rate=rule.rate)
                made = await plans.preview(tx, new, rule_id=rule.id)
                await plans.act(tx, made.id, PlanEvent.START, why="a breaker has closed")
                log.info("replay.by_rule", rule=rule.id, plan=made.id, letters=len(letters))
