"""Sub-orders over HTTP, for vendors: see what is owed, accept or decline, tell of shipments."""

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta

from hub.checkout import vendor_acts
from hub.checkout.timing import Timing
from hub.kernel.errors import NotFound
from hub.orders import documents, store
from hub.orders.model import Order
from hub.orders.states import SubOrderState
from hub.orders.view import VendorOrderView, vendor_order_view
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from vendor_sdk.messages import Documents, Parcel, Reason, Short, Text

SubOrderId = Annotated[str, PathParameter(max_length=64)]
InState = Annotated[SubOrderState | None, QueryParameter(name="state")]
DueWithin = Annotated[
    int | None,
    QueryParameter(
        name="due_within", ge=0, le=366 * 86_400, description="only what waits for you and is promised for the next so many seconds"
    ),
]


class Accept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a vendor takes on: all of it but for the units in `short`, each SKU once, with why."""

    short: Short = []


class Decline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a sub-order is not accepted: `reason` is a stable word such as ``out_of_stock``."""

    reason: Reason
    detail: Text = ""


class Shipment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The boxes in which a sub-order left, and its papers; the buyer sees an ``invoice`` and ``customs`` papers."""

    parcels: Annotated[list[Parcel], Meta(min_length=1, max_length=100)]
    documents: Documents = []


class Recalled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a sub-order that its buyer wants canceled is stopped; if it is not, `reason` says why, such as ``already_shipped``."""

    stopped: bool
    reason: Reason = "already_shipped"


class VendorOrderController(Controller):
    """What a vendor owes."""

    path = "/v1/vendor/orders"
    tags = ["orders (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None, due_within: DueWithin = None
    ) -> Response[Page[VendorOrderView]]:
        """The vendor's sub-orders, newest first; with `due_within` those whose promise ends soon, or has ended."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[VendorOrderView]:
            due_before = None if due_within is None else await tx.now() + timedelta(seconds=due_within)
            rows = await store.of_vendor(tx, tx.actor.id, state=in_state, due_before=due_before, after=after, limit=limit + 1)
            papers = await documents.of_each(tx, [sub.id for sub, _, _ in rows])
            shown = [vendor_order_view(sub, currency, ship_to, papers.get(sub.id, ())) for sub, currency, ship_to in rows]
            return page(shown, limit, lambda sub: sub.id)

        return await read(found)

    @get("/{sub_order_id:str}", responses=refuses(404))
    async def one(self, sub_order_id: SubOrderId, read: Reading) -> Response[VendorOrderView]:
        """One sub-order."""

        async def found(tx: Tx) -> VendorOrderView:
            return await _own(await store.load(tx, await store.order_of(tx, sub_order_id, tx.actor.id)), sub_order_id, tx)

        return await read(found)

    @post("/{sub_order_id:str}/accept", status_code=200, responses=refuses_write(404))
    async def accept(
        self, sub_order_id: SubOrderId, write: Writing, timing: NamedDependency[Timing], data: JSONBody[Accept | None] = None
    ) -> Response[VendorOrderView]:
        """Accept a sub-order that awaits it: whole, without a body, or in part."""
        short = data.short if data is not None else []

        async def use_case(tx: Tx) -> VendorOrderView:
            return await _own(await vendor_acts.accept(tx, timing, sub_order_id, short), sub_order_id, tx)

        return await write(use_case)

    @post("/{sub_order_id:str}/decline", status_code=200, responses=refuses_write(404))
    async def decline(
        self, sub_order_id: SubOrderId, data: JSONBody[Decline], write: Writing, timing: NamedDependency[Timing]
    ) -> Response[VendorOrderView]:
        """Decline a sub-order that awaits acceptance; the buyer is not charged for it."""

        async def use_case(tx: Tx) -> VendorOrderView:
            return await _own(await vendor_acts.decline(tx, timing, sub_order_id, data.reason, data.detail), sub_order_id, tx)

        return await write(use_case)

    @post("/{sub_order_id:str}/shipments", responses=refuses_write(404))
    async def ship(
        self, sub_order_id: SubOrderId, data: JSONBody[Shipment], write: Writing, timing: NamedDependency[Timing]
    ) -> Response[VendorOrderView]:
        """Tell that a paid sub-order has left."""

        async def use_case(tx: Tx) -> VendorOrderView:
            return await _own(await vendor_acts.ship(tx, timing, sub_order_id, data.parcels, data.documents), sub_order_id, tx)

        return await write(use_case, status=201)

    @post("/{sub_order_id:str}/recall", status_code=200, responses=refuses_write(404))
    async def recall(
        self, sub_order_id: SubOrderId, data: JSONBody[Recalled], write: Writing, timing: NamedDependency[Timing]
    ) -> Response[VendorOrderView]:
        """Answer whether a sub-order that was to be stopped could be."""

        async def use_case(tx: Tx) -> VendorOrderView:
            stopped = (
                vendor_acts.stop(tx, timing, sub_order_id) if data.stopped else vendor_acts.keep(tx, timing, sub_order_id, data.reason)
            )
            return await _own(await stopped, sub_order_id, tx)

        return await write(use_case)

    @post("/{sub_order_id:str}/delivery", status_code=200, responses=refuses_write(404))
    async def deliver(self, sub_order_id: SubOrderId, write: Writing, timing: NamedDependency[Timing]) -> Response[VendorOrderView]:
        """Tell that a shipped sub-order has arrived."""

        async def use_case(tx: Tx) -> VendorOrderView:
            return await _own(await vendor_acts.deliver(tx, timing, sub_order_id), sub_order_id, tx)

        return await write(use_case)


async def _own(order: Order, sub_order_id: str, tx: Tx) -> VendorOrderView:
    sub = order.part(sub_order_id)
    if sub.vendor != tx.actor.id:
        raise NotFound("unknown_order", f"no order {sub_order_id}")
    papers = await documents.of_each(tx, [sub.id])
    return vendor_order_view(sub, order.currency, order.address, papers.get(sub.id, ()))
