"""Returns over HTTP, for vendors: see what is asked, authorize or refuse it, tell what came back."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from hub.returns import answer, store
from hub.returns.browse import InState, browse_returns
from hub.returns.model import Authorize, Receive, Refuse
from hub.returns.rules import ReturnRules
from hub.returns.tables import returns
from hub.returns.view import ReturnView, return_view
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, position_of

Id = Annotated[str, PathParameter(max_length=64)]


class VendorReturnController(Controller):
    """What buyers send back to a vendor."""

    path = "/v1/vendor/returns"
    tags = ["orders (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None
    ) -> Response[Page[ReturnView]]:
        """The vendor's returns, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[ReturnView]:
            mine = returns.c.vendor == tx.actor.id
            return await browse_returns(tx, mine, after=after, state=in_state, limit=limit)

        return await read(found)

    @get("/{return_id:str}", responses=refuses(404))
    async def one(self, return_id: Id, read: Reading) -> Response[ReturnView]:
        """One of them."""

        async def found(tx: Tx) -> ReturnView:
            return return_view(await store.get(tx, return_id, vendor=tx.actor.id))

        return await read(found)

    @post("/{return_id:str}/authorize", status_code=200, responses=refuses_write(404))
    async def authorize(
        self, return_id: Id, write: Writing, return_rules: NamedDependency[ReturnRules], data: JSONBody[Authorize | None] = None
    ) -> Response[ReturnView]:
        """Let the buyer send the units, with or without a body; also after having refused them."""

        async def use_case(tx: Tx) -> ReturnView:
            said = data or Authorize()
            return return_view(await answer.decide_authorize(tx, return_rules, return_id, said, vendor=tx.actor.id))

        return await write(use_case)

    @post("/{return_id:str}/refuse", status_code=200, responses=refuses_write(404))
    async def refuse(self, return_id: Id, data: JSONBody[Refuse], write: Writing) -> Response[ReturnView]:
        """Take nothing back, before the buyer may send it; what came and is not taken back is told with `receive`."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await answer.decide_refuse(tx, return_id, data, vendor=tx.actor.id))

        return await write(use_case)

    @post("/{return_id:str}/receive", status_code=200, responses=refuses_write(404))
    async def receive(self, return_id: Id, data: JSONBody[Receive], write: Writing) -> Response[ReturnView]:
        """Tell what came back, and how. The buyer's refund follows at once, and good units are for sale again."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await answer.decide_receive(tx, return_id, data.items, vendor=tx.actor.id))

        return await write(use_case)
