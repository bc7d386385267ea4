"""Owns the fixtures of tests that speak to the whole HTTP API in process, on a database of their module's own."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from litestar import Litestar
from sqlalchemy import text

from hub.app import create_app
from hub.customers.register import NewCustomer, register
from hub.kernel.money import Money
from hub.runtime import auth
from hub.runtime.database import Actor, Database
from hub.settings import load_settings
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from hub.wiring import Wiring, wire

ADDRESS = {"name": "Ada", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


@dataclass
class Api:
    """The API and the keys of those who use it."""

    app: Litestar
    wiring: Wiring
    http: httpx.AsyncClient
    keys: dict[str, str]

    async def __call__(
        self, who: str, method: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request as `who`; of `json`, None sends no body."""
        sent = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        return await self.http.request(method, path, json=json, headers={**sent, **(headers or {})})

    async def sql(self, statement: str) -> None:
        """Change what is in the database, past the API."""
        async with self.wiring.database.tx() as tx:
            await tx.execute(text(statement))

    async def offer(self, sku: str = "mug", *, vendor: str = "acme", price: int = 1000, **terms: Any) -> str:
        """An offer's id, made if it is new."""
        body = {
            "price": {"amount": price, "currency": "EUR"},
            "stock": 10,
            "product": {"title": f"A {sku}", "category": "kitchen"},
            **terms,
        }
        answer = await self(vendor, "PUT", f"/v1/vendor/offers/{sku}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    async def cart(self, who: str = "ada", **body: Any) -> str:
        """A new cart's id."""
        answer = await self(who, "POST", "/v1/carts", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]


def settings_for(database_url: str, **more: str) -> dict[str, str]:
    """An environment that points at `database_url`."""
    return {
        "WHEELWRIGHT__DATABASE__URL": database_url,
        "WHEELWRIGHT__DATABASE__POOL_SIZE": "8",
        "WHEELWRIGHT__HTTP__COPY_SECONDS": "0",  # tests look at once at what they have changed
        **{f"WHEELWRIGHT__HTTP__{kind}_PER_MINUTE": "100000" for kind in ("ANONYMOUS", "BUYER", "VENDOR", "OPERATOR")},
        **more,
    }


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str) -> AsyncGenerator[Api]:
    """The API with two vendors (acme, bolt), two customers (ada, bob) and an operator (olga)."""
    wiring = wire(load_settings(environ=settings_for(database_url)), "test")
    keys = await people(wiring.database)
    app = create_app(wiring)
    async with serving(app) as http:
        yield Api(app, wiring, http, keys)
    await wiring.close()


def serving(app: Litestar) -> httpx.AsyncClient:
    """Speaks to the API in process."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    return httpx.AsyncClient(transport=transport, base_url="http://hub")


async def people(database: Database) -> dict[str, str]:
    """Keys by name of those who use the API."""
    async with database.tx() as tx:
        keys = {"olga": await auth.issue(tx, Actor("operator", "olga"))}
        for name in ("ada", "bob"):
            keys[name] = (await register(tx, NewCustomer(name=name, email=f"{name}@example.com"))).api_key or ""
        for code in ("acme", "bolt"):
            standard = ShippingOption(code="standard", name="Standard", price=Money(amount=490, currency="EUR"), days=3)
            express = ShippingOption(code="express", name="Express", price=Money(amount=990, currency="EUR"), days=1)
            new = NewVendor(code=code, name=code.title(), country="DE", shipping_options=[express, standard])
            keys[code] = (await admit(tx, new)).api_key or ""
    return keys
