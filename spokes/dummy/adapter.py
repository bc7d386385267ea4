"""The dummy adapter: its own warehouse behind every capability, and the switches' faults in front of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar, cast

from spokes.dummy.back_room import BackRoom
from spokes.dummy.papers import with_label, with_papers
from spokes.dummy.switches import Do, Fault, Switches
from spokes.dummy.warehouse import Warehouse, accepted, shipped, too_many
from vendor_sdk.adapter import Adapter
from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected, Retry, Unsupported
from vendor_sdk.feeds import Described, Level, Offered, Price, Rate
from vendor_sdk.messages import (
    Accepted,
    Authorize,
    Authorized,
    Cancel,
    Canceled,
    Declined,
    Delivered,
    Inspect,
    Item,
    Kept,
    Message,
    Pending,
    Recall,
    Recalled,
    Received,
    Refused,
    Release,
    Released,
    Reserve,
    Reserved,
    Restock,
    Restocked,
    Ship,
    Shipped,
    Submit,
    Track,
)
from vendor_sdk.ports import Catalog, CommandBody, Context, Orders, Returns, Shipping, Stock, answer_kind

M = TypeVar("M", bound=Message)

CRASHED = 70
"""The exit code of a crash on demand (EX_SOFTWARE)."""

ECHO_SECONDS = 0.2


class Dummy(Adapter[Switches], Stock, Orders, Shipping, Returns, Catalog):
    """A vendor whose system is a file, and as good or bad as its switches say."""

    async def open(self) -> None:
        """Open the warehouse and its back room as they were left."""
        self._warehouse = await Warehouse.open(self.vendor, self.data, self.config.stock, forgetful=self.config.forgetful)
        self._back_room = await BackRoom.open(self.vendor, self.data, self.config.damaged)

    async def close(self) -> None:
        """Let go of both files."""
        await self._back_room.close()
        await self._warehouse.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """Hold the units until they expire."""

        async def work() -> Reserved | Refused:
            expires_at = command.expires_at.timestamp()
            return await self._warehouse.reserve(context.command_id, command.sub_order_id, command.items, expires_at)

        return await self._served("stock.reserve", command, context, work)

    async def release(self, command: Release, context: Context) -> Released:
        """Give the units back."""

        async def work() -> Released:
            return await self._warehouse.release(context.command_id, command.sub_order_id)

        return await self._served("stock.release", command, context, work)

    async def restock(self, command: Restock, context: Context) -> Restocked:
        """Count the units as for sale again."""

        async def work() -> Restocked:
            return await self._warehouse.restock(context.command_id, command.sub_order_id, command.items)

        return await self._served("stock.restock", command, context, work)

    async def levels(self) -> AsyncIterator[Level]:
        """What is left of each SKU that can be short."""
        for sku, units in (await self._warehouse.free()).items():
            yield Level(sku=sku, stock=units)

    async def full(self) -> AsyncIterator[Offered]:
        """All that is on the shelves."""
        for sku, shelf in self.config.catalog.items():
            yield Offered(
                sku=sku,
                price=Price(amount=shelf.price, currency=shelf.currency),
                product=Described(title=shelf.title, category=shelf.category),
            )

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """Take the order on, at once or after `accept_after`."""

        async def work() -> Accepted | Declined | Pending:
            after, short = self.config.accept_after, too_many(command.items, self.config.at_most)
            answer = await self._warehouse.submit(context.command_id, command.sub_order_id, command.items, after, short)
            if isinstance(answer, Pending) and self.config.push:
                later = accepted(command.sub_order_id, short)
                await self.facts.tell("orders.accepted", later, command_id=context.command_id, after=after)
            return answer

        return await self._served("orders.submit", command, context, work)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:
        """Stop the order, and whatever was to be told of it."""

        async def work() -> Recalled | Kept:
            answer = await self._warehouse.recall(context.command_id, command.sub_order_id)
            if isinstance(answer, Recalled):
                await self.facts.withdraw("orders.accepted", command_id=command.submit_command_id)
            return answer

        return await self._served("orders.recall", command, context, work)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        """Send the goods, at once or after `ship_after`."""

        async def work() -> Shipped | Pending:
            times = (self.config.ship_after, self.config.deliver_after)
            answer = await self._warehouse.ship(context.command_id, command.sub_order_id, times, self.config.carrier)
            if answer is None:
                raise Rejected(f"{command.sub_order_id} was recalled", reason="recalled")
            if self.config.push:
                await self._announce(command, context, answer)
            return with_papers(answer, self.config.papers) if isinstance(answer, Shipped) else answer

        return await self._served("shipping.ship", command, context, work)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:
        """Look whether the goods have arrived."""

        async def work() -> Delivered | Pending:
            return await self._warehouse.track(command.sub_order_id)

        return await self._served("shipping.track", command, context, work)

    async def rates(self) -> list[Rate]:
        """The ways that its switches name."""
        ways = self.config.rates
        return [Rate(code=way.code, name=way.name, price=Price(amount=way.price, currency=way.currency), days=way.days) for way in ways]

    async def authorize(self, command: Authorize, context: Context) -> Authorized | Refused | Pending:
        """Take anything back."""

        async def work() -> Authorized:
            after = self.config.return_after
            answer = await self._back_room.authorize(command.sub_order_id, command.return_id, after)
            if self.config.push and after is not None:
                received = self._back_room.received(command.sub_order_id, command.items)
                await self.facts.tell("returns.received", received, command_id=context.command_id, after=after)
            return with_label(answer, self.config.papers, command.return_id)

        return await self._served("returns.authorize", command, context, work)

    async def inspect(self, command: Inspect, context: Context) -> Received | Pending:
        """Look whether the goods are back."""

        async def work() -> Received | Pending:
            after = self.config.return_after
            return await self._back_room.inspect(command.sub_order_id, command.return_id, command.items, after)

        return await self._served("returns.inspect", command, context, work)

    async def cancel(self, command: Cancel, context: Context) -> Canceled:
        """Expect nothing any more, and tell nothing of it."""

        async def work() -> Canceled:
            answer = await self._back_room.cancel(command.sub_order_id, command.return_id)
            await self.facts.withdraw("returns.received", command_id=command.authorize_command_id)
            return answer

        return await self._served("returns.cancel", command, context, work)

    async def _announce(self, command: Ship, context: Context, answer: Shipped | Pending) -> None:
        leaves, arrives = self.config.ship_after, self.config.deliver_after
        if isinstance(answer, Pending):
            left = with_papers(shipped(command.sub_order_id, self.config.carrier), self.config.papers)
            await self.facts.tell("shipping.shipped", left, command_id=context.command_id, after=leaves)
        if arrives is not None:
            delivered = Delivered(sub_order_id=command.sub_order_id)
            await self.facts.tell("shipping.delivered", delivered, command_id=context.command_id, after=leaves + arrives)

    async def _served(self, kind: str, command: CommandBody, context: Context, work: Callable[[], Awaitable[M]]) -> M:
        """Do the work as the switches let it be done."""
        await self._warehouse.called(context.command_id, kind)
        fault = await self._struck(kind, context.command_id, _skus(command))
        if fault is None:
            return await work()
        if fault.do is Do.PEND:
            return cast("M", Pending(sub_order_id=command.sub_order_id))
        await _before(fault)
        answer = await work()
        if fault.do is Do.CRASH_AFTER:
            os._exit(CRASHED)
        if fault.do is Do.UNHEARD:
            await asyncio.Event().wait()
        if fault.do is Do.GARBAGE:
            return cast("M", "certainly, sir")
        if fault.do is Do.TWICE:
            await self.facts.tell(answer_kind(kind, answer), answer, command_id=context.command_id, after=ECHO_SECONDS)
        return answer

    async def _struck(self, kind: str, command_id: str, skus: Sequence[str]) -> Fault | None:
        for index, fault in enumerate(self.config.faults):
            if not fault.concerns(kind, command_id, skus):
                continue
            name = f"{index}.{fault.do}" + (f".{command_id}" if fault.each else "")
            if fault.times is None or await self._warehouse.strike(name, fault.times):
                return fault
        return None


def _skus(command: CommandBody) -> list[str]:
    items: Sequence[Item] = getattr(command, "items", ())
    return [item.sku for item in items]


async def _before(fault: Fault) -> None:
    """What a fault does before the work: raise, wait, or end the process."""
    detail = fault.detail or f"the dummy was told to: {fault.do}"
    if fault.do is Do.CRASH:
        os._exit(CRASHED)
    if fault.do is Do.SILENCE:
        await asyncio.Event().wait()
    if fault.do is Do.SLOW:
        await asyncio.sleep(fault.seconds)
    if fault.do is Do.BUG:
        raise ZeroDivisionError(detail)
    if (error := _error(fault, detail)) is not None:
        raise error


def _error(fault: Fault, detail: str) -> AdapterError | None:
    match fault.do:
        case Do.REFUSE | Do.REJECTED:
            return Rejected(detail, reason=fault.reason)
        case Do.RETRY:
            return Retry(detail, retry_after=fault.seconds or None)
        case Do.UNSUPPORTED:
            return Unsupported(detail)
        case Do.MISCONFIGURED:
            return Misconfigured(detail)
        case Do.NEEDS_REAUTH:
            return NeedsReauth(detail)
        case _:
            return None
