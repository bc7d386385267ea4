"""A sub-order's units on the shop's shelf: set aside by reservations, given back once, counted again when they come back."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from spokes.items import shortfalls, units
from spokes.medusa import mapping
from spokes.medusa.memory import Held, Memory
from spokes.medusa.settings import Settings
from spokes.medusa.shop import Shop, TooFew
from spokes.sweep import Sweep
from spokes.web.failures import Unsure
from vendor_sdk.errors import AdapterError, Retry
from vendor_sdk.messages import Item, Reserve, Shortfall


class Shelf:
    """One shop's. The server itself sees to it that no unit is set aside twice; `handing` keeps ours from those an order is to get."""

    def __init__(self, shop: Shop, memory: Memory, settings: Settings) -> None:
        self._shop = shop
        self._memory = memory
        self._settings = settings
        self.handing = asyncio.Lock()
        self.sweep = Sweep(memory, self.give_back)

    async def set_aside(self, command: Reserve, command_id: str) -> list[Shortfall]:
        """Set all these units aside, or none: then what is missing."""
        held = await self._memory.held(command_id)
        if held is not None and held.is_over:
            return _all_of(command.items)
        if held is None:
            await self.sweep.run()
        variants = await self._shop.variants(item.sku for item in command.items)
        if held is None:
            if short := shortfalls(command.items, mapping.there(variants, self._settings.location)):
                return short
            await self._memory.intend(command_id, command.sub_order_id, command.expires_at.timestamp())
        try:
            await self._reserve(command, command_id, held, mapping.needs(command.items, variants))
        except TooFew:
            await self._drop(command_id)
            await self._memory.end(command_id)
            return _all_of(command.items)
        return []

    async def give_back(self, held: Held) -> None:
        """Give back what a reserve set aside; nothing is well too."""
        await self._drop(held.command_id)
        self._must_be_calm(held)
        await self._memory.end(held.command_id)

    async def restock(self, items: Sequence[Item], command_id: str) -> None:
        """Add units to the stock, once. Where that is in doubt they are not added: too few are sold, never too many."""
        variants = await self._shop.variants(item.sku for item in items)
        for item_id, needed in mapping.needs(items, variants).items():
            stocked = await self._stocked(item_id)
            was, done = await self._memory.restocking(command_id, item_id, stocked)
            if not done and stocked == was:
                await self._shop.restock(item_id, self._settings.location, stocked + needed)
            await self._memory.restocked(command_id, item_id)

    async def _reserve(self, command: Reserve, command_id: str, held: Held | None, needs: Mapping[str, float]) -> None:
        """Reserve what is not reserved yet, and give back what is so twice: a call that nobody heard of may end late."""
        made = [] if held is None else await self._shop.reservations(command_id)
        for item_id, needed in needs.items():
            first, *twice = [each for each in made if each.inventory_item_id == item_id] or [None]
            for each in twice:
                if each is not None:
                    await self._shop.give_back(each)
            if first is None:
                if held is not None:
                    self._must_be_calm(held)
                await self._ask(command_id, command.sub_order_id, item_id, needed)

    async def _ask(self, command_id: str, sub_order_id: str, item_id: str, needed: float) -> None:
        async with self.handing:
            await self._memory.asked(command_id, answered=False)
            try:
                await self._shop.reserve(command_id, sub_order_id, self._settings.location, item_id, needed)
            except Unsure:
                raise
            except (TooFew, AdapterError):
                await self._memory.asked(command_id, answered=True)
                raise
        await self._memory.asked(command_id, answered=True)

    async def _drop(self, command_id: str) -> None:
        for each in await self._shop.reservations(command_id):
            await self._shop.give_back(each)

    async def _stocked(self, item_id: str) -> float:
        levels = (await self._shop.inventory(item_id)).location_levels or []
        return sum(each.stocked_quantity for each in levels if each.location_id == self._settings.location)

    def _must_be_calm(self, held: Held) -> None:
        """Raises `Retry` while a call that was not answered may still be in work."""
        if (left := held.asked_at + self._settings.settle - time.time()) > 0:
            raise Retry("the shop may be setting units aside still", retry_after=left)


def _all_of(items: Sequence[Item]) -> list[Shortfall]:
    return [Shortfall(sku=sku, quantity=quantity) for sku, quantity in units(items).items()]
