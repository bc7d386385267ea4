"""Two markets that a vendor can talk to in the same words: a real hub, and the emulator."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx

from hub.app import create_app
from hub.runtime import auth
from hub.runtime.database import Actor
from tests.hub_api import serving
from tests.shop import Shop
from vendor_sdk.emulator import course
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.http.routes import answer, refusal
from vendor_sdk.emulator.http.wire import Server
from vendor_sdk.emulator.model import Terms
from vendor_sdk.messages import Item

VENDOR = "dora"
SKU, PRICE = "mug", 1000


class Market(Protocol):
    """Where a vendor's software can be tried."""

    http: httpx.AsyncClient

    async def order(self, units: int) -> str:
        """A buyer orders so many mugs; the sub-order's id, once the vendor is asked."""
        ...

    async def settle(self) -> None:
        """Do what is due."""
        ...


class OfTheHub:
    """A hub, whose vendor works by hand."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient) -> None:
        self._shop = shop
        self.http = http

    async def order(self, units: int) -> str:
        order_id = await self._shop.place((VENDOR, SKU, PRICE, units))
        await self.settle()
        return (await self._shop.order(order_id)).sub_orders[0].id

    async def settle(self) -> None:
        await self._shop.run()


class OfTheEmulator:
    """The same without a hub."""

    def __init__(self, emulator: Emulator, http: httpx.AsyncClient) -> None:
        self._emulator = emulator
        self.http = http

    async def order(self, units: int) -> str:
        sku = f"{SKU}-{PRICE}"
        return self._emulator.change(lambda turn: course.place(turn, [Item(sku=sku, quantity=units)])).id

    async def settle(self) -> None:
        await self._emulator.until(lambda _: False, 5.0, 0.005)


@asynccontextmanager
async def of_the_hub(shop: Shop) -> AsyncGenerator[Market]:
    """A market on a real hub."""
    async with shop.wiring.database.tx() as tx:
        key = await auth.issue(tx, Actor("vendor", VENDOR))
    async with serving(create_app(shop.wiring)) as http:
        http.headers["Authorization"] = f"Bearer {key}"
        yield OfTheHub(shop, http)


@asynccontextmanager
async def of_the_emulator(folder: Path) -> AsyncGenerator[Market]:
    """A market of the emulator, over a socket."""
    emulator = Emulator(Setup(vendor=VENDOR, data=folder, saves=False, terms=Terms(hold=0.0)))
    server = Server(lambda request: answer(emulator, request), refusal)
    await emulator.start()
    port = await server.start(0)
    headers = {"Authorization": f"Bearer {emulator.book.api_key}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as http:
        try:
            yield OfTheEmulator(emulator, http)
        finally:
            await server.stop()
            await emulator.stop()
