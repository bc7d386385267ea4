"""Owns the shop of these tests."""

from collections.abc import AsyncGenerator

import pytest_asyncio

from tests.shop import Shop, open_shop


@pytest_asyncio.fixture(scope="module")
async def shop(database_url: str) -> AsyncGenerator[Shop]:
    """Two vendors, whose shares are released as soon as they are delivered."""
    opened = await open_shop(database_url, "acme", "bolt")
    yield opened
    await opened.close()
