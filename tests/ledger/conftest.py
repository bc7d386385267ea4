"""The module's own database, its books over HTTP, and a small story of two vendors in them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from sqlalchemy import insert

from hub.kernel.errors import Refusal
from hub.ledger.api import LedgerController
from hub.ops.vendor_books import VendorBooksController
from hub.orders.tables import orders, sub_orders
from hub.runtime import auth, problems
from hub.runtime.callers import Callers
from hub.runtime.database import Actor, Database
from hub.runtime.edge import Edge, Rates
from hub.runtime.http import DEPENDENCIES
from tests.ledger.told import Told, tell

VENDORS = ("a", "a-b", "ab")


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to a migrated database of this module's own."""
    database = Database(database_url, pool_size=12)
    yield database
    await database.close()


class Books:
    """The books' two controllers, asked by an operator (olga) and by vendors."""

    def __init__(self, http: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._http = http
        self._keys = keys

    async def __call__(self, who: str, path: str, *, accept: str = "application/json", **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[who]}", "Accept": accept}
        return await self._http.get(path, params=query or None, headers=headers)

    async def get(self, who: str, path: str, **query: Any) -> Any:
        answer = await self(who, path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def all(self, who: str, path: str, **query: Any) -> list[Any]:
        """Every page's data."""
        found, cursor = [], {}
        while True:
            page = await self.get(who, path, **query, **cursor)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}


@pytest_asyncio.fixture(scope="module")
async def books(database: Database) -> AsyncIterator[Books]:
    """The books over HTTP, as `hub.app` serves them."""
    async with database.tx() as tx:
        keys = {vendor: await auth.issue(tx, Actor("vendor", vendor)) for vendor in VENDORS}
        keys["olga"] = await auth.issue(tx, Actor("operator", "olga"))

    def provide_database() -> Database:
        return database

    app = Litestar(
        route_handlers=[LedgerController, VendorBooksController],
        dependencies={**DEPENDENCIES, "database": Provide(provide_database, sync_to_thread=False)},
        exception_handlers={Refusal: problems.on_refusal, HTTPException: problems.on_http, Exception: problems.on_anything},
        openapi_config=None,
        logging_config=None,
    )
    app.state.database = database
    app.asgi_handler = Edge(app.asgi_handler, Callers(database), Rates(anonymous=10**6, customer=10**6, vendor=10**6, operator=10**6))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Books(http, keys)


@pytest_asyncio.fixture(scope="module")
async def story(database: Database) -> Told:
    """See `tests.ledger.told`."""
    async with database.tx() as tx:
        common = {"order_id": "ord_1", "state": "settled", "shipping_option": "standard", "shipping_price": 0}
        order = {"id": "ord_1", "customer_id": "cus_1", "quote_id": "q_1", "kind": "standard", "stage": "done", "course": "finished"}
        rest: dict[str, Any] = {"state": "completed", "currency": "EUR", "total": 0, "address": {}}
        rest |= {"payment_method": "pm", "on_shortage": "partial"}
        await tx.execute(insert(orders).values(**order, **rest))
        for number, (sub, vendor) in enumerate((("sub_1", "a"), ("sub_2", "a-b")), 1):
            await tx.execute(
                insert(sub_orders).values(id=sub, number=number, vendor=vendor, goods_total=0, total=0, commission=0, **common)
            )
    return await tell(database)
