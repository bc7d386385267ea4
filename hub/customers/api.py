"""Customers over HTTP, for operators."""

import msgspec
from litestar import Controller, Response, post
from litestar.params import JSONBody

from hub.customers.register import NewCustomer, Registered, register
from hub.runtime.callers import OPERATORS
from hub.runtime.http import BEARER, Writing, refuses_write


class CustomerController(Controller):
    """Who buys."""

    path = "/v1/admin/customers"
    tags = ["customers (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def register(self, data: JSONBody[NewCustomer], write: Writing) -> Response[Registered]:
        """Register a customer; the API key is shown this once."""
        return await write(lambda tx: register(tx, data), status=201, keep=lambda done: msgspec.structs.replace(done, api_key=None))
