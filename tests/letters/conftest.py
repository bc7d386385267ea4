"""The module's own database, as the hub opens it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from hub.runtime.database import Database


@pytest_asyncio.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to a migrated database of this module's own."""
    database = Database(database_url, pool_size=12)
    yield database
    await database.close()
