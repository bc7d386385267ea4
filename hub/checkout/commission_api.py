"""Commission over HTTP: why so much, for vendors and operators; and what other rules would have taken, for operators."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter

from hub.checkout.explain_commission import CommissionView, explain
from hub.checkout.try_rules import WhatIf, WhatIfView, try_rules
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.http import BEARER, Reading, refuses

SubOrderId = Annotated[str, PathParameter(max_length=64)]


class VendorCommissionController(Controller):
    """What a vendor's sales cost it."""

    path = "/v1/vendor/orders"
    tags = ["commission"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/{sub_order_id:str}/commission", responses=refuses(404))
    async def explain(self, sub_order_id: SubOrderId, read: Reading) -> Response[CommissionView]:
        """Which rule gave which cent of a sub-order's commission, and what refunds have given back of it."""
        return await read(lambda tx: explain(tx, sub_order_id, tx.actor.id))


class CommissionController(Controller):
    """What we take, and what other rules would have taken."""

    path = "/v1/admin"
    tags = ["commission"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/sub-orders/{sub_order_id:str}/commission", responses=refuses(404))
    async def explain(self, sub_order_id: SubOrderId, read: Reading) -> Response[CommissionView]:
        """The same for any sub-order."""
        return await read(lambda tx: explain(tx, sub_order_id))

    @post("/commission/what-if", status_code=200, responses=refuses(413, 415, 422))
    async def what_if(self, data: JSONBody[WhatIf], read: Reading) -> Response[WhatIfView]:
        """Try rules on past orders: what they would have taken, beside what was taken. Nothing is written."""
        return await read(lambda tx: try_rules(tx, data))
