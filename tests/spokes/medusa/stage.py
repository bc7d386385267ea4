"""The Medusa adapter on the stage of a certification: at the double or the real server, whose people send at once what is packed."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.spokes.medusa import shop as medusa
from tests.spokes.medusa.people import People
from vendor_sdk.conformance.stage import Stage


class Sends(medusa.Shop):
    """What is packed is sent, with a tracking number."""

    def fulfill(self, _: dict[str, str], asked: dict[str, Any], number: str) -> dict[str, Any]:
        answer = super().fulfill(_, asked, number)
        packed = self.orders[number]["fulfillments"][-1]["id"]
        self.send({}, {"labels": [{"tracking_number": f"T-{number}"}]}, number, packed)
        return answer


class MedusaStage(Stage):
    """A server of its own, before which the kit puts its proxy."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self._shop = await self._stack.enter_async_context(medusa.a_shop(Sends))
        self.config |= {"url": self._shop.url, "settle": 0.2, **medusa.SETTINGS}
        await super().open()

    async def close(self) -> None:
        await super().close()
        await self._stack.aclose()

    async def stock(self, sku: str, units: int) -> None:
        self._shop.stock(sku, units)


class ServerStage(Stage):
    """The real server at `url`."""

    async def open(self) -> None:
        self._people = People(self.config["url"], self.config["api_key"])
        self._sending = asyncio.create_task(self._send())
        await super().open()

    async def close(self) -> None:
        self._sending.cancel()
        await asyncio.wait({self._sending})
        await super().close()
        await self._people.close()

    async def stock(self, sku: str, units: int) -> None:
        await self._people.stock(sku, units, self.config["location"], self.config["sales_channel"])

    async def _send(self) -> None:
        while True:
            for order in await self._people.orders("id,metadata,fulfillment_status", 10):
                if order["fulfillment_status"] == "fulfilled":
                    await self._people.send(order["metadata"]["wheelwright_sub_order"], f"T-{order['id'][-12:]}")
            await asyncio.sleep(0.2)
