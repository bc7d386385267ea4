"""The terms of vendors' money over HTTP: operators set them, vendors see their own."""

from litestar import Controller, Response, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from hub.runtime.callers import OPERATORS, VENDORS
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_write
from hub.vendors.change_terms import change_terms, look
from hub.vendors.money_terms import Marketplace, MoneyTerms, TermsChange


class TermsController(Controller):
    """When and how vendors get their money."""

    path = "/v1/admin/vendors/{code:str}/terms"
    tags = ["vendors (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses(404))
    async def one(self, code: FromPath[str], read: Reading, marketplace: NamedDependency[Marketplace]) -> Response[MoneyTerms]:
        """A vendor's terms: its own, and what is in force."""
        return await read(lambda tx: look(tx, marketplace, code))

    @patch("", responses=refuses_write(404, 412))
    async def change(  # a request's parts, all by name
        self,
        code: FromPath[str],
        data: JSONBody[TermsChange],
        write: Writing,
        marketplace: NamedDependency[Marketplace],
        if_match: IfMatch = None,
    ) -> Response[MoneyTerms]:
        """Change a vendor's terms; what is already held keeps its time, what is released from now on follows them."""
        return await write(lambda tx: change_terms(tx, marketplace, code, data, if_match))


class VendorTermsController(Controller):
    """When and how the vendor gets its money."""

    path = "/v1/vendor/terms"
    tags = ["money (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def mine(self, read: Reading, marketplace: NamedDependency[Marketplace]) -> Response[MoneyTerms]:
        """The vendor's terms: its own, and what is in force."""
        return await read(lambda tx: look(tx, marketplace, read.actor.id))
