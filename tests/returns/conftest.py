"""Owns the shop of these tests."""

from collections.abc import AsyncGenerator

import pytest_asyncio

from tests.returns.desk import Desk, open_desk


@pytest_asyncio.fixture(scope="module")
async def desk(database_url: str) -> AsyncGenerator[Desk]:
    """Two vendors who work by hand, and a buyer who sends things back."""
    opened = await open_desk(database_url)
    yield opened
    await opened.shop.close()
