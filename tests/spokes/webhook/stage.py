"""The webhook adapter on the stage of a certification: a vendor that signs, and fails by itself, for no proxy could sign."""

from contextlib import AsyncExitStack
from typing import Any

from tests.spokes.webhook import vendor as webhook
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.stage import Stage

FAILS = {
    Fault.RATE_LIMITED: "busy",
    Fault.BUSY: "down",
    Fault.SIGNED_OUT: "unauthorized",
    Fault.GARBAGE: "garbage",
    Fault.CUT: "hangup",
    Fault.SLOW: "silence",
}


class Odd(webhook.Vendor):
    """Answers in words that nobody has agreed on."""

    def _do(self, command_id: str, kind: str, data: dict[str, Any]) -> webhook.Answer:
        status, said = super()._do(command_id, kind, data)
        return status, said | {"type": "orders.odd"}


class WebhookStage(Stage):
    """A vendor of its own."""

    async def open(self) -> None:
        self._stack = AsyncExitStack()
        self._vendor = await self._stack.enter_async_context(webhook.a_vendor())
        self.config |= {"url": self._vendor.url, "secret": webhook.SECRET, "rates": True, "allow_private": True}
        self._vendor.rates = [webhook.rate()]

    async def close(self) -> None:
        await self._stack.aclose()

    async def stock(self, sku: str, units: int) -> None:
        self._vendor.stock(sku, units)

    async def fault(self, fault: Fault | None) -> None:
        self._vendor.__class__ = Odd if fault is Fault.UNKNOWN_STATUS else webhook.Vendor
        self._vendor.always = FAILS.get(fault, "") if fault is not None else ""
