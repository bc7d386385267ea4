"""Refunds and disputes over HTTP: buyers look, vendors give back what is theirs, operators everything."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter
from msgspec import Meta
from sqlalchemy import ColumnElement

from hub.kernel.errors import NotFound
from hub.orders import store as orders
from hub.refunds import ask, send, store
from hub.refunds.model import ITEMS_MAX, Asked, Reason
from hub.refunds.tables import disputes, refunds
from hub.refunds.view import DisputeView, RefundView, SettledRefundView, dispute_view, refund_view, settled_view
from hub.runtime.callers import BUYERS, OPERATORS, VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

Id = Annotated[str, PathParameter(max_length=64)]


class AskRefund(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes back and why; without `items` all that is left, the shipping included."""

    reason: Reason
    items: Annotated[list[Asked], Meta(min_length=1, max_length=ITEMS_MAX)] | None = None


class AskWhole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why all that is left goes back."""

    reason: Reason


class ByHand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the buyer got the money, for whoever asks later."""

    note: Annotated[str, Meta(min_length=1, max_length=1000)]


class BuyerRefundController(Controller):
    """What a buyer gets back."""

    path = "/v1/orders/{order_id:str}/refunds"
    tags = ["orders"]  # noqa: RUF012  # litestar's shape
    guards = [BUYERS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses(404))
    async def of_order(self, order_id: Id, read: Reading) -> Response[list[RefundView]]:
        """An order's refunds, oldest first."""

        async def found(tx: Tx) -> list[RefundView]:
            if (await orders.load(tx, order_id)).customer_id != tx.actor.id:
                raise NotFound("unknown_order", f"no order {order_id}")
            return [refund_view(refund) for refund in await store.refunds_of(tx, order_id) if refund.dispute_id is None]

        return await read(found)


class VendorRefundController(Controller):
    """What a vendor gives back."""

    path = "/v1/vendor"
    tags = ["money (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("/orders/{sub_order_id:str}/refunds", responses=refuses_write(404))
    async def ask(self, sub_order_id: Id, data: JSONBody[AskRefund], write: Writing) -> Response[SettledRefundView]:
        """Give money of the vendor's own sub-order back to the buyer."""

        async def use_case(tx: Tx) -> SettledRefundView:
            order_id = await orders.order_of(tx, sub_order_id, tx.actor.id)
            return settled_view(await ask.ask_refund(tx, order_id, sub_order_id, data.items, data.reason))

        return await write(use_case, status=201)

    @get("/refunds", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[SettledRefundView]]:
        """The vendor's refunds and lost disputes, newest first, with where the money came from."""

        async def found(tx: Tx) -> Page[SettledRefundView]:
            return await _refunds(tx, limit, cursor, refunds.c.vendor == tx.actor.id)

        return await read(found)


class AdminRefundController(Controller):
    """All refunds and disputes."""

    path = "/v1/admin"
    tags = ["money (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("/sub-orders/{sub_order_id:str}/refunds", responses=refuses_write(404))
    async def ask(self, sub_order_id: Id, data: JSONBody[AskRefund], write: Writing) -> Response[SettledRefundView]:
        """Give money of any paid sub-order back to the buyer."""

        async def use_case(tx: Tx) -> SettledRefundView:
            order_id = await orders.order_of(tx, sub_order_id)
            return settled_view(await ask.ask_refund(tx, order_id, sub_order_id, data.items, data.reason))

        return await write(use_case, status=201)

    @post("/orders/{order_id:str}/refunds", responses=refuses_write(404))
    async def ask_whole(self, order_id: Id, data: JSONBody[AskWhole], write: Writing) -> Response[list[SettledRefundView]]:
        """Give back all that is left of an order, one refund for each sub-order."""

        async def use_case(tx: Tx) -> list[SettledRefundView]:
            return [settled_view(refund) for refund in await ask.ask_refund_of_all(tx, order_id, data.reason)]

        return await write(use_case, status=201)

    @get("/refunds", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[SettledRefundView]]:
        """Every refund and lost dispute, newest first."""

        async def found(tx: Tx) -> Page[SettledRefundView]:
            return await _refunds(tx, limit, cursor)

        return await read(found)

    @get("/refunds/{refund_id:str}", responses=refuses(404))
    async def one(self, refund_id: Id, read: Reading) -> Response[SettledRefundView]:
        """One of them."""

        async def found(tx: Tx) -> SettledRefundView:
            return settled_view(await store.refund(tx, refund_id))

        return await read(found)

    @post("/refunds/{refund_id:str}/retry", status_code=200, responses=refuses_act(404))
    async def retry(self, refund_id: Id, write: Writing) -> Response[SettledRefundView]:
        """Send a failed refund again."""

        async def use_case(tx: Tx) -> SettledRefundView:
            return settled_view(await send.retry(tx, refund_id))

        return await write(use_case)

    @post("/refunds/{refund_id:str}/settle", status_code=200, responses=refuses_write(404))
    async def settle(self, refund_id: Id, data: JSONBody[ByHand], write: Writing) -> Response[SettledRefundView]:
        """Note that a failed refund was paid from our own bank account."""

        async def use_case(tx: Tx) -> SettledRefundView:
            return settled_view(await send.settle_by_hand(tx, refund_id, data.note))

        return await write(use_case)

    @get("/disputes", responses=refuses())
    async def disputes(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[DisputeView]]:
        """What buyers' banks contest, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[DisputeView]:
            before = [] if after is None else [disputes.c.id < after]
            rows = await store.disputes_where(tx, *before, limit=limit + 1)
            return page([dispute_view(row) for row in rows], limit, lambda row: row.id)

        return await read(found)

    @get("/disputes/{dispute_id:str}", responses=refuses(404))
    async def dispute(self, dispute_id: Id, read: Reading) -> Response[DisputeView]:
        """One of them."""

        async def found(tx: Tx) -> DisputeView:
            return dispute_view(await store.dispute(tx, dispute_id))

        return await read(found)


async def _refunds(tx: Tx, limit: int, cursor: str | None, *conditions: ColumnElement[bool]) -> Page[SettledRefundView]:
    after = position_of(cursor, str)
    before = [] if after is None else [refunds.c.id < after]
    rows = await store.refunds_where(tx, *conditions, *before, limit=limit + 1, newest_first=True)
    return page([settled_view(row) for row in rows], limit, lambda row: row.id)
