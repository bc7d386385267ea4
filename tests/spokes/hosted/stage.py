"""The hosted adapter on the stage of a certification: an emulated hub with its vendor API, and a clerk who works through it."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.spokes.hosted import orders
from tests.spokes.hosted.clerk import Clerk
from vendor_sdk.client import AsyncClient
from vendor_sdk.conformance import commands
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.stage import Stage
from vendor_sdk.emulator.emulator import Emulator, Setup
from vendor_sdk.emulator.http.routes import answer, refusal
from vendor_sdk.emulator.http.wire import Server
from vendor_sdk.messages import Message, Recall, Ship, Submit, Track
from vendor_sdk.ports import CommandBody

BEFORE = "was-sent-before"
"""An order of long ago, and by its id the newest: whoever looks at the wrong one finds it."""


class HostedStage(Stage):
    """A hub of its own. Adapter and clerk reach it through the kit's proxy, so that both meet what fails."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self._recalled: set[str] = set()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="hosted-"))
        self._emulator = Emulator(Setup(vendor=self.settings.vendor, data=Path(folder), saves=False))
        await self._emulator.start()
        self._stack.push_async_callback(self._emulator.stop)
        server = Server(lambda request: answer(self._emulator, request), refusal)
        port = await server.start(0)
        self._stack.push_async_callback(server.stop)
        key = self._emulator.book.api_key
        self.config |= {"base_url": f"http://127.0.0.1:{port}", "api_key": key}
        await super().open()
        self._clerk = Clerk(await self._stack.enter_async_context(AsyncClient(self.config["base_url"], key)))
        await self._send_one_before()

    async def close(self) -> None:
        await self._stack.aclose()
        await super().close()

    async def stock(self, sku: str, units: int) -> None:
        self._clerk.shelf[sku] = units

    async def asked(self, body: CommandBody, command_id: str) -> None:
        """The order is in the hub's books, and the clerk looks what there is to do, unless the hub is away."""
        if isinstance(body, Recall):
            self._recalled.add(body.submit_command_id)
        if command_id in self._recalled:
            return  # a hub that has taken an order back shows it to nobody
        self._emulator.change(lambda turn: orders.ask(turn, body))
        if isinstance(body, Submit | Ship | Track) and self._fault in {None, Fault.UNKNOWN_STATUS}:
            await self._clerk.look()

    async def told(self, body: CommandBody, command_id: str) -> Message | None:
        del command_id
        return orders.answer(self._emulator.book, body)

    @property
    def _fault(self) -> Fault | None:
        assert self.meddler is not None
        return self.meddler.fault

    async def _send_one_before(self) -> None:
        await self.stock(BEFORE, 1)
        for body in (commands.submit(BEFORE, (BEFORE, 1)), commands.ship(BEFORE, (BEFORE, 1))):
            await self.asked(body, "")
