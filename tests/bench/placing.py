"""Placing orders through the HTTP API: three vendors each, every duty kept, from quotes made beforehand."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from itertools import islice

import msgspec

from hub.replay.web import Web

LINES = 3
VENDORS = [f"bench-{n}" for n in range(9)]
OFFERS_PER_VENDOR = 200
ADDRESS = {"name": "Bench", "line1": "Main Street 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


class Placed(msgspec.Struct, frozen=True):
    """`per_second` orders; latencies of the placing call in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


class Market:
    """A marketplace to place orders in; vendors work by hand, so nothing but placing runs."""

    def __init__(self, web: Web, operator: str) -> None:
        self._web = web
        self._operator = operator
        self._offers: list[list[str]] = []
        self._customers: list[str] = []
        self._next = 0

    async def open(self, customers: int) -> None:
        """Vendors, offers and customers."""
        option = {"code": "standard", "name": "Standard", "price": {"amount": 490, "currency": "EUR"}, "days": 3}
        for code in VENDORS:
            new = {"code": code, "name": code, "country": "DE", "shipping_options": [option]}
            key = (await self._web(self._operator, "POST", "/v1/admin/vendors", new))["api_key"]
            offers = [
                {
                    "sku": f"sku-{n}",
                    "price": {"amount": 500 + n, "currency": "EUR"},
                    "stock": 1_000_000,
                    "product": {"title": f"Thing {n} of {code}", "category": "bench"},
                }
                for n in range(OFFERS_PER_VENDOR)
            ]
            put = await self._web(key, "POST", "/v1/vendor/offers", {"offers": offers})
            self._offers.append([offer["id"] for offer in put["data"]])
        for n in range(customers):
            new = {"name": f"buyer {n}", "email": f"buyer{n}@example.com"}
            self._customers.append((await self._web(self._operator, "POST", "/v1/admin/customers", new))["api_key"])

    async def quotes(self, count: int) -> list[tuple[str, str]]:
        """(customer's key, quote id) of so many carts with three offers of three vendors."""
        made: list[tuple[str, str]] = []
        for _ in range(0, count, 8):
            made += await asyncio.gather(*(self._quote() for _ in range(8)))
        return made[:count]

    async def _quote(self) -> tuple[str, str]:
        n = self._next
        self._next += 1
        customer = self._customers[n % len(self._customers)]
        lines = {self._offers[(n + k) % len(VENDORS)][(n * 7 + k) % OFFERS_PER_VENDOR]: 1 for k in range(LINES)}
        cart = await self._web(customer, "POST", "/v1/carts", {"lines": lines})
        quote = await self._web(customer, "POST", f"/v1/carts/{cart['id']}/quotes", {"address": ADDRESS})
        return customer, quote["id"]


async def place(web: Web, quotes: Sequence[tuple[str, str]], buyers: int) -> Placed:
    """Place one order per quote, so many at once."""
    latencies: list[float] = []
    todo = iter(quotes)

    async def buyer() -> None:
        while mine := list(islice(todo, 1)):
            customer, quote = mine[0]
            begun = time.perf_counter()
            await web(customer, "POST", "/v1/orders", {"quote_id": quote, "payment_method": "pm_card_visa"}, {"Idempotency-Key": quote})
            latencies.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(buyer() for _ in range(buyers)))
    cuts = statistics.quantiles(latencies, n=100)
    return Placed(len(quotes) / (time.perf_counter() - begun), statistics.median(latencies), cuts[98])
