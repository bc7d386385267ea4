"""Stock that everybody wants: two processes sell it side by side, and no unit twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import pytest_asyncio

from hub.checkout.known import Known
from hub.checkout.placing import Place, Wish
from hub.checkout.timing import Timing
from hub.orders.view import OrderView
from hub.runtime.database import Tx
from hub.runtime.together import Together
from tests.checkout.ordering import Ordering, order_id, slugs, two_processes


class Thoughtful(Place):
    """Looks up, and then makes nothing until it is told to."""

    def __init__(self, timing: Timing) -> None:
        super().__init__(timing)
        self.thinks = asyncio.Event()
        self.go_on = asyncio.Event()

    async def one(self, tx: Tx, known: Known, wanted: Wish) -> OrderView:
        self.thinks.set()
        await self.go_on.wait()
        return await super().one(tx, known, wanted)


@pytest_asyncio.fixture(scope="module")
async def ordering(database_url: str) -> AsyncGenerator[Ordering]:
    async with two_processes(database_url, "acme") as both:
        yield both


@pytest_asyncio.fixture
async def thoughtful(ordering: Ordering) -> Thoughtful:
    return Thoughtful(ordering.shop.wiring.timing)


async def test_while_one_process_makes_its_orders_the_other_sells(ordering: Ordering, thoughtful: Thoughtful) -> None:
    offer = await ordering.offer("shared", 10)
    slow = Together(ordering.other_database, thoughtful)
    slowly = [asyncio.create_task(ordering.place(quote, by=slow)) for quote in await ordering.quotes(2, offer)]
    await thoughtful.thinks.wait()
    quick = await asyncio.wait_for(asyncio.gather(*(ordering.place(quote) for quote in await ordering.quotes(3, offer))), 10)
    assert await ordering.count(offer) == {"on_hand": 7, "reserved": 3, "shipped": 0, "received": 10}
    thoughtful.go_on.set()
    assert len({order_id(each) for each in [*quick, *await asyncio.gather(*slowly)]}) == 5
    assert await ordering.count(offer) == {"on_hand": 5, "reserved": 5, "shipped": 0, "received": 10}
    assert await ordering.shop.breaches() == []


async def test_what_was_sold_meanwhile_is_sold_to_nobody_else(ordering: Ordering, thoughtful: Thoughtful) -> None:
    offer = await ordering.offer("last ones", 4)
    slow = Together(ordering.other_database, thoughtful)
    quotes = await ordering.quotes(3, offer)
    slowly = [asyncio.create_task(ordering.place(quote, by=slow, key=f"slow-{quote}")) for quote in quotes]
    await thoughtful.thinks.wait()
    await asyncio.gather(*(ordering.place(quote) for quote in await ordering.quotes(3, offer)))
    thoughtful.go_on.set()
    answers = await asyncio.gather(*slowly, return_exceptions=True)
    assert slugs(answers) == ["placed", "sold_out", "sold_out"], "the first of those who came"
    assert await ordering.count(offer) == {"on_hand": 0, "reserved": 4, "shipped": 0, "received": 4}
    assert await ordering.keys(*(f"slow-{quote}" for quote in quotes)) == 1
    assert await ordering.shop.breaches() == []


async def test_two_processes_sell_exactly_what_there_is(ordering: Ordering) -> None:
    offer = await ordering.offer("rush", 37)
    quotes = await ordering.quotes(120, offer)
    wishes = [ordering.place(quote, by=(ordering.placing, ordering.other)[at % 2]) for at, quote in enumerate(quotes)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert Counter(slugs(answers)) == {"placed": 37, "sold_out": 83}
    assert await ordering.count(offer) == {"on_hand": 0, "reserved": 37, "shipped": 0, "received": 37}
    assert len(await ordering.orders_of(quotes)) == 37
    assert await ordering.shop.breaches() == []
