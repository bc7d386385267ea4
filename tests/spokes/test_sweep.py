"""What was held too long is given back row by row: a submit in between keeps its row, and a row that fails stops no other."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from spokes.shopify.adapter import Shopify
from spokes.sweep import PUT_OFF_SECONDS, Sweep
from spokes.woocommerce.adapter import WooCommerce
from tests.spokes.shopify.shop import LOCATION, TOKEN
from tests.spokes.shopify.shop import a_shop as a_shopify
from tests.spokes.told import key, opener
from tests.spokes.woocommerce.shop import KEY, SECRET
from tests.spokes.woocommerce.shop import a_shop as a_woo
from tests.vendor_sdk import orders
from vendor_sdk.errors import Misconfigured, Retry
from vendor_sdk.messages import Accepted, Reserved

WOO: tuple[Any, Any, dict[str, Any]] = (WooCommerce, a_woo, {"consumer_key": KEY, "consumer_secret": SECRET, "settle": 0})
SHOPIFY: tuple[Any, Any, dict[str, Any]] = (Shopify, a_shopify, {"access_token": TOKEN, "location": LOCATION})
BOTH = pytest.mark.parametrize(("adapter", "a_shop", "settings"), [WOO, SHOPIFY], ids=["woocommerce", "shopify"])


def _short(name: str, quantity: int = 1) -> Any:
    return replace(orders.reserve(name, quantity=quantity), expires_at=orders.later(0.4))


@BOTH
async def test_a_submit_between_the_sweeps_reading_and_its_canceling_keeps_its_units(
    adapter: Any, a_shop: Any, settings: dict[str, Any], tmp_path: Path
) -> None:
    async with a_shop() as shop, opener(adapter, {"url": shop.url, "allow_private": True, **settings}, tmp_path) as opening:
        shop.stock("mug", 5)
        spoke = await opening()
        await spoke.reserve(_short("s1"), key("r1"))
        await spoke.reserve(_short("s2"), key("r2"))
        await asyncio.sleep(0.5)
        begun, go = asyncio.Event(), asyncio.Event()

        async def hold_up(_: web.Request) -> None:
            shop.before = None
            begun.set()
            await go.wait()

        shop.before = hold_up
        reserving = asyncio.create_task(spoke.reserve(orders.reserve("s3", quantity=1), key("r3")))
        await begun.wait()
        submitting = [asyncio.create_task(spoke.submit(orders.submit(name, quantity=1), key(f"o-{name}"))) for name in ("s1", "s2")]
        await asyncio.sleep(0.5)
        go.set()
        assert isinstance(await reserving, Reserved)
        assert all(isinstance(answer, Accepted) for answer in await asyncio.gather(*submitting))
        if adapter is WooCommerce:
            statuses = [order["status"] for order in shop.orders.values()]
            assert statuses.count("cancelled") == 1, "the row in the sweep's hands; the other is kept"
            assert shop.units("mug") == 2
        else:
            assert shop.level("mug") == {"available": 2, "reserved": 1, "committed": 2}


@BOTH
async def test_a_row_that_cannot_be_given_back_stops_no_reserve(
    adapter: Any, a_shop: Any, settings: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_shop() as shop, opener(adapter, {"url": shop.url, "allow_private": True, **settings}, tmp_path) as opening:
        shop.stock("mug", 5)
        spoke = await opening()
        for name in ("s1", "s2"):
            await spoke.reserve(_short(name), key(name))
        await asyncio.sleep(0.5)
        shop.fault("odd")
        assert isinstance(await spoke.reserve(orders.reserve("s3", quantity=4), key("r3")), Reserved)
        assert "cannot be given back yet" in caplog.text


class Rows:
    """Two rows, the first of which can never be given back."""

    def __init__(self) -> None:
        self.until = {"r1": 0.0, "r2": 0.0}

    async def expired(self) -> list[Any]:
        return [orders_row(name) for name, until in self.until.items() if until <= time.time()]

    async def still_expired(self, command_id: str) -> Any:
        return orders_row(command_id) if self.until[command_id] <= time.time() else None

    async def put_off(self, command_id: str, until: float) -> None:
        self.until[command_id] = until


def orders_row(command_id: str) -> Any:
    return key(command_id)


@pytest.mark.parametrize("error", [Misconfigured("no"), Retry("no"), asyncio.CancelledError()])
async def test_what_failed_is_put_off_also_where_the_call_was_ended(error: BaseException) -> None:
    rows, given = Rows(), list[str]()

    async def give_back(row: Any) -> None:
        if row.command_id == "r1":
            raise error
        given.append(row.command_id)

    sweep = Sweep[Any](rows, give_back)
    for _ in range(2):
        try:
            await sweep.run()
        except asyncio.CancelledError:
            continue
    assert given == ["r2"]
    assert PUT_OFF_SECONDS - 60 < rows.until["r1"] - time.time() <= PUT_OFF_SECONDS
