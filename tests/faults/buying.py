"""Customers who never give up: orders placed over HTTP, each request repeated under its key until it is answered."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from tests.faults.market import Market
from tests.hub_api import ADDRESS

Line = tuple[str, str, int]
"""Vendor, SKU, quantity."""

PATIENCE_SECONDS = 90.0
AGAIN_SECONDS = 0.2
BUSY = {409, 429, 500, 502, 503, 504}
"""What is worth asking again with the same key; a 409 only while the first request under it still runs."""

MUG: Sequence[Line] = (("acme", "mug", 1), ("bolt", "book", 1))
"""An order over two vendors."""


_keys = itertools.count(1)


class Refused(Exception):
    """An answer that will not change."""


class Buyers:
    """Places orders and remembers them."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._offers: dict[tuple[str, str], str] = {}
        self.orders: list[str] = []
        self.placed_in: list[float] = []
        """Seconds that each placing took."""
        self._placed: dict[str, tuple[str, Any]] = {}
        """Of each order the key and the body that it was placed with."""
        self.consent: dict[str, Any] = {}
        """What they agree to when they order."""
        self.asked_again = 0
        """Requests repeated because their outcome was unknown."""

    async def buy(self, count: int, lines: Sequence[Line] = MUG, *, at_once: int = 4) -> list[str]:
        """Place `count` orders, `at_once` side by side; their ids."""
        for vendor, sku, _ in lines:
            await self.offer(vendor, sku)
        gate = asyncio.Semaphore(at_once)

        async def one() -> str:
            async with gate:
                return await self.place(lines)

        return list(await asyncio.gather(*(one() for _ in range(count))))

    async def place(self, lines: Sequence[Line]) -> str:
        """Place one order; its id. Raises `Refused`."""
        cart = (await self.ask("ada", "POST", "/v1/carts", {}))["id"]
        for vendor, sku, quantity in lines:
            await self.ask("ada", "PUT", f"/v1/carts/{cart}/lines/{await self.offer(vendor, sku)}", {"quantity": quantity})
        quote = await self.ask("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
        begun = time.monotonic()
        key, body = f"place-{next(_keys)}", {"quote_id": quote["id"], "payment_method": "pm_card_visa", **self.consent}
        order = await self.ask("ada", "POST", "/v1/orders", body, key=key)
        self._placed[order["id"]] = key, body
        self.placed_in.append(time.monotonic() - begun)
        self.orders.append(order["id"])
        self._market.accepted.append(order["id"])
        return order["id"]

    async def place_again(self, order: str) -> str:
        """Ask once more for an order under the key that it was placed with; the id in the answer."""
        key, body = self._placed[order]
        return (await self.ask("ada", "POST", "/v1/orders", body, key=key))["id"]

    async def offer(self, vendor: str, sku: str, *, stock: int = 100_000) -> str:
        """An offer's id, made at the first asking."""
        if (vendor, sku) not in self._offers:
            product = {"title": f"{vendor} {sku}", "category": "test"}
            body = {"price": {"amount": 1000, "currency": "EUR"}, "stock": stock, "product": product}
            self._offers[vendor, sku] = (await self.ask(vendor, "PUT", f"/v1/vendor/offers/{sku}", body))["id"]
        return self._offers[vendor, sku]

    async def ask(self, who: str, method: str, path: str, body: Any = None, *, key: str = "") -> dict[str, Any]:
        """One request, repeated under one key while its outcome is unknown. Raises `Refused`."""
        headers = {"Authorization": f"Bearer {self._market.keys[who]}"}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-{next(_keys)}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        said = ""
        while time.monotonic() < deadline:
            try:
                answer = await self._market.http.request(method, path, json=body, headers=headers)
            except httpx.HTTPError as error:
                said = repr(error)
            else:
                if answer.is_success:
                    return answer.json()
                said = answer.text
                in_use = answer.status_code != 409 or "idempotency_key_in_use" in said
                if answer.status_code not in BUSY or not in_use:
                    raise Refused(said)
            self.asked_again += 1
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError(f"{method} {path} was not answered in time: {said}")


async def meanwhile(buying: Awaitable[object], strike: Callable[[], Awaitable[bool]], times: int, pauses: tuple[float, float]) -> int:
    """Strike so many times while (and after) orders are placed; how often it hit."""
    chance = random.Random(times)
    task = asyncio.ensure_future(buying)
    hits = 0
    for _ in range(times):
        await asyncio.sleep(chance.uniform(*pauses))
        hits += await strike()
    await task
    return hits
