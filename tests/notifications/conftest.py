"""Owns the fixtures of this folder: the API with private addresses allowed, a receiver, and a courier of each test's own."""

import asyncio
from collections.abc import AsyncGenerator

import pytest_asyncio

from hub.app import create_app
from hub.notifications.deliver import Courier
from hub.settings import load_settings
from hub.wiring import wire
from tests.hub_api import Api, people, serving, settings_for
from tests.notifications.desk import LIMITS, Desk, Receiver


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str) -> AsyncGenerator[Api]:
    """The API of a hub on a developer's machine."""
    more = {"WHEELWRIGHT__NOTIFICATIONS__ALLOW_PRIVATE": "true"}
    wiring = wire(load_settings(environ=settings_for(database_url, **more)), "test")
    keys = await people(wiring.database)
    app = create_app(wiring)
    async with serving(app) as http:
        yield Api(app, wiring, http, keys)
    await wiring.close()


@pytest_asyncio.fixture
async def desk(api: Api) -> AsyncGenerator[Desk]:
    """Nobody has an endpoint yet, and all that happened before is followed."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    courier = Courier(api.wiring.database, LIMITS)
    desk = Desk(api, receiver, courier)
    for table in ("attempts", "deliveries", "events", "replays", "keys", "endpoints"):
        await desk.sql(f"DELETE FROM webhook_{table}")
    await desk.follow()
    yield desk
    await courier.stop(0)
    server.close()
