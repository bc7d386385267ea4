"""Vendors over HTTP, for operators."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.vendors import store
from hub.vendors.admit import admit
from hub.vendors.advance import advance
from hub.vendors.model import Admitted, NewVendor, Vendor
from hub.vendors.states import VendorEvent, VendorState

InState = Annotated[VendorState | None, QueryParameter(name="state")]


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done; it goes into the timeline."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class VendorController(Controller):
    """Who sells through us."""

    path = "/v1/admin/vendors"
    tags = ["vendors (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def admit(self, data: JSONBody[NewVendor], write: Writing) -> Response[Admitted]:
        """Admit a vendor; its API key is shown this once."""
        return await write(lambda tx: admit(tx, data), status=201, keep=lambda done: msgspec.structs.replace(done, api_key=None))

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, in_state: InState = None) -> Response[Page[Vendor]]:
        """Vendors by code."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[Vendor]:
            return page(await store.find_all(tx, state=in_state, after=after, limit=limit + 1), limit, lambda vendor: vendor.code)

        return await read(found)

    @get("/{code:str}", responses=refuses(404))
    async def one(self, code: FromPath[str], read: Reading) -> Response[Vendor]:
        """One vendor."""
        return await read(lambda tx: store.get(tx, code))

    @post("/{code:str}/suspend", status_code=200, responses=refuses_write(404))
    async def suspend(self, code: FromPath[str], data: JSONBody[Because], write: Writing) -> Response[Vendor]:
        """Take a vendor's offers off sale, or call its closing off; what is ordered goes on."""
        return await write(lambda tx: advance(tx, code, VendorEvent.SUSPEND, data.reason))

    @post("/{code:str}/activate", status_code=200, responses=refuses_write(404))
    async def activate(self, code: FromPath[str], data: JSONBody[Because], write: Writing) -> Response[Vendor]:
        """Put a suspended vendor's offers back on sale."""
        return await write(lambda tx: advance(tx, code, VendorEvent.ACTIVATE, data.reason))

    @post("/{code:str}/close", status_code=200, responses=refuses_write(404))
    async def close(self, code: FromPath[str], data: JSONBody[Because], write: Writing) -> Response[Vendor]:
        """Part with a vendor for good: nothing new is sold, what is open comes to its end, then its keys end."""
        return await write(lambda tx: advance(tx, code, VendorEvent.CLOSE, data.reason))
