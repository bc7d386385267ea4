"""By what a vendor ships is told ahead: whole or not at all, older news is none, and a quote keeps its price."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.kernel.money import Money
from hub.runtime.database import Actor
from hub.vendors.admit import admit
from hub.vendors.model import NewVendor, ShippingOption
from tests.feeds.desk import Desk, at, offered, recent
from tests.hub_api import ADDRESS, Api
from tests.problem import problem
from vendor_sdk.feeds import RATES_MAX

_numbers = itertools.count(1)


@pytest.fixture
async def desk(api: Api) -> Desk:
    """Of a vendor that ships by post, and sells one thing."""
    code = f"carrier-{next(_numbers)}"
    post = ShippingOption(code="post", name="Post", price=Money(amount=490, currency="EUR"), days=3)
    async with api.wiring.database.tx(Actor("operator", "olga")) as tx:
        api.keys[code] = (await admit(tx, NewVendor(code=code, name=code, country="DE", shipping_options=[post]))).api_key or ""
    desk = Desk(api.wiring.database, code)
    await desk.delta("goods", at(), offered("a", stock=5))
    return desk


def rate(code: str, amount: Any = 690, currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), "price": {"amount": amount, "currency": currency}, "days": 2, **more}


async def told(desk: Desk, feed: str, when: datetime, *rates: dict[str, Any]) -> None:
    await desk.tell("shipping.rates", feed_id=feed, at=when, rates=list(rates))


async def options(api: Api, desk: Desk) -> dict[str, int]:
    shown = (await api("olga", "GET", f"/v1/admin/vendors/{desk.vendor}")).json()
    return {each["code"]: each["price"]["amount"] for each in shown["shipping_options"]}


async def became(api: Api, desk: Desk, feed: str) -> tuple[str, str, dict[str, int], list[tuple[int, str, str]]]:
    """A feed's state and reason, what became of its rows, and what is wrong with which: row, problem, field."""
    answer = await api(desk.vendor, "GET", f"/v1/vendor/feeds/{feed}")
    assert answer.status_code == 200, answer.text
    shown, errors = answer.json()["feed"], answer.json()["errors"]
    names = ("rows", "created", "changed", "unchanged", "stale", "withdrawn", "failed")
    wrong = [(each["row"], each["problem"]["type"].rsplit("/", 1)[-1], each["problem"]["field"]) for each in errors]
    return shown["state"], shown["reason"], {name: shown[name] for name in names if shown[name]}, wrong


async def quoted(api: Api, desk: Desk) -> dict[str, Any]:
    offer = (await api(desk.vendor, "GET", "/v1/vendor/offers/a")).json()
    cart = await api.cart()
    assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer['id']}", {"quantity": 1})).status_code == 200
    answer = await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
    assert answer.status_code == 201, answer.text
    return answer.json()


def prices(quote: dict[str, Any]) -> dict[str, int]:
    return {each["code"]: each["price"]["amount"] for each in quote["parts"][0]["shipping_options"]}


async def test_rates_replace_those_before_and_a_quote_keeps_the_price_it_was_made_with(api: Api, desk: Desk) -> None:
    before = await quoted(api, desk)
    await told(desk, "r1", recent(), rate("courier"), rate("drone", 990))
    assert await became(api, desk, "r1") == ("complete", "", {"rows": 2, "created": 2, "withdrawn": 1}, [])
    assert prices(await quoted(api, desk)) == {"courier": 690, "drone": 990}
    assert prices((await api("ada", "GET", f"/v1/quotes/{before['id']}")).json()) == {"post": 490}
    body = {"quote_id": before["id"], "shipping": {desk.vendor: "post"}, "payment_method": "pm_card_visa"}
    order = await api("ada", "POST", "/v1/orders", body)
    assert order.status_code == 201, order.text
    assert order.json()["total"]["amount"] == 1490
    await told(desk, "r2", recent(), rate("courier", 700), rate("drone", 990))
    assert await became(api, desk, "r2") == ("complete", "", {"rows": 2, "changed": 1, "unchanged": 1}, [])


async def test_older_rates_are_stale_and_a_message_that_comes_twice_is_taken_once(api: Api, desk: Desk) -> None:
    first, second = recent(), recent(1)
    for _ in range(2):
        await told(desk, "new", second, rate("courier"))
    await told(desk, "old", first, rate("drone"))
    await told(desk, "same", second, rate("drone"))
    await told(desk, "before", at(), rate("drone"))
    assert await options(api, desk) == {"courier": 690}
    assert (await became(api, desk, "new"))[2] == {"rows": 1, "created": 1, "withdrawn": 1}
    for feed in ("old", "same", "before"):
        assert (await became(api, desk, feed))[:3] == ("complete", "", {"rows": 1, "stale": 1})


async def test_only_what_changes_is_another_version_of_the_vendor(api: Api, desk: Desk) -> None:
    async def version() -> int:
        return (await api("olga", "GET", f"/v1/admin/vendors/{desk.vendor}")).json()["version"]

    first = await version()
    await told(desk, "same", recent(), rate("post", 490, name="Post", days=3))
    assert await version() == first
    await told(desk, "other", recent(), rate("post", 491, name="Post", days=3))
    assert await version() == first + 1


@pytest.mark.parametrize(
    ("bad", "slug", "field"),
    [
        (rate("courier"), "shipping_option_twice", "/code"),
        (rate("drone", currency="USD"), "wrong_currency", "/price/currency"),
        (rate("drone", -1), "invalid_request", "/price/amount"),
        (rate("drone", 10**12 + 1), "invalid_request", "/price/amount"),
        (rate("drone", "1"), "invalid_request", "/price/amount"),
        (rate("drone", days=366), "invalid_request", "/days"),
        (rate("drone", name=""), "invalid_request", "/name"),
        (rate("Drone!"), "invalid_request", "/code"),
        (rate("drone", weight=3), "invalid_request", "/weight"),
    ],
)
async def test_one_wrong_row_says_why_and_nothing_of_the_list_is_taken(
    api: Api, desk: Desk, bad: dict[str, Any], slug: str, field: str
) -> None:
    await told(desk, "r1", recent(), rate("courier"), bad)
    assert await became(api, desk, "r1") == ("incomplete", "rows_refused", {"rows": 2, "failed": 1}, [(1, slug, f"/rates/1{field}")])
    assert await options(api, desk) == {"post": 490}
    await told(desk, "r2", recent(), rate("courier"))
    assert await options(api, desk) == {"courier": 690}


async def test_no_rates_change_nothing_nor_do_those_that_leave_what_is_sold_unshippable(api: Api, desk: Desk) -> None:
    await told(desk, "none", recent())
    assert await became(api, desk, "none") == ("incomplete", "empty", {}, [])
    await desk.delta("abroad", at(), {**offered("b"), "price": {"amount": 1000, "currency": "USD"}})
    await told(desk, "half", recent(), rate("air", currency="USD"))
    assert await became(api, desk, "half") == ("incomplete", "currency_missing", {"rows": 1}, [])
    assert await options(api, desk) == {"post": 490}
    await told(desk, "both", recent(), rate("air", currency="USD"), rate("courier"))
    assert await options(api, desk) == {"air": 690, "courier": 690}


async def test_what_cannot_be_rates_is_kept_as_a_letter_and_another_vendor_sees_nothing(api: Api, desk: Desk) -> None:
    await told(desk, "many", recent(), *(rate(f"way-{number}") for number in range(RATES_MAX + 1)))
    await told(desk, "future", recent() + timedelta(minutes=1), rate("courier"))
    async with api.wiring.database.reading() as tx:
        rows = await tx.rows(text("SELECT detail FROM dead_letters WHERE target = :v ORDER BY id"), {"v": desk.vendor})
    assert ["`$.rates`" in row.detail for row in rows] == [True, False]
    assert ["`$.at`" in row.detail for row in rows] == [False, True]
    assert await options(api, desk) == {"post": 490}
    await told(desk, "mine", recent(), rate("courier"))
    problem(await api("acme", "GET", "/v1/vendor/feeds/mine"), 404, "unknown_feed")


async def test_as_many_ways_as_may_be_are_taken(api: Api, desk: Desk) -> None:
    await told(desk, "many", recent(), *(rate(f"way-{number}") for number in range(RATES_MAX)))
    assert len(await options(api, desk)) == RATES_MAX
