"""A crash between any two lines: no order is lost, none is written twice, no file is loaded twice."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from spokes.flatfile.book import Book
from spokes.flatfile.collect import Collector
from spokes.flatfile.export import Export
from spokes.flatfile.folder import Entry
from spokes.flatfile.load import Loader, Report
from spokes.flatfile.local import LocalFolder
from spokes.flatfile.names import Kind
from spokes.flatfile.orders import cancellation_file, order_file
from spokes.flatfile.settings import Settings
from spokes.flatfile.tables import SCHEMA
from tests.spokes.flatfile.vendor import Vendor
from tests.spokes.told import Told
from tests.vendor_sdk import orders
from vendor_sdk.durable import Durable
from vendor_sdk.messages import Recalled, Shipped


class Crash(BaseException):
    """The process ends here."""


class Crashing:
    """A folder whose process ends at the `at`-th change, before or after it."""

    def __init__(self, inner: LocalFolder, at: int, *, after: bool) -> None:
        self._inner = inner
        self._at = at
        self._after = after

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def entries(self, part: str) -> list[Entry]:
        return await self._inner.entries(part)

    async def read(self, path: str, most: int) -> bytes:
        return await self._inner.read(path, most)

    async def exists(self, path: str) -> bool:
        return await self._inner.exists(path)

    async def write(self, path: str, body: bytes) -> None:
        if self._at == 0:
            await self._inner.write(path, body[:5])
        self._die(after=False)
        await self._inner.write(path, body)
        self._die(after=True)

    async def move(self, old: str, new: str) -> None:
        self._die(after=False)
        await self._inner.move(old, new)
        self._die(after=True)

    def _die(self, *, after: bool) -> None:
        if after is not self._after:
            return
        self._at -= 1
        if self._at < 0:
            raise Crash


class Desk:
    """One start of the adapter's parts on what the one before left."""

    def __init__(self, root: Path, file: Durable, told: Told, at: int = 999, *, after: bool = False) -> None:
        folder = Crashing(LocalFolder(root), at, after=after)
        self.book = Book("acme", file)
        self.export = Export(self.book, folder)
        self.collector = Collector(Settings(folder=str(root)), folder, Loader("acme", file), told, self._loaded)

    async def _loaded(self, kind: Kind, report: Report) -> None:
        """Nobody listens to feeds here."""

    async def ship(self) -> object:
        answer = await self.book.ship(orders.ship("s1"), "h1", lambda known: order_file(orders.ship("s1"), "h1", known, ","))
        await self.export.finish("s1")
        return answer

    async def recall(self) -> object:
        command = orders.recall("s1", "o1")
        answer = await self.book.recall(command, cancellation_file(command, "c1", ","))
        await self.export.finish("s1")
        if answer is None and await self.export.withdraw(await self.book.order_path("s1")):
            await self.book.withdrawn("s1")
            return Recalled(sub_order_id="s1")
        return answer


@pytest_asyncio.fixture
async def file(tmp_path: Path) -> AsyncIterator[Durable]:
    file = await Durable.open(tmp_path / "book.sqlite", SCHEMA)
    yield file
    await file.close()


@pytest_asyncio.fixture
async def vendor(tmp_path: Path) -> Vendor:
    await LocalFolder(tmp_path / "vendor").open()
    return Vendor(tmp_path / "vendor")


Make = Callable[..., Desk]


@pytest.fixture
def start(vendor: Vendor, file: Durable) -> Make:
    told = Told()

    def start(at: int = 999, *, after: bool = False) -> Desk:
        return Desk(vendor.root, file, told, at, after=after)

    return start


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(2))
async def test_an_order_is_written_once(vendor: Vendor, start: Make, at: int, after: bool) -> None:
    with pytest.raises(Crash):
        await start(at, after=after).ship()
    taken = vendor.take()
    for _ in range(2):
        await start().ship()
        taken += vendor.take()
    assert [(row["sub_order_id"], row["sku"], row["quantity"]) for row in taken] == [("s1", "mug", "2")]
    assert vendor.names("work") == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_order_that_was_got_back_is_not_sent(vendor: Vendor, start: Make, after: bool) -> None:
    await start().ship()
    with pytest.raises(Crash):
        await start(0, after=after).recall()
    assert await start().recall() == Recalled(sub_order_id="s1")
    assert vendor.take() == []


async def test_an_order_that_was_taken_in_between_is_kept(vendor: Vendor, start: Make) -> None:
    await start().ship()
    with pytest.raises(Crash):
        await start(0).recall()
    assert len(vendor.take()) == 1
    assert await start().recall() is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(3))
async def test_a_file_is_loaded_once_and_filed_with_its_report(vendor: Vendor, file: Durable, start: Make, at: int, after: bool) -> None:
    await start().ship()
    vendor.put("shipments.csv", "sub_order_id,carrier,tracking_number\ns1,Post,1\n")
    crashing = start(at, after=after)
    await crashing.collector.look()
    with pytest.raises(Crash):
        await crashing.collector.look()
    again = start()
    for _ in range(3):
        await again.collector.look()
    assert isinstance(await again.ship(), Shipped)
    assert len(vendor.names("done")) == 2
    assert vendor.report()[0] == ("0", "", "1 rows loaded, 0 not")
    assert vendor.names("in") == vendor.names("failed") == vendor.names("work") == []
    loaded = await file.do(lambda db: db.execute("SELECT count(*) FROM loaded").fetchone())
    assert loaded[0] == 1
