"""One world for all stories of a module."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.world import ALL, Building, World


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Three vendors with spokes (acme, bolt, cedar), one that works by hand (dora)."""
    vendors = {"acme": ALL, "bolt": ALL, "cedar": ALL, "dora": ()}
    folder = scratch / f"world-{database_url.rsplit('/', 1)[1]}"
    async with Building(database_url, folder, vendors, orders__reserve_seconds="3") as built:
        yield built
