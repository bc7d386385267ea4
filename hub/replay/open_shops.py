"""Opens the recorded vendors' shops in the hub: admits them, puts their offers, waits until broker and spokes know them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from hub.embedded.folder import write_private
from hub.embedded.nkey import new_seed, public_of
from hub.kernel.errors import Unavailable
from hub.replay.files import CURRENCY, Good, History, Shop
from hub.replay.web import Web
from hub.runtime.bus import Bus
from vendor_sdk import subjects

COUNTRY = "BR"
COMMISSION_BPS = 1_150
"""Not a round number: nearly every commission has to be rounded."""
HOLD_SECONDS = 1
SHIP_SECONDS, DELIVER_SECONDS = 0.5, 0.5
BULK = 500
"""Offers in one request."""
AT_ONCE = 16
STREAMS_PER_VENDOR = 2
UP_SECONDS = 180.0
LOOK_SECONDS = 0.5

T = TypeVar("T")
Tell = Callable[[int], None]


async def open_shops(web: Web, operator: str, history: History, seeds: Path, tell: Tell) -> dict[Good, str]:
    """Offer id by good. `seeds` is where `hub run` looks for the secret keys of spokes; `tell` hears how many vendors are done.

    Raises `Refused`, also on a hub that has these vendors already.
    """
    demand = history.demand()
    goods: dict[str, list[Good]] = {}
    for good in sorted(demand):
        goods.setdefault(good.vendor, []).append(good)
    offers: dict[Good, str] = {}

    async def open_one(shop: Shop) -> None:
        own = goods[shop.id]
        key = (await web(operator, "POST", "/v1/admin/vendors", _vendor(shop, _new_key(shop, seeds))))["api_key"]
        for start in range(0, len(own), BULK):
            some = own[start : start + BULK]
            put = await web(key, "POST", "/v1/vendor/offers", {"offers": [_offer(good, demand[good]) for good in some]})
            offers.update({good: made["id"] for good, made in zip(some, put["data"], strict=True)})
        tell(1)

    await each(history.shops, open_one, AT_ONCE)
    return offers


async def register_buyers(web: Web, operator: str, count: int) -> list[str]:
    """The keys of `count` new customers."""
    wanted = [{"name": f"Buyer {number}", "email": f"buyer-{number}@example.com"} for number in range(1, count + 1)]
    return [(await web(operator, "POST", "/v1/admin/customers", body))["api_key"] for body in wanted]


class NotUp(RuntimeError):
    """Vendors' spokes or streams are missing."""


class Presence:
    """Watches the broker from before the first vendor is admitted, so as to know when all of them are there."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._streams = 0
        self._alive: set[str] = set()

    async def begin(self) -> None:
        """Count what is there and listen to heartbeats."""
        self._streams = await self._count_streams()
        await self._bus.nc.subscribe(subjects.heartbeat("*"), cb=self._heard)

    async def all_up(self, shops: Sequence[Shop], tell: Tell) -> None:
        """Wait until each has its streams and a spoke that says it is alive. Raises `NotUp` after `UP_SECONDS`."""
        codes = {shop.code for shop in shops}
        until, told = time.monotonic() + UP_SECONDS, 0
        while True:
            up = len(codes & self._alive)
            tell(up - told)
            told = up
            made = await self._count_streams() - self._streams
            if up == len(codes) and made >= STREAMS_PER_VENDOR * len(codes):
                return
            if time.monotonic() > until:
                raise NotUp(f"after {UP_SECONDS:.0f} s only {up} spokes and {made} streams of {len(codes)} vendors are there")
            await asyncio.sleep(LOOK_SECONDS)

    async def _count_streams(self) -> int:
        """How many there are; 0 while the broker takes in new accounts, when JetStream is away for a moment."""
        try:
            return (await self._bus.js.account_info()).streams
        except (NatsError, Unavailable):
            return 0

    async def _heard(self, msg: Msg) -> None:
        self._alive.add(msg.subject.partition(".")[2])


async def each(things: Sequence[T], do: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Do it for each thing, so many at a time; the first error ends all."""
    left = iter(things)

    async def take() -> None:
        for thing in left:
            await do(thing)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(take())


def _new_key(shop: Shop, seeds: Path) -> str:
    """The public half of a new key for its spoke, whose seed is laid where the spoke will look for it."""
    seed = new_seed()
    write_private(seeds / f"{shop.code}.nk", seed.encode())
    return public_of(seed)


def _vendor(shop: Shop, nkey_public: str) -> dict[str, Any]:
    return {
        "code": shop.code,
        "name": f"{shop.city.title()} {shop.id[:6]}",
        "country": COUNTRY,
        "nkey_public": nkey_public,
        "capabilities": ["stock", "orders", "shipping"],
        "commission_bps": COMMISSION_BPS,
        "hold_seconds": HOLD_SECONDS,
        "shipping_options": [{"code": "standard", "name": "Standard", "price": {"amount": 0, "currency": CURRENCY}, "days": 7}],
        "embedded_spoke": "dummy",
        "spoke_config": {"ship_after": SHIP_SECONDS, "deliver_after": DELIVER_SECONDS},
    }


def _offer(good: Good, units: int) -> dict[str, Any]:
    return {
        "sku": good.sku,
        "price": {"amount": good.price, "currency": CURRENCY},
        "shipping_price": {"amount": good.freight, "currency": CURRENCY},
        "stock": units,
        "product": {"title": f"Product {good.product[:8]}", "category": "recorded"},
    }
