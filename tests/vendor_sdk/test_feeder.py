"""A spoke tells its catalog and stock: on schedule and at once, in pages that fit, kept while the broker is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from spokes.dummy.adapter import Dummy
from spokes.dummy.switches import OnShelf, Switches, Way
from tests.vendor_sdk.conftest import RunSpoke
from tests.vendor_sdk.stand import Stand, until
from vendor_sdk import feeds, messages, subjects
from vendor_sdk.adapter import Adapter
from vendor_sdk.feeder import Feeder, Schedule, tells_levels, tells_rates
from vendor_sdk.feeds import CatalogDelta, CatalogEnd, CatalogPage, Described, Level, Offered, Price, Rate, ShippingRates, StockLevels
from vendor_sdk.pages import Page, Pages
from vendor_sdk.ports import Catalog, Shipping, Stock, capabilities

SHELVES = {f"s{number}": {"price": 100 + number} for number in range(1200)}


class Post:
    """Takes pages as the broker does, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.got: list[messages.Message] = []
        self.ids: list[str] = []

    async def __call__(self, page: Page) -> None:
        if self.away:
            raise ConnectionError
        assert len(page.body) <= messages.BODY_BYTES_MAX
        self.ids.append(page.message_id)
        self.got.append(feeds.decode_feed(page.kind, page.body))


@pytest_asyncio.fixture
async def pages(tmp_path: Path) -> AsyncIterator[Pages]:
    pages = await Pages.open("acme", tmp_path)
    yield pages
    await pages.close()


async def sent(feeder: Feeder, pages: Pages) -> None:
    """Let everything that waits be published."""
    task = asyncio.create_task(feeder.send())

    async def empty() -> bool:
        return await pages.first() is None

    await until(empty)
    task.cancel()


def offered(sku: str, **more: Any) -> Offered:
    return Offered(sku=sku, price=Price(amount=1, currency="EUR"), **more)


class Shelf(Catalog, Stock):
    """An adapter of so many rows; it may break after some of them."""

    def __init__(self, rows: Sequence[Offered], breaks_after: int | None = None) -> None:
        self._rows = rows
        self._breaks_after = breaks_after

    async def full(self) -> AsyncIterator[Offered]:
        for number, row in enumerate(self._rows):
            if number == self._breaks_after:
                raise ConnectionError("the shop is away")
            yield row

    async def reserve(self, command: Any, context: Any) -> Any: ...
    async def release(self, command: Any, context: Any) -> Any: ...


async def test_levels_are_told_as_of_when_their_reading_began(pages: Pages) -> None:
    read: list[datetime] = []

    class Slow(Shelf):
        async def levels(self) -> AsyncIterator[Level]:
            for number in range(2 * feeds.ROWS_MAX + 1):
                if number % feeds.ROWS_MAX == 0:
                    await asyncio.sleep(0.01)
                read.append(datetime.fromtimestamp(time.time(), UTC))
                yield Level(sku=f"s{number}", stock=1)

    post = Post()
    feeder = Feeder(pages, post, Schedule())
    await feeder.tell_levels(Slow([]))
    await sent(feeder, pages)
    told = [each for each in post.got if isinstance(each, StockLevels)]
    assert len(told) == 3
    assert all(each.at <= read[0] for each in told)


async def test_a_catalog_is_told_in_pages_that_fit_with_its_end_last(pages: Pages) -> None:
    post = Post()
    feeder = Feeder(pages, post, Schedule())
    long = Described(title="x", category="y", description="z" * 5000)
    rows = [offered(f"a{number}") for number in range(600)] + [offered(f"b{number}", product=long) for number in range(100)]
    feed_id = await feeder.tell_catalog(Shelf(rows))
    await sent(feeder, pages)
    *told, end = post.got
    assert isinstance(end, CatalogEnd)
    assert (end.pages, end.rows, end.feed_id) == (len(told), 700, feed_id)
    listed = [page for page in told if isinstance(page, CatalogPage)]
    assert [page.number for page in listed] == list(range(1, len(told) + 1))
    assert {(page.feed_id, page.at) for page in listed} == {(end.feed_id, end.at)}
    assert [row["sku"] for page in listed for row in page.rows] == [row.sku for row in rows]
    assert all(len(page.rows) <= feeds.ROWS_MAX for page in listed)
    assert len(set(post.ids)) == len(post.ids)


async def test_what_breaks_in_the_middle_has_no_end_and_what_is_empty_is_not_told(pages: Pages) -> None:
    post = Post()
    feeder = Feeder(pages, post, Schedule())
    with pytest.raises(ConnectionError):
        await feeder.tell_catalog(Shelf([offered(f"a{number}") for number in range(700)], breaks_after=650))
    assert await feeder.tell_catalog(Shelf([])) is None
    await sent(feeder, pages)
    assert [type(each) for each in post.got] == [CatalogPage]


async def test_a_row_that_fits_nowhere_is_named_all_the_same(pages: Pages) -> None:
    post = Post()
    feeder = Feeder(pages, post, Schedule())
    await feeder.tell_catalog(Shelf([offered("big", product=Described(title="x" * 300_000, category="y")), offered("small")]))
    await sent(feeder, pages)
    assert isinstance(post.got[0], CatalogPage)
    assert [row["sku"] for row in post.got[0].rows] == ["big", "small"]
    assert post.got[0].rows[0] == {"sku": "big"}


async def test_changes_are_kept_while_the_broker_is_away_and_told_in_their_order(pages: Pages, tmp_path: Path) -> None:
    post = Post()
    post.away = True
    feeder = Feeder(pages, post, Schedule())
    task = asyncio.create_task(feeder.send())
    first = await feeder.changed([offered("a")])
    second = await feeder.changed([offered("a")], ["b"])
    third = await feeder.counted([Level(sku="a", stock=3)], at=datetime(2026, 1, 1, tzinfo=UTC))
    task.cancel()  # the process dies
    again = await Pages.open("acme", tmp_path)
    other = await Pages.open("bolt", tmp_path)
    assert await other.first() is None
    post.away = False
    await sent(Feeder(again, post, Schedule()), again)
    assert [getattr(each, "feed_id", "") for each in post.got] == [*first, *second, *third]
    a, b, c, d = post.got
    assert isinstance(a, CatalogDelta)
    assert isinstance(b, CatalogDelta)
    assert isinstance(c, CatalogDelta)
    assert isinstance(d, StockLevels)
    assert a.at < b.at < c.at
    assert (c.withdrawn, d.rows) == (["b"], [{"sku": "a", "stock": 3}])
    await again.close()
    await other.close()


async def test_the_schedule_is_kept_over_restarts_and_adds_nothing_to_what_waits(tmp_path: Path, pages: Pages) -> None:
    post = Post()
    shelf = {"a": OnShelf(price=100)}
    dummy = Dummy("acme", Switches(catalog=shelf, stock={"a": 5}), None, tmp_path)  # pyright: ignore[reportArgumentType] - it tells no facts here
    await dummy.open()
    feeder = Feeder(pages, post, Schedule(catalog_every=0.01, levels_every=3600))
    for _ in range(2):
        clock = asyncio.create_task(feeder.keep_time(dummy))
        await asyncio.sleep(1.3)
        clock.cancel()
        assert post.got == []
    await sent(feeder, pages)
    assert [type(each) for each in post.got] == [CatalogPage, CatalogEnd, StockLevels]
    clock = asyncio.create_task(Feeder(pages, post, Schedule(catalog_every=0.01, levels_every=3600)).keep_time(dummy))

    async def again() -> bool:
        return await pages.first() is not None

    await until(again)
    clock.cancel()
    found = await pages.first()
    assert found is not None
    assert found[1].kind == "catalog.page"
    await dummy.close()


async def test_rates_are_told_whole_on_schedule_and_at_once_and_never_none_or_too_many(tmp_path: Path, pages: Pages) -> None:
    post = Post()
    way = Way(code="post", name="Post", price=490)
    dummy = Dummy("acme", Switches(rates=[way]), None, tmp_path)  # pyright: ignore[reportArgumentType] - it tells no facts here
    feeder = Feeder(pages, post, Schedule(catalog_every=0, levels_every=0))
    clock = asyncio.create_task(feeder.keep_time(dummy))

    async def waits() -> bool:
        return await pages.first() is not None

    await until(waits)
    clock.cancel()
    drone = Rate(code="drone", name="Drone", price=Price(amount=990, currency="EUR"), days=0)
    (feed_id,) = await feeder.rated([drone])
    with pytest.raises(ValueError, match="no rates"):
        await feeder.rated([])
    with pytest.raises(ValueError, match="more than"):
        await feeder.rated([drone] * (feeds.RATES_MAX + 1))
    assert await feeder.tell_rates(Dummy("acme", Switches(), None, tmp_path)) is None  # pyright: ignore[reportArgumentType] - as above
    await sent(feeder, pages)
    scheduled, at_once = post.got
    assert isinstance(scheduled, ShippingRates)
    assert isinstance(at_once, ShippingRates)
    assert scheduled.rates == [{"code": "post", "name": "Post", "price": {"amount": 490, "currency": "EUR"}, "days": 3}]
    assert (at_once.feed_id, [each["code"] for each in at_once.rates]) == (feed_id, ["drone"])
    assert scheduled.at < at_once.at


async def test_a_spoke_tells_the_hub_what_it_sells_and_has(stand: Stand, vendor: str, run_spoke: RunSpoke) -> None:
    spoke = await run_spoke(vendor, {"catalog": SHELVES, "stock": {"s0": 3}})
    stream = subjects.feed_stream(vendor)

    async def all_told() -> bool:
        return (await stand.js.stream_info(stream)).state.messages == 5

    await until(all_told)
    first = await stand.js.get_msg(stream, seq=1)
    assert first.subject == subjects.feed(vendor, "catalog.page")
    page = msgspec.json.decode(first.data or b"", type=CatalogPage)
    assert page.rows[0]["price"] == {"amount": 100, "currency": "EUR"}
    assert spoke.is_connected


def test_what_an_adapter_can_tell_is_read_from_its_class() -> None:
    class Bare(Adapter[Switches], Stock):
        async def reserve(self, command: Any, context: Any) -> Any: ...
        async def release(self, command: Any, context: Any) -> Any: ...

    assert (tells_levels(Dummy), tells_levels(Bare), tells_levels(Adapter)) == (True, False, False)

    class Silent(Shipping):
        async def ship(self, command: Any, context: Any) -> Any: ...
        async def track(self, command: Any, context: Any) -> Any: ...

    assert (tells_rates(Dummy), tells_rates(Silent), tells_rates(Bare)) == (True, False, False)
    assert capabilities(Dummy) == ["stock", "orders", "shipping", "returns"]
