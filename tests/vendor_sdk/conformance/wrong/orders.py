"""Wrong in taking on and stopping."""

from decimal import Decimal

import msgspec

from tests.vendor_sdk.conformance.wrong.breaks import breaks
from tests.vendor_sdk.shop.corner.adapter import order
from tests.vendor_sdk.shop.stage import Inside
from vendor_sdk.errors import Misconfigured
from vendor_sdk.messages import Accepted, Declined, Kept, Pending, Recall, Recalled, Shortfall, Submit
from vendor_sdk.ports import Context


class Status(msgspec.Struct):
    status: str


@breaks("orders.ordered-once")
class OrdersAgain(Inside):
    """A new key for each asking."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        return await super().submit(command, msgspec.structs.replace(context, command_id=f"{context.command_id}-{context.attempt}"))


@breaks("orders.not-more-than-there-is")
class PromisesEverything(Inside):
    """Keeps to itself what is missing."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        answer = await super().submit(command, context)
        return msgspec.structs.replace(answer, short=[]) if isinstance(answer, Accepted) else answer


@breaks("orders.short-is-true")
class LeavesOutTooMuch(Inside):
    """More is missing than was asked for."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        answer = await super().submit(command, context)
        if not isinstance(answer, Accepted):
            return answer
        return msgspec.structs.replace(answer, short=[Shortfall(sku=each.sku, quantity=each.quantity + 100) for each in answer.short])


@breaks("orders.recalled-first")
class CannotStopNothing(Inside):
    """An order that is not there must be somebody's mistake."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        if (await self.system.cancel(command.sub_order_id)).status == "unknown":
            raise Misconfigured("no such order")
        return await super().recall(command, context)


@breaks("orders.recalled-before-it-leaves")
class KeepsTheCanceled(Inside):
    """What is stopped already cannot be stopped."""

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        answer = await self.system.http.call("GET", f"/orders/{command.sub_order_id}", expects=(200, 404))
        if answer.status == 200 and answer.read(Status).status == "canceled":
            return Kept(sub_order_id=command.sub_order_id)
        return await super().recall(command, context)


@breaks("orders.unknown-is-pending")
class HopesForTheBest(Inside):
    """What was not refused is taken."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        reply = await self.system.order(context.command_id, order(command))
        if reply.status == "refused":
            return Declined(sub_order_id=command.sub_order_id, reason="out_of_stock")
        short = [Shortfall(sku=sku, quantity=units) for sku, units in reply.missing.items()]
        return Accepted(sub_order_id=command.sub_order_id, reference=reply.number, short=short)


@breaks("orders.pending-ends")
class StaysPending(Inside):
    """Asked again, it says what it said."""

    async def open(self) -> None:
        await super().open()
        self.pending: set[str] = set()

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        answer = await super().submit(command, context)
        if isinstance(answer, Pending):
            self.pending.add(command.sub_order_id)
        return Pending(sub_order_id=command.sub_order_id) if command.sub_order_id in self.pending else answer


@breaks("orders.money")
class DividesByAHundred(Inside):
    """Every currency has cents."""

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        wrong = order(command) | {"total": str(Decimal(command.total) / 100)}
        reply = await self.system.order(context.command_id, wrong)
        if reply.status == "taken":
            short = [Shortfall(sku=sku, quantity=units) for sku, units in reply.missing.items()]
            return Accepted(sub_order_id=command.sub_order_id, reference=reply.number, short=short)
        return Pending(sub_order_id=command.sub_order_id)
