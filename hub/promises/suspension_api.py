"""Suspension by rule over HTTP, for operators: who would be warned or suspended, and who was."""

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from hub.promises import judge, judgments, suspension
from hub.promises.judge import Judged
from hub.promises.judgments import Judgment
from hub.promises.rules import OurPromises
from hub.promises.suspension import Rules
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors import store as vendors


class DryRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules to be tried; left out: those in force."""

    rules: Rules | None = None


class DryRunView(msgspec.Struct, frozen=True, kw_only=True):
    """What would follow now, for each vendor and rule that it breaks."""

    judged: list[Judged]


class SuspensionController(Controller):
    """Suspension by rule."""

    path = "/v1/admin"
    tags = ["scorecards"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("/suspension/dry-run", status_code=200, responses=refuses(413, 415, 422))
    async def dry_run(self, data: JSONBody[DryRun], read: Reading, our_promises: NamedDependency[OurPromises]) -> Response[DryRunView]:
        """Who would be warned, suspended or held back now, by the rules in force or by others. Nothing is written."""
        rules = our_promises.suspension
        if data.rules is not None:
            suspension.check(data.rules, "/rules")
            rules = msgspec.structs.replace(rules, rules=data.rules)

        async def tried(tx: Tx) -> DryRunView:
            return DryRunView(judged=await judge.assess(tx, rules))

        return await read(tried)

    @get("/vendors/{code:str}/judgments", responses=refuses(404))
    async def told(self, code: FromPath[str], read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[Judgment]]:
        """The warnings and suspensions of a vendor by rule, each with its figure, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Judgment]:
            await vendors.get(tx, code)
            return page(await judgments.of_vendor(tx, code, after=after, limit=limit + 1), limit, lambda each: each.id)

        return await read(found)
