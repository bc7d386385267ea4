"""Wrong in setting aside and giving back."""

import asyncio

import msgspec

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.corner.adapter import lines
from tests.vendor_sdk.shop.corner.upstream import Reply
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.errors import Misconfigured, Retry
from vendor_sdk.messages import Refused, Release, Released, Reserve, Reserved, Shortfall
from vendor_sdk.ports import Context


class Units(msgspec.Struct):
    units: int


@breaks("stock.reserved-once")
class HoldsAgain(Inside):
    """A new key for each asking."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        key = context.command_id if context.attempt == 1 else f"{context.command_id}-{context.attempt}"
        return await super().reserve(command, msgspec.structs.replace(context, command_id=key))


@breaks("stock.released-once")
class GivesBackAgain(Inside):
    """Its system adds units whenever it is told to."""

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - the port's form
        path = f"/reservations/{command.reserve_command_id}?insists"
        (await self.system.http.call("DELETE", path, expects=(200, 404))).read(Reply)
        return Released(sub_order_id=command.sub_order_id)


@breaks("stock.all-or-none")
class HoldsWhatIsThere(Inside):
    """Sets aside what it can of an order of several lines, then says no."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        answer = await super().reserve(command, context)
        if isinstance(answer, Refused) and len({item.sku for item in command.items}) > 1:
            missing = {each.sku: each.quantity for each in answer.short}
            rest = [msgspec.structs.replace(item, quantity=item.quantity - missing.get(item.sku, 0)) for item in command.items]
            await self.system.hold(f"{context.command_id}-rest", command.sub_order_id, lines(rest))
        return answer


@breaks("stock.lines-add-up")
class SeesTheLastLine(Inside):
    """One line per SKU, the last."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        items = list({item.sku: item for item in command.items}.values())
        return await super().reserve(msgspec.structs.replace(command, items=items), context)


@breaks("stock.short-is-true")
class SaysTooMuchIsShort(Inside):
    """Counts what is missing from what was never asked for."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        answer = await super().reserve(command, context)
        if isinstance(answer, Reserved):
            return answer
        return msgspec.structs.replace(answer, short=[Shortfall(sku=each.sku, quantity=each.quantity + 100) for each in answer.short])


@breaks("stock.asked-for-less")
class BearsAGrudge(Inside):
    """Who was refused once is refused."""

    async def open(self) -> None:
        await super().open()
        self.refused: set[str] = set()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        if command.sub_order_id in self.refused:
            return Refused(sub_order_id=command.sub_order_id, reason="out_of_stock")
        answer = await super().reserve(command, context)
        if isinstance(answer, Refused):
            self.refused.add(command.sub_order_id)
        return answer


@breaks("stock.never-oversold")
class LooksFirst(Inside):
    """Looks, is overtaken, takes."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        if len(command.items) > 1:
            return await super().reserve(command, context)
        answer = await self.system.http.call("GET", f"/stock/{command.items[0].sku}", expects=(200, 404))
        await asyncio.sleep(0.01)
        if answer.status == 200 and answer.read(Units).units < command.items[0].quantity:
            return Refused(sub_order_id=command.sub_order_id, reason="out_of_stock")
        order = {"order": command.sub_order_id, "lines": lines(command.items)}
        (await self.system.http.call("POST", "/reservations?insists", key=context.command_id, json=order)).read(Reply)
        return Reserved(sub_order_id=command.sub_order_id)


@breaks("stock.released-first")
class FailsOnNothing(Inside):
    """Asks again until there is something to release."""

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - the port's form
        if (await self.system.free(command.reserve_command_id)).status == "unknown":
            raise Retry("no such reservation")
        return Released(sub_order_id=command.sub_order_id)


@breaks("stock.unknown-sku")
class FailsOnStrangers(Inside):
    """A SKU that is not there must be somebody's mistake."""

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        if (await self.system.http.call("GET", f"/stock/{command.items[0].sku}", expects=(200, 404))).status == 404:
            raise Misconfigured("no such SKU")
        return await super().reserve(command, context)
