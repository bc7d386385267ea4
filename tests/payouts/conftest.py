"""Owns the bench of this folder: a database and a sandbox for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeDatabase
from tests.payouts.bench import Bench, bench


@pytest.fixture
async def desk(fresh_database: MakeDatabase) -> AsyncIterator[Bench]:
    """See `Bench`."""
    async with bench(await fresh_database()) as made:
        yield made
