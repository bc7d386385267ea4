"""Returns over HTTP, for buyers: ask, look, say that it was sent, think better of it."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from hub.returns import ask
from hub.returns.model import AskReturn, SendBack
from hub.returns.rules import ReturnRules
from hub.returns.view import ReturnView, return_view
from hub.runtime.callers import BUYERS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write

Id = Annotated[str, PathParameter(max_length=64)]


class BuyerReturnController(Controller):
    """What a buyer sends back."""

    path = "/v1/orders/{order_id:str}/returns"
    tags = ["orders"]  # noqa: RUF012  # litestar's shape
    guards = [BUYERS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write(404))
    async def ask(
        self, order_id: Id, data: JSONBody[AskReturn], write: Writing, return_rules: NamedDependency[ReturnRules]
    ) -> Response[list[ReturnView]]:
        """Ask to send delivered units back; one return for each vendor concerned."""

        async def use_case(tx: Tx) -> list[ReturnView]:
            return [return_view(it) for it in await ask.ask_return(tx, return_rules, order_id, data)]

        return await write(use_case, status=201)

    @get("", responses=refuses(404))
    async def of_order(self, order_id: Id, read: Reading) -> Response[list[ReturnView]]:
        """An order's returns, oldest first."""

        async def found(tx: Tx) -> list[ReturnView]:
            return [return_view(it) for it in await ask.of_order(tx, order_id)]

        return await read(found)

    @post("/{return_id:str}/shipment", responses=refuses_write(404))
    async def send_back(self, order_id: Id, return_id: Id, data: JSONBody[SendBack], write: Writing) -> Response[ReturnView]:
        """Tell in which parcel the goods of an authorized return are on their way."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await ask.send_back(tx, order_id, return_id, data.parcel))

        return await write(use_case, status=201)

    @post("/{return_id:str}/cancel", status_code=200, responses=refuses_act(404))
    async def cancel(self, order_id: Id, return_id: Id, write: Writing) -> Response[ReturnView]:
        """Keep the goods after all; not once they were sent."""

        async def use_case(tx: Tx) -> ReturnView:
            return return_view(await ask.cancel(tx, order_id, return_id))

        return await write(use_case)
