"""The WooCommerce adapter on the stage of a certification: the stand-in shop, whose people send what is paid at once."""

from contextlib import AsyncExitStack
from typing import Any

from tests.spokes.woocommerce import shop as woo
from vendor_sdk.conformance.stage import Stage


class Sends(woo.Shop):
    """What is to be sent is sent, and its tracking number noted."""

    def set_status(self, order: dict[str, Any], status: str) -> None:
        super().set_status(order, status)
        if status == "processing":
            self.trackings[order["id"]] = [{"tracking_provider": "DHL", "tracking_number": f"T{order['id']}"}]
            super().set_status(order, "completed")


class WooStage(Stage):
    """A shop of its own, before which the kit puts its proxy."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self._shop = await self._stack.enter_async_context(woo.a_shop())
        self._shop.__class__ = Sends
        access = {"url": self._shop.url, "consumer_key": woo.KEY, "consumer_secret": woo.SECRET}
        self.config |= {**access, "shipping_zone": woo.ZONE, "allow_private": True, "settle": 0.2}
        self._shop.methods = [woo.method(26, "flat_rate", cost="4.90"), woo.method(27, "free_shipping", requires="")]
        await super().open()

    async def close(self) -> None:
        await super().close()
        await self._stack.aclose()

    async def stock(self, sku: str, units: int) -> None:
        self._shop.stock(sku, units)
