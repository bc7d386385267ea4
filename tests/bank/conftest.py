"""A bank of its own for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from tests.bank.hands import Bank


@pytest_asyncio.fixture
async def bank(fresh_database: Callable[[], Awaitable[str]]) -> AsyncIterator[Bank]:
    """On an empty database."""
    made = Bank(await fresh_database())
    yield made
    await made.database.close()
