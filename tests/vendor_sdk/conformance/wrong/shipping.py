"""Wrong in sending."""

import msgspec

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.errors import Rejected
from vendor_sdk.messages import Delivered, Kept, Parcel, Pending, Recall, Recalled, Ship, Shipped, Track
from vendor_sdk.ports import Context


@breaks("shipping.shipped-once")
class SendsAgain(Inside):
    """A new key for each asking."""

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        return await super().ship(command, msgspec.structs.replace(context, command_id=f"{context.command_id}-{context.attempt}"))


@breaks("shipping.kept-once-it-left")
class StopsTheLorry(Inside):
    """Whatever is recalled is Recalled."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        await super().recall(command, context)
        return Recalled(sub_order_id=command.sub_order_id)


@breaks("shipping.recalled-stays")
class SendsTheCanceled(Inside):
    """A no to shipping is overheard."""

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        try:
            return await super().ship(command, context)
        except Rejected:
            return Shipped(sub_order_id=command.sub_order_id, parcels=[Parcel(carrier="Corner Post", tracking_number="P1")])


@breaks("shipping.unknown-is-pending")
class SentIfNotCanceled(Inside):
    """Every status but one means that it has left."""

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        reply = await self.system.send(context.command_id, command.sub_order_id)
        if reply.status == "canceled":
            raise Rejected("it was canceled", reason="recalled")
        return Shipped(sub_order_id=command.sub_order_id, parcels=[Parcel(carrier=reply.carrier, tracking_number=reply.code)])


@breaks("shipping.unknown-parcel")
class ArrivedIfNotOnTheWay(Inside):
    """What is not on its way any more has arrived."""

    async def track(self, command: Track, context: Context) -> Delivered | Pending:
        if (await self.system.arrived(command.sub_order_id)).status == "unknown":
            return Delivered(sub_order_id=command.sub_order_id)
        return await super().track(command, context)
