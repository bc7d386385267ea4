"""Reconciliations over HTTP, for operators: ask for one, read its report, explain what is in suspense."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from hub.reconcile import run, runs, store
from hub.reconcile.explain import Explained, Explanation, explain_booking, explain_movement
from hub.reconcile.runs import Run
from hub.reconcile.store import Kept
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

Id = Annotated[str, PathParameter(max_length=200)]
Standing = Annotated[Literal["open", "matched", "suspense", "explained"] | None, QueryParameter(name="standing")]


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole days, UTC, both included; without them yesterday and today so far."""

    since: date | None = None
    until: date | None = None


class ReconciliationController(Controller):
    """The providers' books against ours."""

    path = "/v1/admin/reconciliations"
    tags = ["reconciliation"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def ask(self, data: JSONBody[Range], write: Writing) -> Response[Run]:
        """Ask for one; a worker does it, and its report is here when it is `done`."""
        return await write(lambda tx: run.ask(tx, data.since, data.until), status=201)

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[Run]]:
        """Newest first, without their reports."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Run]:
            return page(await runs.newest(tx, after=after, limit=limit + 1), limit, lambda one: one.id)

        return await read(found)

    @get("/movements", responses=refuses())
    async def movements(
        self, read: Reading, standing: Standing = None, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[Kept]]:
        """What moved at the providers; `standing=suspense` is what waits for an explanation."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Kept]:
            return page(await store.page_of(tx, standing=standing, after=after, limit=limit + 1), limit, lambda one: one.id)

        return await read(found)

    @get("/{run_id:str}", responses=refuses(404))
    async def one(self, run_id: Id, read: Reading) -> Response[Run]:
        """One, with its report."""
        return await read(lambda tx: runs.get(tx, run_id))

    @post("/movements/{movement_id:str}/explain", status_code=200, responses=refuses_write(404))
    async def explain_movement(self, movement_id: Id, data: JSONBody[Explanation], write: Writing) -> Response[Explained]:
        """Say what a provider's movement in suspense was; it goes to that account."""
        return await write(lambda tx: explain_movement(tx, movement_id, data))

    @post("/bookings/{transaction_id:str}/explain", status_code=200, responses=refuses_write(404))
    async def explain_booking(self, transaction_id: Id, data: JSONBody[Explanation], write: Writing) -> Response[Explained]:
        """The same for a transaction of ours that nothing at the provider stands for."""
        return await write(lambda tx: explain_booking(tx, transaction_id, data))
