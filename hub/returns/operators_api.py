"""Returns over HTTP, for operators: look at all of them, and decide where a vendor is silent or a buyer disagrees."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from hub.returns import answer, store
from hub.returns.browse import InState, browse_returns
from hub.returns.model import Authorize, Receive, Refuse
from hub.returns.rules import ReturnRules
from hub.returns.view import ReturnView, return_view
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, position_of

Id = Annotated[str, PathParameter(max_length=64)]


class Decide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is decided so, for whoever asks later."""

    why: Annotated[str, Meta(min_length=1, max_length=500)]


class ReturnController(Controller):
    """All returns."""

    path = "/v1/admin/returns"
    tags = ["orders (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None
    ) -> Response[Page[ReturnView]]:
        """Every return, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[ReturnView]:
            return await browse_returns(tx, after=after, state=in_state, limit=limit)

        return await read(found)

    @get("/{return_id:str}", responses=refuses(404))
    async def one(self, return_id: Id, read: Reading) -> Response[ReturnView]:
        """One of them."""

        async def found(tx: Tx) -> ReturnView:
            return return_view(await store.get(tx, return_id))

        return await read(found)

    @post("/{return_id:str}/authorize", status_code=200, responses=refuses_write(404))
    async def authorize(
        self, return_id: Id, data: JSONBody[Decide], write: Writing, return_rules: NamedDependency[ReturnRules]
    ) -> Response[ReturnView]:
        """Let the buyer send the units, in its vendor's place or against its word."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await answer.decide_authorize(tx, return_rules, return_id, Authorize(), why=data.why))

        return await write(use_case)

    @post("/{return_id:str}/refuse", status_code=200, responses=refuses_write(404))
    async def refuse(self, return_id: Id, data: JSONBody[Refuse], write: Writing) -> Response[ReturnView]:
        """Take nothing back, also if its vendor had agreed."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await answer.decide_refuse(tx, return_id, data))

        return await write(use_case)

    @post("/{return_id:str}/receive", status_code=200, responses=refuses_write(404))
    async def receive(self, return_id: Id, data: JSONBody[Receive], write: Writing) -> Response[ReturnView]:
        """Count units as back in its vendor's place, also of a return that it has refused or that was too late."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await answer.decide_receive(tx, return_id, data.items))

        return await write(use_case)
