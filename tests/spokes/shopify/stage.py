"""The Shopify adapter on the stage of a certification: the stand-in shop, whose people send what is paid at once."""

from contextlib import AsyncExitStack
from typing import Any

from tests.spokes.shopify import shop as shopify
from vendor_sdk.conformance.stage import Stage


class Sends(shopify.Shop):
    """What is marked as paid is fulfilled."""

    def orderMarkAsPaid(self, _: Any, input: shopify.Row) -> shopify.Row:  # noqa: N802, A002  # the schema's names
        sub_order_id = next(name for name, order in self.orders.items() if order["id"] == input["id"])
        if self.orders[sub_order_id]["canMarkAsPaid"]:
            self.fulfill(sub_order_id, [f"T-{sub_order_id}"])
        return super().orderMarkAsPaid(_, input)


class ShopifyStage(Stage):
    """A shop of its own, before which the kit puts its proxy."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self._shop = await self._stack.enter_async_context(shopify.a_shop())
        self._shop.__class__ = Sends
        access = {"url": self._shop.url, "access_token": shopify.TOKEN, "location": shopify.LOCATION}
        self.config |= {**access, "allow_private": True}
        await super().open()

    async def close(self) -> None:
        await super().close()
        await self._stack.aclose()

    async def stock(self, sku: str, units: int) -> None:
        self._shop.stock(sku, units)
