"""Vendors' health over HTTP, for operators and for each vendor itself."""

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from hub.liveness import look
from hub.liveness.look import LivenessView
from hub.liveness.rules import Watch
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors import store as vendors


class LivenessController(Controller):
    """How every vendor is."""

    path = "/v1/admin"
    tags = ["vendors (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/liveness", responses=refuses())
    async def browse(
        self, read: Reading, watch: NamedDependency[Watch], limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[LivenessView]]:
        """How the vendors with spokes are, by code."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[LivenessView]:
            return page(await look.browse(tx, watch, after=after, limit=limit + 1), limit, lambda view: view.vendor)

        return await read(found)

    @get("/vendors/{code:str}/liveness", responses=refuses(404))
    async def one(self, code: FromPath[str], read: Reading, watch: NamedDependency[Watch]) -> Response[LivenessView]:
        """How one vendor is."""

        async def found(tx: Tx) -> LivenessView:
            await vendors.get(tx, code)
            return await look.look(tx, watch, code)

        return await read(found)


class VendorLivenessController(Controller):
    """How a vendor's own spoke looks from here."""

    path = "/v1/vendor/liveness"
    tags = ["orders (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def mine(self, read: Reading, watch: NamedDependency[Watch]) -> Response[LivenessView]:
        """Whether we hear your spoke, and how well it works."""
        return await read(lambda tx: look.look(tx, watch, read.actor.id))
