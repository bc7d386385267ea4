"""What corner can do for a hub: its words and the hub's, side by side."""

from collections.abc import Sequence
from decimal import Decimal

from tests.vendor_sdk.shop.corner.upstream import CornerConfig, CornerSystem, Lines, Reply
from vendor_sdk.adapter import Adapter
from vendor_sdk.errors import Rejected
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Item,
    Kept,
    Parcel,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Ship,
    Shipped,
    Shortfall,
    Submit,
    Track,
)
from vendor_sdk.ports import Context, Orders, Shipping, Stock

DECIMALS = {"JPY": 0, "KWD": 3}


class Corner(Adapter[CornerConfig], Stock, Orders, Shipping):
    """The corner shop."""

    async def open(self) -> None:
        self.system = CornerSystem(self.config)

    async def close(self) -> None:
        await self.system.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        reply = await self.system.hold(context.command_id, command.sub_order_id, lines(command.items))
        if reply.status == "held":
            return Reserved(sub_order_id=command.sub_order_id, reference=reply.number)
        return Refused(sub_order_id=command.sub_order_id, reason="out_of_stock", short=short(reply))

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - the port's form
        await self.system.free(command.reserve_command_id)
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        reply = await self.system.order(context.command_id, order(command))
        match reply.status:
            case "taken":
                return Accepted(sub_order_id=command.sub_order_id, reference=reply.number, short=short(reply))
            case "refused":
                return Declined(sub_order_id=command.sub_order_id, reason="out_of_stock")
            case _:
                return Pending(sub_order_id=command.sub_order_id)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002 - the port's form
        reply = await self.system.cancel(command.sub_order_id)
        return Kept(sub_order_id=command.sub_order_id) if reply.status == "sent" else Recalled(sub_order_id=command.sub_order_id)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        reply = await self.system.send(context.command_id, command.sub_order_id)
        match reply.status:
            case "sent":
                parcel = Parcel(carrier=reply.carrier, tracking_number=reply.code)
                return Shipped(sub_order_id=command.sub_order_id, parcels=[parcel])
            case "canceled":
                raise Rejected("it was canceled", reason="recalled")
            case _:
                return Pending(sub_order_id=command.sub_order_id)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - the port's form
        reply = await self.system.arrived(command.sub_order_id)
        return Delivered(sub_order_id=command.sub_order_id) if reply.status == "arrived" else Pending(sub_order_id=command.sub_order_id)


def lines(items: Sequence[Item]) -> Lines:
    return [{"sku": item.sku, "units": item.quantity} for item in items]


def order(command: Submit) -> dict[str, object]:
    return {
        "id": command.sub_order_id,
        "lines": lines(command.items),
        "title": command.items[0].title,
        "name": command.ship_to.name,
        "total": major(command.total, command.currency),
        "currency": command.currency,
    }


def major(amount: int, currency: str) -> str:
    return str(Decimal(amount).scaleb(-DECIMALS.get(currency, 2)))


def short(reply: Reply) -> list[Shortfall]:
    return [Shortfall(sku=sku, quantity=units) for sku, units in reply.missing.items()]
