"""The flatfile adapter on the stage of a certification: a vendor that takes its orders' files away and puts shipments' files there."""

import asyncio
import contextlib
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.spokes.flatfile import vendor as flatfile
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.stage import Stage
from vendor_sdk.errors import Misconfigured

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 8.0
RATES = "code,name,price,currency,days\npost,Post,4.90,EUR,3\nexpress,Express,9.90,EUR,1\n"


class FlatStage(Stage):
    """A folder of its own."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        root = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._vendor = await self._stack.enter_async_context(flatfile.a_vendor(root))
        self.config |= self._vendor.settings | {"poll": LOOK_SECONDS}
        self._people = asyncio.create_task(self._send())

    async def close(self) -> None:
        self._people.cancel()
        await self._stack.aclose()

    async def stock(self, sku: str, units: int) -> None:
        self._vendor.stock(sku, units)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._vendor.names("in"):  # noqa: ASYNC110  # files tell nobody that they are gone
                await asyncio.sleep(LOOK_SECONDS)

    async def fault(self, fault: Fault | None) -> None:
        if fault is not None:
            raise Misconfigured("a folder has no such faults")

    async def _send(self) -> None:
        files, told = 0, self.adapter
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(FileNotFoundError):  # the adapter has not made its folders yet
                if self.adapter is not told:
                    self._vendor.put(f"rates-{files}.csv", RATES)
                    told, files = self.adapter, files + 1
                taken = sorted({row["sub_order_id"] for row in self._vendor.take()})
                if taken:
                    files += 1
                    rows = "".join(f"{sub_order_id},Post,T\n" for sub_order_id in taken)
                    self._vendor.put(f"shipments-{files}.csv", f"sub_order_id,carrier,tracking_number\n{rows}")
