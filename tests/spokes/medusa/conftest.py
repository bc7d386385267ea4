"""A Medusa shop to test against: the double of the server, and by `make test-live` the real one."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from spokes.medusa.adapter import Medusa
from tests.spokes.medusa.live import LiveFailed, Server
from tests.spokes.medusa.people import People
from tests.spokes.medusa.shop import SETTINGS, Shop, a_shop
from tests.spokes.told import opener

LIVE = [pytest.mark.live, pytest.mark.timeout(1800)]


class System(msgspec.Struct):
    """A shop with its people, and an adapter at it; `name` is new in each test: the real server is one for all."""

    adapter: Medusa
    people: People
    url: str
    settings: dict[str, Any]
    double: Shop | None
    name: str = msgspec.field(default_factory=lambda: secrets.token_hex(4))

    async def stock(self, units: int) -> str:
        """The new SKU of so many units."""
        sku = f"mug-{self.name}"
        if self.double is not None:
            self.double.stock(sku, units)
            return sku
        await self.people.stock(sku, units, self.settings["location"], self.settings["sales_channel"])
        return sku

    async def free(self, sku: str) -> int:
        """Units that new orders could have, as the adapter counts them."""
        return {level.sku: level.stock async for level in self.adapter.levels()}[sku]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server."""
    server = Server(tmp_path_factory.mktemp("medusa"))
    try:
        server.start()
        yield server
    except LiveFailed as failed:
        pytest.fail(str(failed), pytrace=False)
    finally:
        server.stop()


@asynccontextmanager
async def _system(url: str, settings: dict[str, Any], data: Path, double: Shop | None) -> AsyncIterator[System]:
    people = People(url, settings["api_key"])
    config = {"url": url, "allow_private": True, "settle": 0, **settings}
    try:
        async with opener(Medusa, config, data) as open_spoke:
            yield System(await open_spoke(), people, url, settings, double)
    finally:
        await people.close()


@pytest_asyncio.fixture(params=["double", pytest.param("server", marks=LIVE)])
async def system(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[System]:
    """One and the other."""
    if request.param == "server":
        real: Server = request.getfixturevalue("server")
        async with _system(real.url, real.settings, tmp_path, None) as system:
            yield system
        return
    async with a_shop() as shop, _system(shop.url, SETTINGS, tmp_path, shop) as system:
        yield system
