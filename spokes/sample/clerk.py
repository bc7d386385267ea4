"""A clerk: looks every second what waits for the vendor, and accepts, ships and delivers it through the vendor API."""

import asyncio
import logging
import time

from spokes.sample.staff import Pace
from vendor_sdk.client import AsyncClient
from vendor_sdk.client.answers.orders import Order
from vendor_sdk.client.errors import ClientError
from vendor_sdk.messages import Parcel

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
YEAR_SECONDS = 365 * 86_400
CARRIER = "Post"


class Clerk:
    """One vendor's."""

    def __init__(self, hub: AsyncClient, pace: Pace) -> None:
        self._hub = hub
        self._pace = pace
        self._seen: dict[tuple[str, str], float] = {}

    async def work(self) -> None:
        """Until canceled. What the hub refuses, or cannot answer now, is looked at again."""
        while True:
            try:
                await self.look()
            except ClientError as error:
                log.warning("looked at again: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Do what is due of all that waits."""
        waiting = [order async for order in self._hub.orders.all(due_within=YEAR_SECONDS)]
        now, before = time.monotonic(), self._seen
        self._seen = {key: before.get(key, now) for order in waiting if (key := _key(order))}
        for order in waiting:
            if (key := _key(order)) and now - self._seen[key] >= self._takes(key[1]):
                await self._do(order, key[1])

    def _takes(self, what: str) -> float:
        return {"shipment": self._pace.ship_after, "delivery": self._pace.deliver_after}.get(what, 0.0)

    async def _do(self, order: Order, what: str) -> None:
        match what:
            case "acceptance":
                await self._hub.orders.accept(order.id)
            case "shipment":
                await self._hub.orders.ship(order.id, [Parcel(carrier=CARRIER, tracking_number=order.id)])
            case "delivery":
                await self._hub.orders.deliver(order.id)
            case _:  # a recall, which the spoke answers by what was sent
                return
        log.info("%s: %s", order.id, what)


def _key(order: Order) -> tuple[str, str] | None:
    return (order.id, order.awaits.answer) if order.awaits else None
