"""Orders, the books and the laws over HTTP, for operators."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import PathParameter

from hub.checkout import look
from hub.ledger import store as ledger
from hub.ledger.store import Entry
from hub.ops import invariants
from hub.ops.invariants import Breach
from hub.orders import store as orders
from hub.orders.view import OrderView
from hub.runtime import story
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.story import Moment

Id = Annotated[str, PathParameter(max_length=64)]


class OperationsController(Controller):
    """What went wrong, and where the money is."""

    path = "/v1/admin"
    tags = ["operations"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/orders/{order_id:str}", responses=refuses(404))
    async def order(self, order_id: Id, read: Reading) -> Response[OrderView]:
        """Any order."""

        async def found(tx: Tx) -> OrderView:
            return await look.view(tx, await orders.load(tx, order_id))

        return await read(found)

    @get("/orders/{order_id:str}/timeline", responses=refuses(404))
    async def timeline(self, order_id: Id, read: Reading) -> Response[list[Moment]]:
        """Any order's story."""

        async def found(tx: Tx) -> list[Moment]:
            await orders.load(tx, order_id)
            return await story.of_saga(tx, order_id)

        return await read(found)

    @get("/orders/{order_id:str}/ledger", responses=refuses(404))
    async def postings(self, order_id: Id, read: Reading) -> Response[list[Entry]]:
        """An order's money, posting by posting."""

        async def found(tx: Tx) -> list[Entry]:
            await orders.load(tx, order_id)
            return await ledger.of_order(tx, order_id)

        return await read(found)

    @get("/invariants", responses=refuses())
    async def laws(self, read: Reading) -> Response[list[Breach]]:
        """Check the laws now; an empty list is good."""
        return await read(invariants.check)
