"""Coupons over HTTP: in the quote, in the order to the cent, in what the vendor bears, and how often."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.app import create_app
from hub.orders import store
from hub.orders.place import withdraw
from hub.orders.states import SubOrderEvent
from hub.settings import load_settings
from hub.wiring import wire
from tests.hub_api import ADDRESS, Api, people, serving, settings_for
from tests.problem import problem

PROMOTIONS = """
[[promotions]]
code = "TENTH"
name = "10 % off"
bps = 1000
borne_by = "shared"
platform_bps = 4000

[[promotions]]
code = "BOLT5"
name = "5.00 off at Bolt"
fixed = { EUR = 500 }
vendors = ["bolt"]
borne_by = "vendor"

[[promotions]]
code = "FREESHIP"
name = "Free standard shipping"
bps = 10_000
on = "shipping"
borne_by = "platform"

[[promotions]]
code = "GIFT"
name = "Everything free"
bps = 10_000
borne_by = "platform"

[[promotions]]
code = "ONCE"
name = "One for each"
bps = 1000
borne_by = "platform"
uses_per_customer = 1

[[promotions]]
code = "THREE"
name = "Three for all"
bps = 1000
borne_by = "platform"
uses = 3

[[promotions]]
code = "GONE"
name = "Too late"
bps = 1000
borne_by = "platform"
until = 2020-01-01T00:00:00Z

[[promotions]]
code = "ALONE"
name = "Only alone"
bps = 1000
borne_by = "platform"
stackable = false

[[promotions]]
code = "BIG"
name = "Big carts"
bps = 1000
borne_by = "platform"
minimum = { EUR = 100_000 }
"""


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str, scratch: Path) -> AsyncGenerator[Api]:
    """The API with these promotions."""
    path = scratch / "promotions.toml"
    path.write_text(PROMOTIONS)
    wiring = wire(load_settings(environ=settings_for(database_url, WHEELWRIGHT__ORDERS__PROMOTIONS_FILE=str(path))), "test")
    app = create_app(wiring)
    async with serving(app) as http:
        yield Api(app, wiring, http, await people(wiring.database))
    await wiring.close()


async def quote(api: Api, *coupons: str, who: str = "ada") -> Any:
    """A quote for three mugs of acme (10.01 each) and a book of bolt (20.00)."""
    mug, book = await api.offer("mug", price=1001, stock=1000), await api.offer("book", vendor="bolt", price=2000, stock=1000)
    cart = await api.cart(who, lines={mug: 3, book: 1})
    return await api(who, "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS, "coupons": coupons})


async def place(api: Api, asked: Any, who: str = "ada", **more: Any) -> Any:
    assert asked.status_code == 201, asked.text
    return await api(who, "POST", "/v1/orders", {"quote_id": asked.json()["id"], "payment_method": "pm_card_visa", **more})


def amounts(found: Any, *names: str) -> list[int]:
    return [found[name]["amount"] for name in names]


class TestInTheQuote:
    async def test_a_discount_is_shown_per_line_part_and_whole(self, api: Api):
        asked = (await quote(api, "tenth", "BOLT5")).json()
        acme, bolt = asked["parts"]
        assert asked["coupons"] == [
            {"code": "TENTH", "name": "10 % off", "discount": {"amount": 500, "currency": "EUR"}},  # of 50.03
            {"code": "BOLT5", "name": "5.00 off at Bolt", "discount": {"amount": 500, "currency": "EUR"}},
        ]
        assert amounts(acme["lines"][0], "unit_price", "discount", "total") == [1001, 300, 2703]
        assert amounts(bolt["lines"][0], "unit_price", "discount", "total") == [2000, 700, 1300]
        assert amounts(acme, "goods_total", "discount", "total") == [3003, 300, 2703 + 490]
        assert amounts(asked, "goods_total", "shipping_total", "discount", "total") == [5003, 980, 1000, 4983]
        assert asked["tax_included"]["amount"] == 796  # 4983 x 19 / 119 = 795.6: of what is paid

    async def test_free_shipping_is_that_of_the_cheapest_way(self, api: Api):
        options = (await quote(api, "FREESHIP")).json()["parts"][0]["shipping_options"]
        assert [(o["code"], *amounts(o, "price", "discount", "total")) for o in options] == [
            ("standard", 490, 490, 0),
            ("express", 990, 490, 500),
        ]

    @pytest.mark.parametrize(
        ("coupons", "status", "slug", "field"),
        [
            (["NONE"], 422, "unknown_coupon", "/coupons/0"),
            (["TENTH", "tenth"], 422, "repeated_coupon", "/coupons/1"),
            (["TENTH", "GONE"], 409, "coupon_expired", "/coupons/1"),
            (["BIG"], 409, "coupon_below_minimum", "/coupons/0"),
            (["ALONE", "TENTH"], 409, "coupon_not_stackable", "/coupons/0"),
            (["not a code"], 400, "invalid_request", "/coupons/0"),
            (["TENTH"] * 11, 400, "invalid_request", "/coupons"),
        ],
    )
    async def test_refused_by_name(self, api: Api, coupons: list[str], status: int, slug: str, field: str):
        problem(await quote(api, *coupons), status, slug, field)

    async def test_not_for_this_cart(self, api: Api):
        cart = await api.cart(lines={await api.offer("mug", price=1001, stock=1000): 1})
        asked = await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS, "coupons": ["BOLT5"]})
        problem(asked, 409, "coupon_not_applicable", "/coupons/0")


class TestInTheOrder:
    async def test_the_order_is_as_quoted_and_the_vendor_sees_what_it_bears(self, api: Api):
        asked = await quote(api, "TENTH", "BOLT5", "FREESHIP")
        placed = (await place(api, asked, shipping={"bolt": "express"})).json()
        acme, bolt = placed["sub_orders"]
        assert amounts(placed, "discount", "total") == [1000 + 980, asked.json()["total"]["amount"] + 500]
        assert amounts(acme, "goods_total", "shipping_price", "shipping_discount", "discount", "total") == [3003, 490, 490, 790, 2703]
        assert amounts(bolt["lines"][0], "discount", "total") == [700, 1300]
        seen = (await api("bolt", "GET", f"/v1/vendor/orders/{bolt['id']}")).json()
        # Of the 2.00 of TENTH it bears 1.20, of BOLT5 all, of the shipping nothing: it sells for 13.80 + 9.90 and pays 10 % of 13.80.
        assert amounts(seen["lines"][0], "discount", "vendor_discount", "commission") == [700, 620, 138]
        assert amounts(seen, "total", "discount", "vendor_discount", "shipping_vendor_discount") == [1800, 1190, 620, 0]
        assert amounts(seen, "commission", "share") == [138, 1380 + 990 - 138]

    async def test_a_free_order_is_placed_and_its_vendors_get_their_share(self, api: Api):
        placed = await place(api, await quote(api, "GIFT", "FREESHIP"))
        assert placed.status_code == 201, placed.text
        assert amounts(placed.json(), "total") == [0]
        seen = (await api("acme", "GET", f"/v1/vendor/orders/{placed.json()['sub_orders'][0]['id']}")).json()
        assert amounts(seen, "total", "commission", "share") == [0, 300, 3003 + 490 - 300]

    async def test_by_invoice(self, api: Api):
        placed = await place(api, await quote(api), payment_method="bank_transfer")
        assert placed.status_code == 201, placed.text
        assert placed.json()["payment"]["method"] == "bank_transfer"

    @pytest.mark.parametrize("method", ["bank_transfer\n", "bank", "pm_", "visa", ""])
    async def test_no_way_to_pay(self, api: Api, method: str):
        problem(await place(api, await quote(api), payment_method=method), 400, "invalid_request", "/payment_method")


class TestHowOften:
    async def test_once_for_each_customer(self, api: Api):
        first, second = await quote(api, "ONCE"), await quote(api, "ONCE")
        assert (await place(api, first)).status_code == 201
        problem(await place(api, second), 409, "coupon_used_up", "/quote_id")
        problem(await quote(api, "TENTH", "ONCE"), 409, "coupon_used_up", "/coupons/1")
        assert (await place(api, await quote(api, "ONCE", who="bob"), who="bob")).status_code == 201

    async def test_a_race_for_the_last_uses_and_one_that_is_given_back(self, api: Api):
        asked = [await quote(api, "THREE") for _ in range(8)]
        answers = await asyncio.gather(*(place(api, one) for one in asked))
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
        [first, *_] = [answer.json() for answer in answers if answer.status_code == 201]
        for n, part in enumerate(first["sub_orders"]):
            problem(await quote(api, "THREE"), 409, "coupon_used_up", "/coupons/0")
            async with api.wiring.database.tx() as tx:
                sub = (await store.load(tx, first["id"])).part(part["id"])
                assert sub.number == n + 1
                await withdraw(tx, sub, SubOrderEvent.DECLINE, "test")
        assert (await place(api, await quote(api, "THREE"))).status_code == 201
