"""Adapters that take everything on and send it: one takes nothing back, the other says of returns what a test wants it to."""

import msgspec

from vendor_sdk.adapter import Adapter
from vendor_sdk.messages import (
    Accepted,
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Delivered,
    Inspect,
    Inspected,
    Parcel,
    Pending,
    Recall,
    Recalled,
    Received,
    Refused,
    Ship,
    Shipped,
    Submit,
    Track,
)
from vendor_sdk.ports import Context, Orders, Returns, Shipping


class Says(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a return: whether it may come (`later`: told as a fact so many seconds after), what is found, and after how many askings.

    `also` is told as a fact a minute after the return was agreed to.
    """

    refuses: str = ""
    later: float = 0.0
    found: list[Inspected] = []
    askings: int = 1
    also: list[Inspected] = []


class Sends(Adapter[Says], Orders, Shipping):
    """It has no stock of its own, and its people take back by hand."""

    async def submit(self, command: Submit, context: Context) -> Accepted:  # noqa: ARG002  # the shape of the port
        return Accepted(sub_order_id=command.sub_order_id)

    async def recall(self, command: Recall, context: Context) -> Recalled:  # noqa: ARG002  # the shape of the port
        return Recalled(sub_order_id=command.sub_order_id)

    async def ship(self, command: Ship, context: Context) -> Shipped:  # noqa: ARG002  # the shape of the port
        return Shipped(sub_order_id=command.sub_order_id, parcels=[Parcel(carrier="post", tracking_number="T")])

    async def track(self, command: Track, context: Context) -> Delivered:  # noqa: ARG002  # the shape of the port
        return Delivered(sub_order_id=command.sub_order_id)


class TakesBack(Sends, Returns):
    """The same, and it is asked about returns."""

    async def authorize(self, command: Authorize, context: Context) -> Authorized | Refused | Pending:
        sub_order_id = command.sub_order_id
        if self.config.also:
            also = Received(sub_order_id=sub_order_id, items=self.config.also)
            await self.facts.tell("returns.received", also, command_id=context.command_id, after=60.0)
        if self.config.later:
            yes = Authorized(sub_order_id=sub_order_id, reference="RMA 7")
            await self.facts.tell("returns.authorized", yes, command_id=context.command_id, after=self.config.later)
            return Pending(sub_order_id=sub_order_id)
        if self.config.refuses:
            return Refused(sub_order_id=sub_order_id, reason=self.config.refuses)
        return Authorized(sub_order_id=sub_order_id, reference="RMA 7")

    async def inspect(self, command: Inspect, context: Context) -> Received | Pending:
        if not self.config.found or context.attempt < self.config.askings:
            return Pending(sub_order_id=command.sub_order_id)
        return Received(sub_order_id=command.sub_order_id, items=self.config.found)

    async def cancel(self, command: Cancel, context: Context) -> Canceled:  # noqa: ARG002  # the shape of the port
        return Canceled(sub_order_id=command.sub_order_id)
