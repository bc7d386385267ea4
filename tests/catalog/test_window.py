"""What many customers look at: read together, and given again from memory for a moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import httpx
import pytest_asyncio

from hub.app import create_app
from hub.kernel.errors import NotFound
from hub.runtime.database import Database, Reading
from hub.search.window import LANES, MOST, ShopWindow
from hub.settings import load_settings
from hub.wiring import watch, wire
from tests.hub_api import Api, serving, settings_for
from tests.problem import problem

PRICE = {"amount": 100, "currency": "EUR"}


class Counted(Database):
    """Counts how often it is read from."""

    reads = 0

    def reading(self) -> Reading:
        self.reads += 1
        return super().reading()


async def offer(api: Api, sku: str, *, stock: int = 5, title: str = "A lamp") -> str:
    """Its product's id."""
    body = {"price": PRICE, "stock": stock, "product": {"title": title, "category": "light"}}
    answer = await api("acme", "PUT", f"/v1/vendor/offers/{sku}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["product_id"]


@pytest_asyncio.fixture
async def keeping(database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """An API process that keeps copies for an hour, and lets strangers ask twenty times."""
    hour = {"WHEELWRIGHT__HTTP__COPY_SECONDS": "3600", "WHEELWRIGHT__HTTP__ANONYMOUS_PER_MINUTE": "20"}
    wiring = wire(load_settings(environ={**settings_for(database_url), **hour}), "test")
    async with serving(create_app(wiring)) as http:
        yield http
    await wiring.close()


async def test_who_looks_at_the_same_time_is_answered_from_one_read_each_with_his_own(api: Api, database_url: str):
    products = [await offer(api, f"many-{n}", title=f"Candelabrum {n}") for n in range(20)]
    database = Counted(database_url)
    window = ShopWindow(database, watch(api.wiring.settings))
    asked = [*products * 5, "prd_x"]
    answers = await asyncio.gather(*(window.show(each) for each in asked), return_exceptions=True)
    assert [None if isinstance(each, BaseException) else each.id for each in answers] == [*products * 5, None]
    assert isinstance(answers[-1], NotFound)
    assert database.reads <= -(-len(asked) // MOST) + LANES

    database.reads = 0
    pages = await asyncio.gather(*(window.find("candelabrum", None, after=None, limit=n) for n in range(1, 21)))
    assert [len(page.data) for page in pages] == list(range(1, 21))
    assert all(found.best_offer is not None for page in pages for found in page.data)
    assert 20 < database.reads <= 30, "words are looked up for each alone, offers for all who wait"
    await database.close()


async def test_shown_again_as_it_was_with_headers_of_ones_own(api: Api, keeping: httpx.AsyncClient):
    product = await offer(api, "kept")
    path = f"/v1/products/{product}"
    first = await keeping.get(path, headers={"X-Request-Id": "first"})
    await offer(api, "kept", stock=0)
    again = await keeping.get(path, headers={"X-Request-Id": "again"})
    assert (again.status_code, again.content) == (200, first.content)
    assert [each.headers["x-request-id"] for each in (first, again)] == ["first", "again"]
    assert [each.headers["ratelimit-remaining"] for each in (first, again)] == ["19", "18"]
    names = Counter(name for name, _ in again.headers.multi_items())
    assert names == dict.fromkeys(names, 1), "each header once"
    assert again.headers["content-type"] == first.headers["content-type"]
    fresh = (await api("", "GET", path)).json()
    assert not fresh["variants"][0]["offers"][0]["available"], "a process that keeps none knows"


async def test_who_has_asked_too_often_gets_no_copy_either(api: Api, keeping: httpx.AsyncClient):
    path = f"/v1/products/{await offer(api, 'often')}"
    answers = [await keeping.get(path) for _ in range(21)]
    assert Counter(each.status_code for each in answers) == {200: 20, 429: 1}


async def test_what_is_not_there_is_not_kept(api: Api, keeping: httpx.AsyncClient):
    for _ in range(2):
        problem(await keeping.get("/v1/products/prd_x"), 404, "unknown_product")
    assert (await keeping.get("/v1/search", params={"q": "sextant"})).json()["data"] == []
    await offer(api, "sextant", title="Sextant")
    assert (await keeping.get("/v1/search", params={"q": "sextant"})).json()["data"] == [], "an empty list is an answer"
    assert len((await keeping.get("/v1/search", params={"q": "sextant", "limit": 1})).json()["data"]) == 1, "another question"
    problem(await keeping.get("/v1/search?limit=0"), 400, "invalid_request", "limit")


async def test_a_copy_grows_old(api: Api, database_url: str):
    wiring = wire(load_settings(environ={**settings_for(database_url), "WHEELWRIGHT__HTTP__COPY_SECONDS": "0.3"}), "test")
    path = f"/v1/products/{await offer(api, 'old')}"
    async with serving(create_app(wiring)) as http:
        before = await http.get(path)
        await offer(api, "old", stock=0)
        await asyncio.sleep(0.35)
        after = await http.get(path)
    assert [each.json()["variants"][0]["offers"][0]["quantity"] for each in (before, after)] == [5, 0]
    await wiring.close()
