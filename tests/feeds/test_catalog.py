"""A vendor's catalog, told whole and as it changes: older news is none, and only a whole catalog proves that something is gone."""

import itertools
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.feeds.forget import forget
from hub.kernel.money import Money
from hub.runtime.database import Actor
from hub.runtime.pages import cursor_of
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from hub.worker.listen import TRIES_MAX, is_hopeless, take_feed
from tests.feeds.desk import EUR, Desk, at, offered, recent
from tests.hub_api import Api
from tests.problem import problem
from vendor_sdk import subjects

_numbers = itertools.count(1)


@pytest.fixture
async def desk(api: Api) -> Desk:
    """Of a vendor that has nothing yet."""
    code = f"vendor-{next(_numbers)}"
    option = ShippingOption(code="post", name="Post", price=Money(amount=490, currency="EUR"), days=3)
    async with api.wiring.database.tx(Actor("operator", "olga")) as tx:
        api.keys[code] = (await admit(tx, NewVendor(code=code, name=code, country="DE", shipping_options=[option]))).api_key or ""
    return Desk(api.wiring.database, code)


async def feed(api: Api, desk: Desk, feed_id: str) -> dict[str, Any]:
    answer = await api(desk.vendor, "GET", f"/v1/vendor/feeds/{feed_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def counts(api: Api, desk: Desk, feed_id: str) -> tuple[str, dict[str, int]]:
    """A feed's state and what became of its rows, without noughts."""
    shown = (await feed(api, desk, feed_id))["feed"]
    names = ("rows", "created", "changed", "unchanged", "stale", "withdrawn", "failed")
    return shown["state"], {name: shown[name] for name in names if shown[name]}


async def offer(api: Api, desk: Desk, sku: str) -> dict[str, Any]:
    answer = await api(desk.vendor, "GET", f"/v1/vendor/offers/{sku}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def on_sale(api: Api, desk: Desk) -> list[str]:
    offers = (await api(desk.vendor, "GET", "/v1/vendor/offers?limit=100")).json()["data"]
    return sorted(each["sku"] for each in offers if each["state"] == "active")


async def letters(api: Api, desk: Desk) -> list[tuple[str, str, str]]:
    async with api.wiring.database.reading() as tx:
        rows = await tx.rows(text("SELECT kind, reason, detail FROM dead_letters WHERE target = :v ORDER BY id"), {"v": desk.vendor})
        return [tuple(row) for row in rows]


async def test_a_whole_catalog_puts_offers_and_takes_off_sale_what_it_does_not_name(api: Api, desk: Desk) -> None:
    await desk.page("f1", at(), offered("a", stock=3), offered("b"))
    await desk.page("f1", at(), offered("c"), number=2)
    assert await counts(api, desk, "f1") == ("open", {"rows": 3, "created": 3})
    await desk.end("f1", at(), pages=2, rows=3)
    assert await counts(api, desk, "f1") == ("complete", {"rows": 3, "created": 3})
    assert (await offer(api, desk, "a"))["stock"] == 3
    found = (await api("", "GET", "/v1/search?q=zebra")).json()["data"]
    assert desk.vendor in {each["best_offer"]["vendor"] for each in found if each["best_offer"]}
    await desk.whole("f2", at(10), offered("a"), offered("c", 1200))
    assert await counts(api, desk, "f2") == ("complete", {"rows": 2, "changed": 1, "unchanged": 1, "withdrawn": 1})
    assert await on_sale(api, desk) == ["a", "c"]
    assert ((await offer(api, desk, "a"))["version"], (await offer(api, desk, "c"))["price"]["amount"]) == (1, 1200)
    await desk.whole("f3", at(20), offered("a"), offered("b"), offered("c", 1200))
    assert await counts(api, desk, "f3") == ("complete", {"rows": 3, "changed": 1, "unchanged": 2})
    assert await on_sale(api, desk) == ["a", "b", "c"]


async def test_pages_come_twice_in_any_order_and_after_the_end(api: Api, desk: Desk) -> None:
    await desk.whole("f0", at(), offered("gone"), offered("a"))
    for _ in range(2):
        await desk.end("f1", at(10), pages=3, rows=3)
        await desk.page("f1", at(10), offered("c"), number=3)
        await desk.page("f1", at(10), offered("a"), number=1)
    assert (await counts(api, desk, "f1"))[0] == "open"
    assert "gone" in await on_sale(api, desk)
    for _ in range(2):
        await desk.page("f1", at(10), offered("b"), number=2)
    await desk.end("f1", at(10), pages=3, rows=3)
    assert await counts(api, desk, "f1") == ("complete", {"rows": 3, "created": 2, "unchanged": 1, "withdrawn": 1})
    assert await on_sale(api, desk) == ["a", "b", "c"]
    assert (await offer(api, desk, "b"))["version"] == 1
    assert await letters(api, desk) == []


async def test_half_a_catalog_takes_nothing_off_sale_and_the_next_whole_one_does(api: Api, desk: Desk) -> None:
    await desk.whole("f0", at(), offered("a"), offered("gone"))
    await desk.page("half", at(10), offered("a", 1100))
    await desk.whole("f2", at(20), offered("a", 1200))
    assert await on_sale(api, desk) == ["a"]
    await desk.page("half", at(10), offered("gone"), number=2)
    await desk.end("half", at(10), pages=2, rows=2)
    assert await counts(api, desk, "half") == ("complete", {"rows": 2, "changed": 1, "stale": 1})
    assert (await on_sale(api, desk), (await offer(api, desk, "a"))["price"]["amount"]) == (["a"], 1200)


@pytest.mark.parametrize(
    ("rows", "end", "reason"),
    [
        ([], {"pages": 1, "rows": 0}, "empty"),
        ([offered("a")], {"pages": 1, "rows": 2}, "rows_differ"),
        ([offered("a"), {"price": EUR}], {"pages": 1, "rows": 2}, "rows_unreadable"),
        ([offered("a"), {"sku": 7, "price": EUR}], {"pages": 1, "rows": 2}, "rows_unreadable"),
    ],
)
async def test_a_broken_catalog_proves_nothing(api: Api, desk: Desk, rows: list[Any], end: dict[str, int], reason: str) -> None:
    await desk.whole("f0", at(), offered("a"), offered("b"))
    await desk.page("f1", at(10), *rows)
    await desk.end("f1", at(10), **end)
    shown = (await feed(api, desk, "f1"))["feed"]
    assert (shown["state"], shown["reason"], shown["withdrawn"]) == ("incomplete", reason, 0)
    assert await on_sale(api, desk) == ["a", "b"]


async def test_a_catalog_with_more_pages_than_it_says_proves_nothing(api: Api, desk: Desk) -> None:
    await desk.whole("f0", at(), offered("a"), offered("b"))
    await desk.page("f1", at(10), offered("a"), number=2)
    await desk.end("f1", at(10), pages=1, rows=1)
    assert (await feed(api, desk, "f1"))["feed"]["reason"] == "pages_differ"
    assert await on_sale(api, desk) == ["a", "b"]


async def test_a_bad_row_is_said_of_that_row_and_is_not_absent(api: Api, desk: Desk) -> None:
    await desk.whole("f0", at(), offered("a"), offered("b"))
    await desk.whole("f1", at(10), offered("a", 0), {"sku": "new", "price": EUR}, offered("b", color="red"), offered("c"), offered("c"))
    assert await counts(api, desk, "f1") == ("complete", {"rows": 5, "created": 1, "failed": 4})
    assert await on_sale(api, desk) == ["a", "b", "c"]
    errors = (await feed(api, desk, "f1"))["errors"]
    assert [(each["page"], each["row"], each["sku"], each["problem"]["type"], each["problem"]["field"]) for each in errors] == [
        (1, 0, "a", "/problems/price_zero", "/rows/0/price/amount"),
        (1, 1, "new", "/problems/product_missing", "/rows/1/product"),
        (1, 2, "b", "/problems/invalid_request", "/rows/2/color"),
        (1, 4, "c", "/problems/sku_twice", "/rows/4/sku"),
    ]
    first = (await api(desk.vendor, "GET", "/v1/vendor/feeds/f1/errors?limit=3")).json()
    rest = (await api(desk.vendor, "GET", f"/v1/vendor/feeds/f1/errors?cursor={first['next_cursor']}")).json()
    assert first["data"] + rest["data"] == errors
    await desk.delta("d1", at(20), offered("a", 900))  # what was wrong is no news: what comes after it is taken
    assert (await offer(api, desk, "a"))["price"]["amount"] == 900


async def test_older_news_never_overwrites_newer(api: Api, desk: Desk) -> None:
    await desk.delta("d3", at(30), offered("a", 300), withdrawn=[])
    await desk.delta("d2", at(20), offered("a", 200))
    await desk.delta("d3-again", at(30), offered("a", 333))
    assert await counts(api, desk, "d2") == ("complete", {"rows": 1, "stale": 1})
    assert await counts(api, desk, "d3-again") == ("complete", {"rows": 1, "stale": 1})
    await desk.delta("w2", at(25), withdrawn=["a"])
    assert (await on_sale(api, desk), (await offer(api, desk, "a"))["price"]["amount"]) == (["a"], 300)
    await desk.delta("w4", at(40), withdrawn=["a", "nothing", "a"])
    assert await counts(api, desk, "w4") == ("complete", {"rows": 3, "withdrawn": 1, "failed": 2})
    errors = (await feed(api, desk, "w4"))["errors"]
    assert [(each["row"], each["problem"]["field"]) for each in errors] == [(1, "/withdrawn/1"), (2, "/withdrawn/2")]
    await desk.delta("d35", at(35), offered("a", 350))
    assert await on_sale(api, desk) == []
    await desk.delta("d50", at(50), offered("a", 500))
    assert await on_sale(api, desk) == ["a"]


async def test_what_was_said_over_http_is_as_of_then(api: Api, desk: Desk) -> None:
    body = {"price": EUR, "stock": 5, "product": {"title": "By hand", "category": "kitchen"}}
    assert (await api(desk.vendor, "PUT", "/v1/vendor/offers/hand", body)).status_code == 200
    await desk.whole("f1", recent(-60), offered("hand", 1, stock=9), offered("other"))
    assert ((await offer(api, desk, "hand"))["price"], (await offer(api, desk, "hand"))["stock"]) == (EUR, 5)
    await desk.whole("f2", recent(-30), offered("other"))  # it was there before we heard of "hand"
    assert await on_sale(api, desk) == ["hand", "other"]
    await desk.delta("d1", recent(1), offered("hand", 2, stock=8))
    assert ((await offer(api, desk, "hand"))["price"]["amount"], (await offer(api, desk, "hand"))["stock"]) == (2, 8)


async def test_a_message_that_is_none_is_kept_and_stops_nothing(api: Api, desk: Desk) -> None:
    await desk.raw("catalog.page", b"{")
    await desk.raw("catalog.page", b'{"feed_id": "x", "number": 0, "at": "2026-01-01T00:00:00Z", "rows": []}')
    await desk.raw("catalog.page", b'{"feed_id": "x", "number": 1, "at": "2026-01-01T00:00:00", "rows": []}')
    await desk.raw("stock.levels", b'{"feed_id": "x", "at": "2026-01-01T00:00:00Z", "rows": [{"sku": "\\u0000", "stock": 1}]}')
    await desk.raw("catalog.stars", b"{}")
    await desk.page("x", at(), *[{}] * 501)
    await desk.delta("future", recent(3600), offered("a"))
    await desk.raw("stock.levels", b'{"feed_id": "x", "at": "2026-01-01T00:00:00Z", "rows": []}' + b" " * 256 * 1024)
    kept = await letters(api, desk)
    assert [reason for _, reason, _ in kept] == ["malformed"] * 8
    details = " ".join(detail for _, _, detail in kept)
    assert (details.count("$.number"), details.count("$.at"), details.count("NUL"), details.count("$.rows")) == (1, 2, 1, 1)
    await desk.page("x", at(), offered("a"))
    assert await on_sale(api, desk) == ["a"]
    shown = (await api(desk.vendor, "GET", "/v1/vendor/dead-letters")).json()["data"]
    assert len(shown) == 8


async def test_an_id_stands_for_one_feed(api: Api, desk: Desk) -> None:
    await desk.whole("f1", at(), offered("a"))
    await desk.page("f1", at(1), offered("a", 1), number=2)
    await desk.delta("f1", at(), offered("a", 1))
    await desk.page("f1", at(), offered("b"), number=2)
    await desk.end("f1", at(), pages=2, rows=2)
    assert [reason for _, reason, _ in await letters(api, desk)] == ["foreign"] * 4
    assert (await offer(api, desk, "a"))["price"]["amount"] == 1000
    assert await on_sale(api, desk) == ["a"]


async def test_nobody_sees_or_touches_anothers(api: Api, desk: Desk) -> None:
    await desk.whole("mine", at(), offered("a"))
    problem(await api("bolt", "GET", "/v1/vendor/feeds/mine"), 404, "unknown_feed")
    problem(await api("bolt", "GET", "/v1/vendor/feeds/mine/errors"), 404, "unknown_feed")
    assert (await api("ada", "GET", "/v1/vendor/feeds")).status_code == 403
    bolt = Desk(api.wiring.database, "bolt")
    await bolt.whole("mine", at(1), offered("b"))
    assert await on_sale(api, desk) == ["a"]
    variant = (await offer(api, desk, "a"))["variant_id"]
    await bolt.delta("steal", at(2), {"sku": "b", "price": EUR, "variant_id": variant}, offered("b2"))
    assert (await feed(api, bolt, "steal"))["errors"][0]["problem"]["type"] == "/problems/offer_of_another_variant"


async def test_feeds_are_listed_and_forgotten(api: Api, desk: Desk) -> None:
    for number in range(3):
        await desk.delta(f"d{number}", at(number), offered("a", 100 + number), {})
    first = (await api(desk.vendor, "GET", "/v1/vendor/feeds?limit=2")).json()
    rest = (await api(desk.vendor, "GET", f"/v1/vendor/feeds?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in first["data"] + rest["data"]] == ["d2", "d1", "d0"]
    assert "wheelwright_feed_rows" in (await api("olga", "GET", "/metrics")).text
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE feeds SET begun_at = now() - interval '8 days' WHERE id <> 'd2' AND vendor = :v"), {"v": desk.vendor})
    await forget(api.wiring.database, 7)
    assert [each["id"] for each in (await api(desk.vendor, "GET", "/v1/vendor/feeds")).json()["data"]] == ["d2"]
    async with api.wiring.database.reading() as tx:
        left = text("SELECT count(*) FROM feed_errors WHERE vendor = :v")
        assert await tx.scalar(left, {"v": desk.vendor}) == 1


class Given:
    """A message as the broker gives it, for the so-manieth time."""

    def __init__(self, desk: Desk, body: bytes, delivered: int) -> None:
        self.subject = subjects.feed(desk.vendor, "catalog.delta")
        self.data = body
        self.headers: dict[str, str] = {}
        self.num_delivered = delivered
        self.timestamp = recent()
        self.acked = False

    @property
    def metadata(self) -> "Given":
        return self

    async def ack(self) -> None:
        self.acked = True


async def test_what_fails_again_and_again_is_put_aside_and_acknowledged(api: Api, desk: Desk) -> None:
    body = b'{"feed_id": "old", "at": "0001-01-01T00:00:00+14:00", "rows": []}'  # of a year that PostgreSQL's driver has not
    first, last = Given(desk, body, 1), Given(desk, body, 10)
    with pytest.raises(DBAPIError):
        await take_feed(api.wiring, desk.vendor, first)
    await take_feed(api.wiring, desk.vendor, last)
    assert (first.acked, last.acked) == (False, True)
    assert [(kind, reason) for kind, reason, _ in await letters(api, desk)] == [("catalog.delta", "not_applicable")]


def test_a_page_that_takes_the_database_too_long_is_not_tried_for_ever() -> None:
    """Its statement's time-out says nothing of the database's being away, as it may with an answer to an order, which is small."""
    away, too_long = ConnectionRefusedError(), TimeoutError()
    assert [is_hopeless(error, TRIES_MAX, is_large=True) for error in (away, too_long)] == [False, True]
    assert not is_hopeless(too_long, TRIES_MAX - 1, is_large=True)
    assert not is_hopeless(too_long, TRIES_MAX)


async def test_a_cursor_that_somebody_made_up_is_refused(api: Api, desk: Desk) -> None:
    await desk.delta("d", at(), {})
    for path, position in (("feeds", ["2026-01-01T00:00:00", "d"]), ("feeds/d/errors", [2**40, 1]), ("feeds/d/errors", [-1, 1])):
        problem(await api(desk.vendor, "GET", f"/v1/vendor/{path}?cursor={cursor_of(position)}"), 400, "invalid_request")
