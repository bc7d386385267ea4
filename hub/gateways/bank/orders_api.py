"""What our bank is to send, over HTTP, for operators: orders, their export, and what became of them."""

from typing import Annotated

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from hub.gateways.bank import csv_file, pain, send, store
from hub.gateways.bank.model import BankOrder, Because, Export, SendTo
from hub.gateways.bank.states import BankOrderState
from hub.kernel.errors import Conflict
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Database, Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors.money_terms import BankAccount

Id = Annotated[str, PathParameter(max_length=64)]
InState = Annotated[BankOrderState | None, QueryParameter(name="state", description="only orders in this state")]


class BankOrderController(Controller):
    """Money on its way out: refunds, vendors' shares, and what was not used."""

    path = "/v1/admin/bank"
    tags = ["bank transfers"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/orders", responses=refuses())
    async def orders(
        self, read: Reading, in_state: InState = None, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[BankOrder]]:
        """Orders to our bank, newest first. One without an IBAN waits until somebody says where it goes."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[BankOrder]:
            return page(await store.orders(tx, state=in_state, after=after, limit=limit + 1), limit, lambda order: order.id)

        return await read(found)

    @put("/orders/{bank_order_id:str}/account", responses=refuses_write(404))
    async def set_account(self, bank_order_id: Id, data: JSONBody[SendTo], write: Writing) -> Response[BankOrder]:
        """Say where an order goes that is not exported yet."""
        return await write(lambda tx: send.set_account(tx, bank_order_id, data))

    @post("/orders/{bank_order_id:str}/executed", status_code=200, responses=refuses_write(404))
    async def executed(self, bank_order_id: Id, data: JSONBody[Because], write: Writing) -> Response[BankOrder]:
        """Say that the bank has sent it; a bank file that names it says so by itself."""
        return await write(lambda tx: send.mark_executed(tx, bank_order_id, data.reason))

    @post("/orders/{bank_order_id:str}/failed", status_code=200, responses=refuses_write(404))
    async def failed(self, bank_order_id: Id, data: JSONBody[Because], write: Writing) -> Response[BankOrder]:
        """Say that the bank did not send it, or that its money has come back."""
        return await write(lambda tx: send.mark_failed(tx, bank_order_id, data.reason))

    @post("/orders/{bank_order_id:str}/retry", status_code=200, responses=refuses_write(404))
    async def retry(self, bank_order_id: Id, data: JSONBody[SendTo], write: Writing) -> Response[BankOrder]:
        """Give or send money back anew after that has failed; once, the same order answers however often it is asked."""
        return await write(lambda tx: send.retry(tx, bank_order_id, data))

    @post("/exports", responses=refuses_act())
    async def export(self, write: Writing) -> Response[Export]:
        """Put together all open orders of which it is known where they go; `id` is null if there are none."""
        return await write(send.export, status=201)

    @get("/exports/{export_id:str}/pain.001", media_type="application/xml", responses=refuses(404, 409))
    async def as_pain(
        self, export_id: Id, database: NamedDependency[Database], bank_account: NamedDependency[BankAccount]
    ) -> Response[str]:
        """An export as ISO 20022 pain.001.001.09, the same each time: banks refuse a message they have had."""
        async with database.reading() as tx:
            orders = await store.orders_of_export(tx, export_id)
        if not bank_account.iban:
            raise Conflict("bank_account_not_set", "the settings do not say which account is ours (bank.iban)")
        at = orders[0].exported_at or orders[0].created_at
        return Response(pain.write(export_id, orders, bank_account, at), media_type="application/xml")

    @get("/exports/{export_id:str}/csv", media_type="text/csv", responses=refuses(404))
    async def as_csv(self, export_id: Id, database: NamedDependency[Database]) -> Response[str]:
        """An export as CSV."""
        async with database.reading() as tx:
            orders = await store.orders_of_export(tx, export_id)
        return Response(csv_file.write(orders), media_type="text/csv; charset=utf-8")
