"""Replays of many letters, quarantines and rules over HTTP, for operators."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from hub.checkout.timing import Timing
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.triage import by_itself, plan, quarantine
from hub.triage.api import Why
from hub.triage.by_itself import NewRule, Rule, Would
from hub.triage.plan import Because, Item, NewPlan, Plan, PlanView
from hub.triage.quarantine import NewQuarantine, Quarantine
from hub.triage.states import ItemState, PlanEvent

Id = Annotated[str, PathParameter(max_length=64)]
InState = Annotated[ItemState | None, QueryParameter(name="state")]


class Switch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a rule acts, and why that is changed."""

    enabled: bool
    reason: Because


class ReplayController(Controller):
    """Plans by which many letters are replayed."""

    path = "/v1/admin/dead-letters/replays"
    tags = ["dead letters (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def preview(self, data: JSONBody[NewPlan], write: Writing) -> Response[PlanView]:
        """Freeze the set of open letters that match now; nothing is sent before it is started."""
        return await write(lambda tx: plan.preview(tx, data), status=201)

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[Plan]]:
        """Plans, the newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Plan]:
            return page(await plan.browse(tx, after=after, limit=limit + 1), limit, lambda each: each.id)

        return await read(found)

    @get("/{plan_id:str}", responses=refuses(404))
    async def one(self, plan_id: Id, read: Reading) -> Response[PlanView]:
        """One plan, and how many of its letters stand where."""
        return await read(lambda tx: plan.view(tx, plan_id))

    @get("/{plan_id:str}/items", responses=refuses(404))
    async def items(
        self, plan_id: Id, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None
    ) -> Response[Page[Item]]:
        """What became of each letter."""
        after = position_of(cursor, int) or 0

        async def found(tx: Tx) -> Page[Item]:
            await plan.get(tx, plan_id)
            items = await plan.items(tx, plan_id, state=in_state, after=after, limit=limit + 1)
            return page(items, limit, lambda item: item.number)

        return await read(found)

    @post("/{plan_id:str}/start", status_code=200, responses=refuses_write(404, 412))
    async def start(self, plan_id: Id, data: JSONBody[Why], write: Writing, if_match: IfMatch = None) -> Response[PlanView]:
        """Send the first few."""
        return await write(lambda tx: plan.act(tx, plan_id, PlanEvent.START, why=data.reason, if_match=if_match))

    @post("/{plan_id:str}/pause", status_code=200, responses=refuses_write(404, 412))
    async def pause(self, plan_id: Id, data: JSONBody[Why], write: Writing, if_match: IfMatch = None) -> Response[PlanView]:
        """Send nothing more for now."""
        return await write(lambda tx: plan.act(tx, plan_id, PlanEvent.PAUSE, why=data.reason, if_match=if_match))

    @post("/{plan_id:str}/resume", status_code=200, responses=refuses_write(404, 412))
    async def resume(self, plan_id: Id, data: JSONBody[Why], write: Writing, if_match: IfMatch = None) -> Response[PlanView]:
        """Go on, with what has failed tried again and a canary anew."""
        return await write(lambda tx: plan.act(tx, plan_id, PlanEvent.RESUME, why=data.reason, if_match=if_match))

    @post("/{plan_id:str}/abort", status_code=200, responses=refuses_write(404, 412))
    async def abort(self, plan_id: Id, data: JSONBody[Why], write: Writing, if_match: IfMatch = None) -> Response[PlanView]:
        """Send nothing more, for good."""
        return await write(lambda tx: plan.act(tx, plan_id, PlanEvent.ABORT, why=data.reason, if_match=if_match))


class QuarantineController(Controller):
    """What must not be replayed."""

    path = "/v1/admin/dead-letters/quarantines"
    tags = ["dead letters (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(self, read: Reading) -> Response[list[Quarantine]]:
        """What stands now."""
        return await read(quarantine.standing)

    @post("", responses=refuses_write())
    async def put(self, data: JSONBody[NewQuarantine], write: Writing) -> Response[Quarantine]:
        """Bar a fingerprint, a vendor or a kind from being replayed, by anybody."""
        return await write(lambda tx: quarantine.put(tx, data), status=201)

    @post("/{quarantine_id:str}/lift", status_code=200, responses=refuses_write(404))
    async def lift(self, quarantine_id: Id, data: JSONBody[Why], write: Writing) -> Response[Quarantine]:
        """Let it be replayed again."""
        return await write(lambda tx: quarantine.lift(tx, quarantine_id, data.reason))


class ReplayRuleController(Controller):
    """What is replayed by itself when a breaker has closed."""

    path = "/v1/admin/dead-letters/rules"
    tags = ["dead letters (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(self, read: Reading) -> Response[list[Rule]]:
        """Every rule."""
        return await read(by_itself.browse)

    @post("", responses=refuses_write())
    async def make(self, data: JSONBody[NewRule], write: Writing) -> Response[Rule]:
        """Write a rule; write it with ``enabled`` false to try it out first."""
        return await write(lambda tx: by_itself.make(tx, data), status=201)

    @get("/{rule_id:str}/dry-run", responses=refuses(404))
    async def would(self, rule_id: Id, read: Reading, timing: NamedDependency[Timing]) -> Response[Would]:
        """What it would replay at this moment."""

        async def found(tx: Tx) -> Would:
            return await by_itself.would(tx, timing, await by_itself.get(tx, rule_id))

        return await read(found)

    @post("/{rule_id:str}/switch", status_code=200, responses=refuses_write(404, 412))
    async def switch(self, rule_id: Id, data: JSONBody[Switch], write: Writing, if_match: IfMatch = None) -> Response[Rule]:
        """Let it act, or stop it."""
        return await write(lambda tx: by_itself.switch(tx, rule_id, enabled=data.enabled, why=data.reason, if_match=if_match))
