"""Owns the shop of these tests."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.shop import Shop, open_shop

COUPONS = """
[[promotions]]
code = "FREE"
name = "All goods"
bps = 10000
on = "goods"
borne_by = "platform"

[[promotions]]
code = "SHIPPED"
name = "All shipping"
bps = 10000
on = "shipping"
borne_by = "platform"
"""
BANK = {
    "WHEELWRIGHT__BANK__HOLDER": "Wheelwright",
    "WHEELWRIGHT__BANK__IBAN": "DE89370400440532013000",
}


@pytest_asyncio.fixture(scope="module")
async def shop(database_url: str, scratch: Path) -> AsyncGenerator[Shop]:
    """Two vendors, a coupon for everything, a bank account of ours."""
    coupons = scratch / "promotions.toml"
    coupons.write_text(COUPONS)
    opened = await open_shop(database_url, "acme", "bolt", settings=BANK | {"WHEELWRIGHT__ORDERS__PROMOTIONS_FILE": str(coupons)})
    yield opened
    await opened.close()
