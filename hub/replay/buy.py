"""Places the recorded orders as buyers do: cart, lines, quote, order; an order is asked for with the same key until it is placed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hub.replay.files import CURRENCY, Good, Recorded
from hub.replay.web import Refused, Web

ADDRESS = {
    "name": "Comprador",
    "line1": "Avenida Paulista 1000",
    "city": "São Paulo",
    "region": "SP",
    "postal_code": "01310-100",
    "country": "BR",
}
PAYMENT_METHOD = "pm_card_visa"
WAIT_SECONDS = 20
"""A buyer wants to see its order confirmed before it buys again; what is ordered faster than it is worked off only piles up."""

Gate = Callable[[int], Awaitable[None]]


class Buyers:
    """So many buyers at once; `placed` maps the recorded order's id to the hub's, `owners` to its buyer's key."""

    def __init__(self, web: Web, keys: Sequence[str], offers: Mapping[Good, str]) -> None:
        self._web = web
        self._keys = keys
        self._offers = offers
        self.placed: dict[str, str] = {}
        self.owners: dict[str, str] = {}

    async def place_all(self, orders: Sequence[Recorded], gate: Gate, tell: Callable[[int], None]) -> None:
        """Place them in turn; before number n each buyer waits for ``gate(n)``. Raises `Refused`."""
        left = iter(enumerate(orders))

        async def buy(key: str) -> None:
            for number, order in left:
                await gate(number)
                self.placed[order.id], self.owners[order.id] = await self._place(key, order), key
                tell(1)

        async with asyncio.TaskGroup() as group:
            for key in self._keys:
                group.create_task(buy(key))

    async def see(self) -> list[dict[str, Any]]:
        """Every order as its buyer sees it."""
        return [order for key in self._keys for order in await self._web.pages(key, "/v1/orders")]

    async def _place(self, key: str, order: Recorded) -> str:
        cart = (await self._web(key, "POST", "/v1/carts", {"currency": CURRENCY}))["id"]
        for good, count in order.units.items():
            await self._web(key, "PUT", f"/v1/carts/{cart}/lines/{self._offers[good]}", {"quantity": count})
        quote = await self._web(key, "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
        if quote["total"] != {"amount": order.total, "currency": CURRENCY}:
            raise Refused(f"order {order.id} costs {order.total} in the files, but is quoted at {quote['total']}")
        wanted = {"quote_id": quote["id"], "payment_method": PAYMENT_METHOD}
        headers = {"Idempotency-Key": f"replay-{order.id}", "Prefer": f"wait={WAIT_SECONDS}"}
        return str((await self._web(key, "POST", "/v1/orders", wanted, headers))["id"])
