"""Owns a shop in which vendors have spokes, and what those would tell."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.conftest import MakeDatabase
from tests.shop import open_shop
from tests.triage.spokes import Spokes


@pytest_asyncio.fixture
async def spokes(fresh_database: MakeDatabase) -> AsyncIterator[Spokes]:
    """acme and bolt, each with a spoke."""
    shop = await open_shop(await fresh_database(), "acme", "bolt")
    await shop.sql("UPDATE vendors SET capabilities = '{orders,shipping}', embedded_spoke = 'dummy'")
    yield Spokes(shop)
    await shop.close()
