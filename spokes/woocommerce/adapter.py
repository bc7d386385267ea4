"""The WooCommerce adapter: a reservation is an order on hold, a submit completes it, a ship sets it processing."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from spokes.items import shortfalls
from spokes.sweep import Sweep
from spokes.web.address import checked_url
from spokes.web.door import Door
from spokes.woocommerce import mapping
from spokes.woocommerce.mapping import CANCELED, HELD, LEFT, OVER, PROCESSING, UNSENT
from spokes.woocommerce.memory import FILE, SCHEMA, Held, Memory
from spokes.woocommerce.model import Order
from spokes.woocommerce.settings import Settings
from spokes.woocommerce.shop import Shop
from vendor_sdk.adapter import Adapter
from vendor_sdk.durable import Durable
from vendor_sdk.errors import AdapterError, NeedsReauth, Rejected, Retry
from vendor_sdk.feeds import Rate
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

SIGNATURE = "x-wc-webhook-signature"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a webhook: which order to look at."""

    id: int


class WooCommerce(Adapter[Settings], Stock, Orders, Shipping):
    """A WooCommerce shop."""

    async def open(self) -> None:
        """Open the memory; the first call connects."""
        its = self.config
        self._file = await Durable.open(self.data / FILE, SCHEMA)
        self._memory = Memory(self.vendor, self._file)
        self._door = Door(checked_url(its.url, allow_private=its.allow_private), allow_private=its.allow_private)
        self._shop = Shop(self._door, its.consumer_key, its.consumer_secret)
        self._counting = asyncio.Lock()
        self._sweep = Sweep(self._memory, self._cancel)

    async def close(self) -> None:
        """Let go of the shop and the memory."""
        await self._door.close()
        await self._file.close()

    async def reserve(self, command: Reserve, context: Context) -> Reserved | Refused:
        """Put an order on hold, unless that leaves the shop with less than nothing."""
        expires_at = command.expires_at.timestamp()
        order = await self._held(context.command_id, command.sub_order_id, command.items, expires_at=expires_at)
        if isinstance(order, Order):
            return Reserved(sub_order_id=command.sub_order_id, reference=order.number[:128])
        reason = "unknown_sku" if any(each.reason == "unknown_sku" for each in order) else "out_of_stock"
        return Refused(sub_order_id=command.sub_order_id, reason=reason, short=order)

    async def release(self, command: Release, context: Context) -> Released:  # noqa: ARG002 - it names what it gives back
        """Cancel the held order, unless it was submitted since."""
        held = await self._memory.of_command(command.reserve_command_id)
        if held is not None and not held.is_submitted:
            await self._cancel(held)
        return Released(sub_order_id=command.sub_order_id)

    async def submit(self, command: Submit, context: Context) -> Accepted | Declined | Pending:
        """Give the held order its address and prices; without one, or for other items, hold one now."""
        sub = command.sub_order_id
        async with self._sweep.lock:
            await self._memory.keep(sub)
        held = await self._memory.of_sub_order(sub)
        order = None if held is None else await self._order(held)
        if held is not None and order is not None and not (held.is_submitted or mapping.same_items(order, command.items)):
            await self._cancel(held)
            order = None
        if held is None or order is None:
            made = await self._held(context.command_id, sub, command.items, expires_at=None)
            if not isinstance(made, Order):
                return Declined(sub_order_id=sub, reason="out_of_stock", detail=f"not enough of {made[0].sku}" if made else "")
            order, held = made, await self._memory.of_command(context.command_id)
        assert held is not None
        if order.status == mapping.ON_HOLD:
            order = await self._shop.update(order.id, mapping.details(command, order))
        await self._memory.submitted(held.command_id)
        return mapping.decision(order, sub)

    async def recall(self, command: Recall, context: Context) -> Recalled | Kept:  # noqa: ARG002 - it names what it stops
        """Cancel the order, unless it is completed."""
        held = await self._memory.of_sub_order(command.sub_order_id)
        if held is not None and not await self._cancel(held):
            return Kept(sub_order_id=command.sub_order_id)
        return Recalled(sub_order_id=command.sub_order_id)

    async def ship(self, command: Ship, context: Context) -> Shipped | Pending:
        """Set the order processing; when the shop has completed it, read its parcels."""
        held, order = await self._known(command.sub_order_id)
        await self._memory.shipping(held.command_id, context.command_id)
        if order.status in UNSENT:
            order = await self._shop.update(order.id, {"status": PROCESSING})
        return await self._dispatch(command.sub_order_id, order)

    async def track(self, command: Track, context: Context) -> Delivered | Pending:  # noqa: ARG002 - it changes nothing
        """Only a shop with a status for it tells."""
        held = await self._memory.of_sub_order(command.sub_order_id)
        order = await self._shop.order(held.order_id) if held is not None and held.order_id is not None else None
        return mapping.arrival(order, command.sub_order_id)

    async def rates(self) -> list[Rate]:
        """The methods of one zone, in the shop's currency; none where no zone is named."""
        if self.config.shipping_zone is None:
            return []
        methods = await self._shop.methods(self.config.shipping_zone)
        return mapping.rates(methods, await self._shop.currency(), self.config.shipping_days)

    async def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Look at the order that a webhook is about, and tell what has become of it. Twice is once, a stranger's is nothing.

        Raises `NeedsReauth` for a webhook that is not the shop's.
        """
        signature = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "")
        if not mapping.is_genuine(self.config.webhook_secret, signature, body):
            raise NeedsReauth("webhook: it is not signed by the shop")
        try:
            order_id = msgspec.json.decode(body, type=Heard).id
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AdapterError(f"webhook: {error}") from error
        held = await self._memory.of_order(order_id)
        order = None if held is None else await self._shop.order(order_id)
        if held is None or order is None or not held.ship_command_id:
            return
        if isinstance(answer := await self._dispatch(held.sub_order_id, order), Shipped):
            await self.facts.tell("shipping.shipped", answer, command_id=held.ship_command_id)

    async def _held(self, command_id: str, sub: str, items: Sequence[Item], *, expires_at: float | None) -> Order | list[Shortfall]:
        """The order on hold that a command asked for, made if it is not there; or what is missing for it."""
        held = await self._memory.of_command(command_id)
        order = None if held is None else await self._order(held)
        is_deleted = order is None and held is not None and held.order_id is not None
        if is_deleted or (order is not None and order.status in OVER):
            return [Shortfall(sku=item.sku, quantity=item.quantity) for item in items]
        async with self._counting:
            if order is None:
                await self._sweep.run()
                products = await self._shop.products(item.sku for item in items)
                if short := shortfalls(items, mapping.there(products)):
                    return short
                await self._memory.intend(command_id, sub, expires_at)
                order = await self._create(command_id, mapping.held_order(sub, command_id, items, products))
            return await self._counted(command_id, order, items)

    async def _create(self, command_id: str, body: dict[str, Any]) -> Order:
        """Create an order that is intended. Where the shop surely did not, nothing was intended."""
        made = await self._shop.create(body)
        if isinstance(made, AdapterError):
            await self._memory.forget(command_id)
            raise made
        await self._memory.created(command_id, made.id)
        return made

    async def _counted(self, command_id: str, order: Order, items: Sequence[Item]) -> Order | list[Shortfall]:
        """The order, if the shop still has enough with it: its own checkout does not wait for us."""
        products = await self._shop.products(item.sku for item in items)
        if order.status in HELD and mapping.is_oversold(items, products):
            await self._shop.update(order.id, {"status": CANCELED})
            await self._memory.end(command_id)
            return [Shortfall(sku=item.sku, quantity=item.quantity) for item in items]
        return order

    async def _order(self, held: Held) -> Order | None:
        """The shop's order; looked for, where we died before we knew its number."""
        if held.order_id is not None:
            return await self._shop.order(held.order_id)
        found = await self._shop.find(held.command_id, held.began_at)
        if found:
            return await self._only(held.command_id, found)
        if (left := held.asked_at + self.config.settle - time.time()) > 0:
            raise Retry("the shop may be creating the order still", retry_after=left)
        return None

    async def _only(self, command_id: str, found: Sequence[Order]) -> Order:
        """The one of a command's orders that counts; the others are canceled before it is noted, for they are looked for no more."""
        order = next((each for each in found if each.status not in OVER), found[0])
        for each in found:
            if each.id != order.id and each.status not in OVER | LEFT:
                await self._shop.update(each.id, {"status": CANCELED})
        await self._memory.created(command_id, order.id)
        return order

    async def _known(self, sub_order_id: str) -> tuple[Held, Order]:
        """The order to be sent. Raises `Rejected` if there is none, or no more."""
        held = await self._memory.of_sub_order(sub_order_id)
        order = None if held is None else await self._order(held)
        if held is None or order is None:
            raise Rejected(f"the shop has no order for {sub_order_id}", reason="unknown_order")
        if order.status in OVER:
            raise Rejected(f"order {order.number} is {order.status}", reason="canceled_by_vendor")
        return held, order

    async def _cancel(self, held: Held) -> bool:
        """Cancel an order; False if it has left."""
        order = await self._order(held)
        if order is not None and order.status in LEFT:
            return False
        if order is not None and order.status not in OVER:
            await self._shop.update(order.id, {"status": CANCELED})
        await self._memory.end(held.command_id)
        return True

    async def _dispatch(self, sub_order_id: str, order: Order) -> Shipped | Pending:
        parcels = await self._parcels(order) if order.status in LEFT else []
        return Shipped(sub_order_id=sub_order_id, parcels=parcels) if parcels else Pending(sub_order_id=sub_order_id)

    async def _parcels(self, order: Order) -> list[Parcel]:
        match self.config.tracking:
            case "extension":
                return mapping.parcels_of_extension(await self._shop.trackings(order.id))
            case "meta":
                return mapping.parcels_of_meta(order)
            case "none":
                return [Parcel(carrier=self.config.carrier, tracking_number=order.number or str(order.id))]
