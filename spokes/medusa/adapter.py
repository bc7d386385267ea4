"""The Medusa adapter: a reserve makes reservations, a submit an unpaid order, a ship marks it paid and has it packed."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from spokes.items import shortfalls
from spokes.medusa import mapping
from spokes.medusa.mapping import DRAFT, UNTOUCHED
from spokes.medusa.memory import FILE, SCHEMA, Memory
from spokes.medusa.model import Order
from spokes.medusa.settings import Settings
from spokes.medusa.shelf import Shelf
from spokes.medusa.shop import BODY_BYTES_MAX, OFFER, VARIANT, Shop, TooFew
from spokes.web.address import checked_url
from spokes.web.door import Door
from spokes.web.failures import Unsure
from vendor_sdk.adapter import Adapter
from vendor_sdk.durable import Durable
from vendor_sdk.errors import AdapterError, Rejected, Retry
from vendor_sdk.feeds import Level, Offered, Rate
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
    Restock,
    Restocked,
    Ship,
    Shipped,
    Submit,
    Track,
)
from vendor_sdk.ports import Catalog, Context, Orders, Shipping, Stock


class Medusa(Adapter[Settings], Stock, Orders, Shipping, Catalog):
    """A Medusa shop."""

    async def open(self) -> None:
        """Open the memory; the first call connects."""
        its = self.config
        self._file = await Durable.open(self.data / FILE, SCHEMA)
        self._memory = Memory(self.vendor, self._file)
        url = checked_url(its.url, allow_private=its.allow_private)
        self._door = Door(url, allow_private=its.allow_private, body_max=BODY_BYTES_MAX)
        self._shop = Shop(self._door, its.api_key)
        self._shelf = Shelf(self._shop, self._memory, its)

    async def close(self) -> None:
        """Let go of the shop and the memory."""
        await self._door.close()
        await self._file.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """Make a reservation of each inventory item, or of none."""
        if not (short := await self._shelf.set_aside(command, context.command_id)):
            return Reserved(sub_order_id=command.sub_order_id, reference=context.command_id)
        reason = "unknown_sku" if any(each.reason == "unknown_sku" for each in short) else "out_of_stock"
        return Refused(sub_order_id=command.sub_order_id, reason=reason, short=short)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - it names what it gives back
        """Delete the reservations; those of a sub-order that was submitted are gone already, and its order keeps its own."""
        held = await self._memory.held(command.reserve_command_id)
        if held is not None:
            await self._shelf.give_back(held)
        return Released(sub_order_id=command.sub_order_id)

    async def restock(self, command: Restock, context: Context) -> Restocked:
        """Add the units to what lies at the location, unless the shop counts them itself."""
        if self.config.restock:
            await self._shelf.restock(command.items, context.command_id)
        return Restocked(sub_order_id=command.sub_order_id)

    async def levels(self) -> AsyncIterator[Level]:
        """What is free of each SKU that is counted."""
        async for variant in self._shop.all_variants(VARIANT):
            if (level := mapping.level(variant, self.config.location)) is not None:
                yield level

    async def full(self) -> AsyncIterator[Offered]:
        """Each SKU with a price of its own in the region's currency."""
        currency = await self._shop.currency(self.config.region)
        async for variant in self._shop.all_variants(OFFER):
            if (offer := mapping.offer(variant, currency, self.config)) is not None:
                yield offer

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """Make an order, which sets its own units aside; then what was set aside for it is given back."""
        sub = command.sub_order_id
        async with self._shelf.sweep.lock:
            await self._memory.keep(sub)
        order = await self._order(sub)
        if order is None or order.status == DRAFT:
            placed = await self._placed(command, context.command_id)
            if isinstance(placed, Declined):
                return placed
            order = placed
        await self._give_back(sub)
        return mapping.decision(order, sub)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002 - it names what it stops
        """Cancel what was packed, then the order, unless some of it has left."""
        sub = command.sub_order_id
        order = await self._order(sub)
        try:
            is_stopped = order is None or await self._stopped(order)
        except Retry:
            raise
        except AdapterError:  # the shop's people may have been quicker, one way or the other
            order = await self._order(sub)
            if order is None or not (mapping.standing(order) == "over" or _has_left(order)):
                raise
            is_stopped = mapping.standing(order) == "over"
        return Recalled(sub_order_id=sub) if is_stopped else Kept(sub_order_id=sub)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:  # noqa: ARG002 - the sub-order is the key
        """Mark the order paid and have it packed; when all of it was shipped, read its parcels."""
        sub = command.sub_order_id
        order = await self._order(sub)
        if order is None:
            raise Rejected(f"the shop has no order for {sub}", reason="unknown_order")
        if mapping.standing(order) == "over":
            raise Rejected(f"order {order.number} is canceled", reason="canceled_by_vendor")
        if mapping.standing(order) == "taken":
            if mapping.PAYMENT_STATUSES.get(order.payment_status, False):
                await self._shop.pay(order)
            if self.config.fulfill and order.fulfillment_status == UNTOUCHED and not order.fulfillments:
                await self._shop.fulfill(order, self.config.location)
        parcels = mapping.parcels(order, self.config)
        return Shipped(sub_order_id=sub, parcels=parcels) if parcels else Pending(sub_order_id=sub)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - it changes nothing
        """Whether the shop's people or its fulfillment provider marked all of it delivered."""
        ordered = await self._memory.ordered(command.sub_order_id)
        order = None if ordered is None or ordered.order_id is None else await self._shop.order(ordered.order_id)
        return mapping.arrival(order, command.sub_order_id)

    async def rates(self) -> list[Rate]:
        """The options of one service zone, in the region's currency; none where no zone is named."""
        its = self.config
        if not its.shipping_zone:
            return []
        options = await self._shop.options(its.shipping_zone)
        return mapping.rates(options, its.region, await self._shop.currency(its.region), its.shipping_days)

    async def _order(self, sub_order_id: str) -> Order | None:
        """The shop's order or the draft of it; looked for, where we died before we knew its id.

        Nothing is waited for: a draft that is made late holds no units, and only the one that we know becomes an order.
        """
        ordered = await self._memory.ordered(sub_order_id)
        if ordered is None:
            return None
        order_id = ordered.order_id or await self._shop.find(sub_order_id, ordered.began_at)
        if order_id is not None and ordered.order_id is None:
            await self._memory.made(sub_order_id, order_id)
        order = None if order_id is None else await self._shop.order(order_id)
        if order is None:
            await self._memory.forget(sub_order_id)
        return order

    async def _placed(self, command: Submit, command_id: str) -> Order | Declined:
        """The order, claimed beside what is set aside; where there is too little for both, of that itself, with none of us in between."""
        sub, location = command.sub_order_id, self.config.location
        variants = await self._shop.variants(item.sku for item in command.items)
        if unknown := [item.sku for item in command.items if item.sku not in variants]:
            return Declined(sub_order_id=sub, reason="unknown_sku", detail=", ".join(unknown)[:500])
        async with self._shelf.handing:
            for is_given_back in (False, True):
                if is_given_back:
                    await self._give_back(sub)
                    variants = await self._shop.variants(item.sku for item in command.items)
                if not shortfalls(command.items, mapping.there(variants, location)):
                    with contextlib.suppress(TooFew):
                        return await self._claimed(sub, mapping.draft(command, command_id, variants, self.config))
        await self._withdraw(sub)
        return Declined(sub_order_id=sub, reason="out_of_stock", detail="there is not enough in stock")

    async def _claimed(self, sub_order_id: str, wanted: Mapping[str, Any]) -> Order:
        """Draft the order, if that is not done, and make it one. Raises `TooFew`."""
        ordered = await self._memory.ordered(sub_order_id)
        order_id = None if ordered is None else ordered.order_id
        if order_id is None:
            order_id = await self._drafted(sub_order_id, wanted)
        await self._shop.convert(order_id)
        order = await self._shop.order(order_id)
        if order is None:
            raise Retry(f"order {order_id} was deleted as it was made")
        return order

    async def _drafted(self, sub_order_id: str, wanted: Mapping[str, Any]) -> str:
        """Draft an order that is intended. Where the shop surely did not, nothing was intended."""
        await self._memory.ordering(sub_order_id)
        try:
            order_id = await self._shop.draft(wanted)
        except (TooFew, AdapterError) as error:
            if not isinstance(error, Unsure):
                await self._memory.forget(sub_order_id)
            raise
        await self._memory.made(sub_order_id, order_id)
        return order_id

    async def _withdraw(self, sub_order_id: str) -> None:
        """Delete a draft that does not become an order."""
        ordered = await self._memory.ordered(sub_order_id)
        if ordered is not None and ordered.order_id is not None:
            await self._shop.discard(ordered.order_id)
        await self._memory.forget(sub_order_id)

    async def _give_back(self, sub_order_id: str) -> None:
        for held in await self._memory.held_for(sub_order_id):
            await self._shelf.give_back(held)

    async def _stopped(self, order: Order) -> bool:
        """Whether the order is canceled now; False if it has left."""
        if mapping.standing(order) == "over":
            return True
        if _has_left(order):
            return False
        if order.status == DRAFT:
            await self._shop.discard(order.id)
            return True
        for each in order.fulfillments or []:
            if each.canceled_at is None:
                await self._shop.unpack(order.id, each.id)
        await self._shop.cancel(order.id)
        return True


def _has_left(order: Order) -> bool:
    return mapping.standing(order) == "done" or mapping.way(order) in {"leaving", "left", "arrived"}
