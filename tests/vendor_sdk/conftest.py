"""The stand, one per module, and a vendor and spokes per test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.vendor_sdk.stand import Stand
from tests.vendor_sdk.wheel import build
from vendor_sdk.spoke import Spoke

VENDORS = [f"vendor-{number}" for number in range(48)]

RunSpoke = Callable[..., Awaitable[Spoke]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK's wheel."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest_asyncio.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """The hub's side of a broker with a few dozen vendors."""
    stand = Stand(tmp_path_factory.mktemp("stand"), VENDORS)
    await stand.open()
    yield stand
    await stand.close()


@pytest.fixture
def vendor(stand: Stand) -> str:
    """A vendor that no other test of the module uses."""
    return stand.new_vendor()


@pytest_asyncio.fixture
async def run_spoke(stand: Stand) -> AsyncIterator[RunSpoke]:
    """Runs spokes in this process; all are stopped after the test."""
    running: list[Spoke] = []

    async def run(vendor: str, config: dict[str, Any] | None = None, **changes: Any) -> Spoke:
        spoke = await stand.spoke(vendor, config, **changes)
        running.append(spoke)
        return spoke

    yield run
    for spoke in running:
        await spoke.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for settings' files."""
    return tmp_path
