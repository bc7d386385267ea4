"""Owns the fixtures of this folder: the API with webhook secrets, and a gateway on a sandbox of each test's own."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from hub.app import create_app
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.payments.ports import Gateways
from hub.sandbox.app import SECRET, Sandbox, create_sandbox
from hub.settings import load_settings
from hub.webhooks.tables import provider_cursors, provider_events
from hub.wiring import wire
from tests.hub_api import Api, people, settings_for
from tests.webhooks.signing import CONNECT, OLD, PLATFORM


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str) -> AsyncGenerator[Api]:
    """The API, which knows two secrets for the platform's endpoint and one for that of connected accounts."""
    secrets = {"WHEELWRIGHT__STRIPE__WEBHOOK_SECRET": f"{PLATFORM},{OLD}", "WHEELWRIGHT__STRIPE__CONNECT_WEBHOOK_SECRET": CONNECT}
    secrets |= {"WHEELWRIGHT__ORDERS__HOLD_SECONDS": "0", "WHEELWRIGHT__WORKER__POLL_SECONDS": "0.01"}
    wiring = wire(load_settings(environ=settings_for(database_url, **secrets)), "test")
    keys = await people(wiring.database)
    app = create_app(wiring)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Api(app, wiring, http, keys)
    await wiring.close()


@pytest.fixture(autouse=True)
async def nothing_told(api: Api) -> None:
    """Each test begins with no event kept."""
    async with api.wiring.database.tx() as tx:
        await tx.execute(provider_events.delete())
        await tx.execute(provider_cursors.delete())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = create_sandbox(None)
    yield made
    made.close()


@pytest_asyncio.fixture
async def gateways(sandbox: Sandbox) -> AsyncIterator[Gateways]:
    made = StripeGateway(SECRET, base_url="http://sandbox", timeout=5, rate_per_second=None, wire=InProcess(sandbox, 5))
    yield {"stripe": made}
    await made.close()


@pytest_asyncio.fixture(scope="module")
async def closed(database_url: str) -> AsyncGenerator[Api]:
    """The same API without any webhook secret."""
    wiring = wire(load_settings(environ=settings_for(database_url)), "test")
    transport = httpx.ASGITransport(app=create_app(wiring), raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]  # litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Api(create_app(wiring), wiring, http, {})
    await wiring.close()
