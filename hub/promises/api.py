"""Vendors' promises over HTTP: operators set them, vendors see their own."""

from litestar import Controller, Response, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from hub.promises.change_promises import change_promises, look
from hub.promises.model import PromisesChange, VendorPromises
from hub.promises.rules import OurPromises
from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write


class PromisesController(Controller):
    """By when vendors accept, ship and deliver."""

    path = "/v1/admin/vendors/{code:str}/promises"
    tags = ["vendors (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses(404))
    async def one(self, code: FromPath[str], read: Reading, our_promises: NamedDependency[OurPromises]) -> Response[VendorPromises]:
        """A vendor's promises: its own, and what is in force."""
        return await read(lambda tx: look(tx, our_promises, code))

    @patch("", responses=refuses_write(404, 412))
    async def change(  # a request's parts, all by name
        self,
        code: FromPath[str],
        data: JSONBody[PromisesChange],
        write: Writing,
        our_promises: NamedDependency[OurPromises],
        if_match: IfMatch = None,
    ) -> Response[VendorPromises]:
        """Change a vendor's promises; what it was asked before keeps its times, what it is asked from now on follows them."""
        return await write(lambda tx: change_promises(tx, our_promises, code, data, if_match))


class VendorPromisesController(Controller):
    """By when the vendor accepts, ships and delivers."""

    path = "/v1/vendor/promises"
    tags = ["orders (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def mine(self, read: Reading, our_promises: NamedDependency[OurPromises]) -> Response[VendorPromises]:
        """The vendor's promises: its own, and what is in force."""
        return await read(lambda tx: look(tx, our_promises, read.actor.id))
