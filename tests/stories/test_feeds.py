"""A vendor's system tells thousands of offers over the broker, and what changes; orders go on meanwhile, at the price that was seen."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import nats
import pytest_asyncio
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from hub.runtime import topology
from tests.feeds.desk import recent
from tests.hub_api import ADDRESS
from tests.world import ALL, Building, World
from vendor_sdk import feeds, messages, subjects
from vendor_sdk.feeder import Feeder, Schedule
from vendor_sdk.feeds import CatalogPage, Described, Level, Offered, Price
from vendor_sdk.pages import Page, Pages
from vendor_sdk.ports import Catalog

OFFERS = 5_000
BAD = (7, 2_500, 4_999)
GONE = 1_234


def offered(number: int, price: int = 1000) -> Offered:
    """One of the vendor's; three of them are wrong."""
    words = Described(title=f"Feeder {number}", category="feed")
    return Offered(sku=f"feed-{number}", price=Price(amount=0 if number in BAD else price, currency="EUR"), product=words, stock=100)


class Shelf(Catalog):
    """The vendor's system."""

    def __init__(self, *but: int) -> None:
        self._but = but

    async def full(self) -> AsyncGenerator[Offered]:
        for number in range(OFFERS):
            if number not in self._but:
                yield offered(number)
        yield Offered(sku="bowl", price=Price(amount=1000, currency="EUR"))  # put by hand, and in the vendor's system too


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str, scratch: Path) -> AsyncGenerator[World]:
    """Two vendors with spokes, which have time to answer, however busy the machine is."""
    folder = scratch / f"feeds-{database_url.rsplit('/', 1)[1]}"
    async with Building(database_url, folder, {"bolt": ALL, "cedar": ALL}, orders__reserve_seconds="60") as built:
        yield built


@pytest_asyncio.fixture
async def pages(tmp_path: Path) -> AsyncGenerator[Pages]:
    """What cedar's spoke has not sent yet."""
    pages = await Pages.open("cedar", tmp_path)
    yield pages
    await pages.close()


@pytest_asyncio.fixture
async def feeder(world: World, pages: Pages) -> AsyncGenerator[Feeder]:
    """Of cedar, over its own account on the broker."""
    client = await entered(world, "cedar")

    async def publish(page: Page) -> None:
        headers = {messages.MSG_ID: page.message_id, messages.SCHEMA: messages.SCHEMA_VERSION}
        await client.jetstream().publish(subjects.spoke_feed(page.kind), page.body, headers=headers)

    feeder = Feeder(pages, publish, Schedule())
    sending = asyncio.create_task(feeder.send())
    yield feeder
    sending.cancel()
    await client.close()


async def entered(world: World, vendor: str) -> Client:
    """A vendor's own connection."""
    return await nats.connect(world.nats.url, nkeys_seed_str=world.seeds[vendor])


async def ended(world: World, feed_id: str, seconds: float = 120) -> dict[str, Any]:
    """A feed of cedar's once it is whole."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await world("cedar", "GET", f"/v1/vendor/feeds/{feed_id}")
        if answer.status_code == 200 and answer.json()["feed"]["state"] != "open":
            return answer.json()
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.1)


async def offer(world: World, number: int) -> dict[str, Any]:
    return (await world("cedar", "GET", f"/v1/vendor/offers/feed-{number}")).json()


async def answered_in(world: World) -> float:
    """Seconds from an order at cedar until it has accepted it, by the timeline."""
    placed = await world.place(("cedar", "bowl", 1))
    await world.until(placed["id"], "completed", seconds=60)
    moments = (await world("ada", "GET", f"/v1/orders/{placed['id']}/timeline")).json()
    by = {f"{moment['life']}.{moment['event']}": moment["at"] for moment in moments}
    told, accepted = (datetime.fromisoformat(by[name]) for name in ("sub_order.route", "sub_order.accept"))
    return (accepted - told).total_seconds()


async def test_a_vendor_tells_five_thousand_offers_and_what_changes(world: World, feeder: Feeder) -> None:
    quiet = await answered_in(world)
    first = await feeder.tell_catalog(Shelf())
    assert first is not None
    while_told = await answered_in(world)  # the same vendor's answers do not wait behind its pages
    landed = await ended(world, first)
    assert (landed["feed"]["state"], landed["feed"]["created"], landed["feed"]["failed"]) == ("complete", OFFERS - 3, 3)
    assert [(each["sku"], each["problem"]["field"]) for each in landed["errors"]] == [
        (f"feed-{number}", f"/rows/{number % feeds.ROWS_MAX}/price/amount") for number in BAD
    ]
    assert while_told < max(5.0, 20 * quiet), (quiet, while_told)

    cart = (await world("ada", "POST", "/v1/carts", {"lines": {(await offer(world, 1))["id"]: 1}})).json()["id"]
    quote = (await world("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
    placed = await world("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})
    assert placed.status_code == 201, placed.text

    [delta] = await feeder.changed([offered(1, price=1500)])
    assert (await ended(world, delta))["feed"]["changed"] == 1
    assert (await offer(world, 1))["price"]["amount"] == 1500
    order = await world.until(placed.json()["id"], "completed", seconds=60)
    assert order["total"] == {"amount": 1000 + 490, "currency": "EUR"}

    second = await feeder.tell_catalog(Shelf(GONE))
    assert second is not None
    landed = (await ended(world, second))["feed"]
    assert (landed["state"], landed["withdrawn"], landed["changed"], landed["failed"]) == ("complete", 1, 1, 3)
    assert (await offer(world, GONE))["state"] == "paused"
    assert (await offer(world, 1))["price"]["amount"] == 1000
    found = (await world("ada", "GET", "/v1/search?q=feeder+1234")).json()["data"]
    assert [each["best_offer"] for each in found] == [None]
    assert await world.breaches() == []


async def test_what_no_feed_can_be_stops_neither_feeds_nor_orders(world: World, feeder: Feeder, pages: Pages) -> None:
    await pages.put([Page(series="", message_id=f"junk-{n}", kind="catalog.page", body=b"{") for n in range(50)])
    [count] = await feeder.counted([Level(sku="bowl", stock=7)])
    assert (await ended(world, count))["feed"]["changed"] == 1
    await world.until((await world.place(("cedar", "bowl", 1)))["id"], "completed", seconds=60)
    letters = (await world("cedar", "GET", "/v1/vendor/dead-letters?limit=100")).json()["data"]
    assert sum(letter["kind"] == "catalog.page" for letter in letters) == 50


async def test_a_vendor_cannot_tell_for_another(world: World) -> None:
    forged = CatalogPage(feed_id="forged", number=1, at=recent(), rows=[msgspec.to_builtins(offered(1, price=1))])
    bolt = await entered(world, "bolt")
    await bolt.jetstream().publish("feed.cedar.catalog.page", messages.encode(forged))  # arrives as feed.bolt.cedar.catalog.page
    await bolt.jetstream().publish("feed.catalog.page", messages.encode(forged))
    deadline = time.monotonic() + 20
    while (await world("bolt", "GET", "/v1/vendor/feeds/forged")).status_code != 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert (await world("cedar", "GET", "/v1/vendor/feeds/forged")).status_code == 404
    await bolt.close()


async def test_a_stream_that_was_lost_is_made_again(world: World) -> None:
    js, stream = world.wiring.bus.js, subjects.feed_stream("cedar")
    await js.delete_stream(stream)
    world.worker._listener.missing(stream)  # pyright: ignore[reportPrivateUsage] - as a puller that pulls in vain says after a while
    deadline = time.monotonic() + 20
    while True:
        with suppress(NotFoundError):
            assert (await js.stream_info(stream)).config.max_msgs == topology.FEEDS_MAX
            assert (await js.consumer_info(stream, subjects.CONSUMER_HUB)).config.max_ack_pending == topology.FEEDS_AT_ONCE
            return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
