"""A vendor that exchanges files, and its adapter, once in a folder and once over SFTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from spokes.flatfile.adapter import FlatFile
from spokes.flatfile.settings import Settings
from tests.spokes.flatfile.vendor import Vendor, a_vendor
from tests.spokes.told import Told

Open = Callable[..., Awaitable[FlatFile]]


@pytest_asyncio.fixture(params=["folder", "sftp"])
async def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vendor]:
    async with a_vendor(tmp_path / "vendor", over_sftp=request.param == "sftp") as vendor:
        yield vendor


@pytest_asyncio.fixture
async def open_shop(vendor: Vendor, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the vendor's adapter, which looks into its inbox once by itself."""
    opened: list[FlatFile] = []

    async def open_shop(**settings: Any) -> FlatFile:
        its = msgspec.convert(vendor.settings | {"poll": 3600} | settings, Settings)
        shop = FlatFile("acme", its, Told(), tmp_path / "data")
        await shop.open()
        opened.append(shop)
        await looked(shop)  # its own first look is over then, and no test meets it
        return shop

    yield open_shop
    for shop in opened:
        await shop.close()


async def looked(shop: FlatFile) -> None:
    """Look twice: what has not changed in between is whole."""
    await shop.look()
    await shop.look()
