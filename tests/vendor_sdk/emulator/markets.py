"""Two markets that a vendor can talk to in the same words: a real hub, and the emulator."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx

from hub.app import create_app
from hub.notifications.follow import follow
from hub.returns.ask import ask_return
from hub.returns.model import Asked, AskReturn
from hub.runtime import auth
from hub.runtime.database import Actor
from tests.hub_api import serving
from tests.shop import Shop
from vendor_sdk.emulator import course
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.http.routes import answer, refusal
from vendor_sdk.emulator.http.wire import Server
from vendor_sdk.emulator.model import Terms
from vendor_sdk.emulator.returns import ask
from vendor_sdk.emulator.returns import model as emulated
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.messages import Item

VENDOR = "dora"
FOLLOWED = "SELECT seq >= (SELECT coalesce(max(seq), 0) FROM timeline) FROM webhook_cursors"
SKU, PRICE = "mug", 1000


class Market(Protocol):
    """Where a vendor's software can be tried."""

    http: httpx.AsyncClient

    async def order(self, units: int) -> str:
        """A buyer orders so many mugs; the sub-order's id, once the vendor is asked."""
        ...

    async def ask_return(self, part_id: str, units: int) -> str:
        """The buyer wants to send so many of them back; the return's id."""
        ...

    async def settle(self) -> None:
        """Do what is due."""
        ...

    async def tell(self) -> None:
        """Write the webhooks of what has happened."""
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

    async def ask_return(self, part_id: str, units: int) -> str:
        order = (await self.http.get(f"/v1/vendor/orders/{part_id}")).json()
        wanted = AskReturn(lines=[Asked(line_id=order["lines"][0]["id"], quantity=units, reason="changed_mind")])
        rules = self._shop.wiring.timing.returns
        [opened] = await self._shop.act(lambda tx: ask_return(tx, rules, order["order_id"], wanted), self._shop.buyer)
        await self.tell()
        return opened.id

    async def settle(self) -> None:
        await self._shop.run()
        await self.tell()

    async def tell(self) -> None:
        """A test beside this one may have an older transaction open: then not all can be followed yet."""
        for _ in range(200):
            await follow(self._shop.wiring.database)
            if await self._shop.scalar(FOLLOWED):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the timeline is not followed")


class OfTheEmulator:
    """The same without a hub."""

    def __init__(self, emulator: Emulator, http: httpx.AsyncClient) -> None:
        self._emulator = emulator
        self.http = http

    async def order(self, units: int) -> str:
        sku = f"{SKU}-{PRICE}"
        return self._emulator.change(lambda turn: course.place(turn, [Item(sku=sku, quantity=units)])).id

    async def ask_return(self, part_id: str, units: int) -> str:
        def work(turn: Turn) -> str:
            part = turn.book.parts[part_id]
            return ask.ask(turn, part, [emulated.Asked(line_id=part.lines[0].id, quantity=units)]).id

        return self._emulator.change(work)

    async def settle(self) -> None:
        await self._emulator.until(lambda _: False, 5.0, 0.005)

    async def tell(self) -> None:
        """They are written with what they tell."""


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
