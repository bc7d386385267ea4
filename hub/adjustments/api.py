"""Fines and bonuses over HTTP: vendors see theirs, operators post and waive."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from hub.adjustments import adjust, store
from hub.adjustments.store import NewAdjustment, Posted
from hub.kernel.errors import Invalid, NotFound
from hub.kernel.money import Money
from hub.ledger.recipes import Adjustment
from hub.orders import store as orders
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors import store as vendors

AdjustmentId = Annotated[str, PathParameter(max_length=64)]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]


class AdjustmentWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fine or bonus by hand; `order` (an order's id) where it is about one."""

    kind: Adjustment
    amount: Money
    reason: Reason
    order: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is taken back."""

    reason: Reason


class AdjustmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A fine or bonus; `rule` is null where an operator posted it by hand."""

    id: str
    kind: Adjustment
    amount: Money
    rule: str | None
    reason: str
    order_id: str | None
    sub_order_id: str | None
    created_at: datetime
    waived_at: datetime | None
    waived_why: str | None


class VendorAdjustmentController(Controller):
    """Fines and bonuses."""

    path = "/v1/vendor/adjustments"
    tags = ["money (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[AdjustmentView]]:
        """The vendor's fines and bonuses, newest first."""
        return await read(lambda tx: _browse(tx, tx.actor.id, limit, cursor))


class AdjustmentController(Controller):
    """Vendors' fines and bonuses."""

    path = "/v1/admin/vendors/{code:str}/adjustments"
    tags = ["money (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses(404))
    async def browse(
        self, code: FromPath[str], read: Reading, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[AdjustmentView]]:
        """A vendor's fines and bonuses, newest first."""

        async def found(tx: Tx) -> Page[AdjustmentView]:
            await vendors.get(tx, code)
            return await _browse(tx, code, limit, cursor)

        return await read(found)

    @post("", responses=refuses_write(404))
    async def post_one(self, code: FromPath[str], data: JSONBody[AdjustmentWanted], write: Writing) -> Response[AdjustmentView]:
        """Fine a vendor or give it a bonus, by hand."""
        return await write(lambda tx: _post(tx, code, data), status=201)

    @post("/{adjustment_id:str}/waive", status_code=200, responses=refuses_write(404))
    async def waive(
        self, code: FromPath[str], adjustment_id: AdjustmentId, data: JSONBody[Waiver], write: Writing
    ) -> Response[AdjustmentView]:
        """Take one back: the opposite is posted, once."""

        async def use_case(tx: Tx) -> AdjustmentView:
            return _show(await adjust.waive(tx, adjustment_id, vendor=code, why=data.reason))

        return await write(use_case)


async def _browse(tx: Tx, vendor: str, limit: int, cursor: str | None) -> Page[AdjustmentView]:
    found = await store.of_vendor(tx, vendor, after=position_of(cursor, str), limit=limit + 1)
    return page([_show(each) for each in found], limit, lambda each: each.id)


async def _post(tx: Tx, code: str, wanted: AdjustmentWanted) -> AdjustmentView:
    if wanted.amount.amount == 0:
        raise Invalid("amount_zero", "an adjustment is at least one minor unit", field="/amount/amount")
    await vendors.get(tx, code)
    sub_order_id = None if wanted.order is None else await _part(tx, wanted.order, code)
    new = NewAdjustment(
        vendor=code,
        kind=wanted.kind,
        amount=wanted.amount.amount,
        currency=wanted.amount.currency,
        reason=wanted.reason,
        order_id=wanted.order,
        sub_order_id=sub_order_id,
    )
    adjustment_id = await adjust.post(tx, new)
    assert adjustment_id is not None, "only a rule's may have been posted before"
    return _show(await store.get(tx, adjustment_id, vendor=code))


async def _part(tx: Tx, order_id: str, vendor: str) -> str:
    order = await orders.load(tx, order_id)
    part = next((part for part in order.sub_orders if part.vendor == vendor), None)
    if part is None:
        raise NotFound("unknown_order", f"{vendor} has no part in {order_id}")
    return part.id


def _show(posted: Posted) -> AdjustmentView:
    return AdjustmentView(
        id=posted.id,
        kind=posted.kind,
        amount=Money(amount=posted.amount, currency=posted.currency),
        rule=posted.rule,
        reason=posted.reason,
        order_id=posted.order_id,
        sub_order_id=posted.sub_order_id,
        created_at=posted.created_at,
        waived_at=posted.waived_at,
        waived_why=posted.waived_why,
    )
