"""The Shopify adapter: a reservation moves units to reserved, a submit makes an unpaid order of them, a ship marks it paid."""

import secrets
from collections.abc import Mapping
from typing import Any

from spokes.items import shortfalls
from spokes.shopify import mapping
from spokes.shopify.failures import WAIT_SECONDS, Stale
from spokes.shopify.mapping import SENT
from spokes.shopify.memory import FILE, SCHEMA, Memory, Move
from spokes.shopify.model import Order, Variant
from spokes.shopify.settings import Settings
from spokes.shopify.shop import Shop
from spokes.sweep import Sweep
from spokes.web.address import checked_url
from spokes.web.door import Door
from vendor_sdk.adapter import Adapter
from vendor_sdk.durable import Durable
from vendor_sdk.errors import AdapterError, Rejected, Retry
from vendor_sdk.messages import (
    Accepted,
    Declined,
    Delivered,
    Kept,
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

LOOKS = 4
"""So often what is available may change under our hands in one call."""
STEPS = 10
"""So often giving back may have failed for good, and been mended since."""


class Shopify(Adapter[Settings], Stock, Orders, Shipping):
    """A Shopify shop."""

    async def open(self) -> None:
        """Open the memory, and see to it that our orders can be told."""
        its = self.config
        self._door = Door(checked_url(its.url, allow_private=its.allow_private), allow_private=its.allow_private)
        self._shop = Shop(self._door, its.access_token, its.location)
        self._file = await Durable.open(self.data / FILE, SCHEMA)
        self._memory = Memory(self.vendor, self._file)
        self._sweep = Sweep(self._memory, self._give_back)
        try:
            await self._shop.define()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the shop and the memory."""
        await self._door.close()
        await self._file.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """Move the units from available to reserved, if nobody else moved them since we looked."""
        sub, command_id = command.sub_order_id, context.command_id
        for _ in range(LOOKS):
            move = await self._memory.of_command(command_id)
            if move is None or move.state == "back":
                await self._sweep.run()
                variants = await self._shop.variants([item.sku for item in command.items])
                if short := shortfalls(command.items, mapping.there(variants)):
                    return _refused(sub, short)
                changes = mapping.setting_aside(sub, self.config.location, command.items, variants)
                move = Move(command_id, sub, changes, f"{command_id}.{secrets.token_hex(4)}", "asked")
                await self._memory.ask(move, command.expires_at.timestamp())
            if await self._is_moved(move):
                return Reserved(sub_order_id=sub, reference=move.key)
        raise Retry("what is available changes faster than we can look", retry_after=WAIT_SECONDS)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - it names what it gives back
        """Move them back."""
        move = await self._memory.of_command(command.reserve_command_id)
        if move is not None:
            await self._give_back(move)
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:  # noqa: ARG002 - the sub-order is the key
        """Make an unpaid order, which claims its units, then give back what was set aside for it: never the other way round."""
        sub = command.sub_order_id
        async with self._sweep.lock:
            await self._memory.keep(sub)
        move = await self._memory.of_sub_order(sub)
        is_set_aside = move is not None and await self._is_moved(move)
        order = await self._shop.order(sub)
        if order is None:
            variants = await self._shop.variants([item.sku for item in command.items])
            if unknown := [item.sku for item in command.items if item.sku not in variants]:
                return Declined(sub_order_id=sub, reason="unknown_sku", detail=", ".join(unknown)[:500])
            order = await self._create(command, variants, is_set_aside=is_set_aside)
        if move is not None and is_set_aside:
            await self._give_back(move)
        return mapping.decision(order, sub)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002 - the sub-order is the key
        """Cancel the order, unless some of it was sent. The shop cancels a moment later: then it is asked again."""
        sub = command.sub_order_id
        order = await self._shop.order(sub)
        if order is None or order.cancelled_at is not None:
            return Recalled(sub_order_id=sub)
        if order.display_fulfillment_status in SENT:
            return Kept(sub_order_id=sub)
        await self._shop.cancel(order.id)
        order = await self._shop.order(sub)
        if order is None or order.cancelled_at is None:
            raise Retry(f"the shop is canceling the order of {sub}", retry_after=WAIT_SECONDS)
        return Recalled(sub_order_id=sub)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:  # noqa: ARG002 - the sub-order is the key
        """Mark the order paid, so that the vendor sends it; when all of it is fulfilled, read its parcels."""
        sub = command.sub_order_id
        order = await self._shop.order(sub)
        if order is None:
            raise Rejected(f"the shop has no order for {sub}", reason="unknown_order")
        if order.cancelled_at is not None:
            raise Rejected(f"order {order.name} is canceled", reason="canceled_by_vendor")
        if order.can_mark_as_paid:
            order = await self._shop.pay(order.id)
        parcels = mapping.parcels(order, self.config.carrier if self.config.untracked else None)
        return Shipped(sub_order_id=sub, parcels=parcels) if parcels else Pending(sub_order_id=sub)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - it changes nothing
        """Whether the carriers told the shop that all has arrived."""
        return mapping.arrival(await self._shop.order(command.sub_order_id), command.sub_order_id)

    async def _is_moved(self, move: Move) -> bool:
        """Ask for a move, if it is not known to be done; False if it surely was not, and is forgotten."""
        if move.state == "asked":
            try:
                await self._shop.move(move.input, move.key)
            except Stale:
                await self._memory.forget(move.command_id)
                return False
            await self._memory.mark(move.command_id, "moved")
        return move.state != "back"

    async def _give_back(self, move: Move) -> None:
        """Move back what is set aside, once: one that may be is asked for again first, which tells."""
        if move.state == "back" or not await self._is_moved(move):
            return
        back: Mapping[str, Any] = mapping.giving_back(move.sub_order_id, self.config.location, move.input)
        for step in range(STEPS):  # a key that failed for good moved nothing: the next one is right, and the same when it is asked again
            try:
                await self._shop.move(back, f"{move.key}.back.{step}")
            except Stale:
                continue
            await self._memory.mark(move.command_id, "back")
            return
        raise AdapterError(f"what {move.sub_order_id} has set aside cannot be given back")

    async def _create(self, command: Submit, variants: Mapping[str, Variant], *, is_set_aside: bool) -> Order:
        """Create the order; where that fails because a lost call made it, the one that is there."""
        try:
            return await self._shop.create(mapping.new_order(command, variants, is_set_aside=is_set_aside))
        except (AdapterError, Stale) as error:
            if isinstance(error, Retry) or (order := await self._shop.order(command.sub_order_id)) is None:
                raise
            return order


def _refused(sub_order_id: str, short: list[Shortfall]) -> Refused:
    reason = "unknown_sku" if any(each.reason == "unknown_sku" for each in short) else "out_of_stock"
    return Refused(sub_order_id=sub_order_id, reason=reason, short=short)
