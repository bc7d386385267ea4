"""A customer's cart over HTTP, and what it refuses."""

import asyncio
from typing import Any

import pytest

from tests.hub_api import ADDRESS, Api
from tests.problem import problem


class TestOpening:
    async def test_with_lines(self, api: Api):
        mug, tray = await api.offer("mug"), await api.offer("tray2")
        answer = await api("ada", "POST", "/v1/carts", {"lines": {mug: 2, tray: 1}})
        assert answer.status_code == 201, answer.text
        assert {line["offer_id"]: line["quantity"] for line in answer.json()["lines"]} == {mug: 2, tray: 1}

    async def test_a_wrong_line_opens_nothing(self, api: Api):
        mug = await api.offer("mug")
        problem(await api("ada", "POST", "/v1/carts", {"lines": {mug: 1, "off_nothing": 1}}), 404, "unknown_offer")
        problem(await api("ada", "POST", "/v1/carts", {"lines": {mug: 1000}}), 422, "quantity_too_large", f"/lines/{mug}")
        assert (await api("ada", "POST", "/v1/carts", {"lines": {mug: 0}})).status_code == 400


class TestLines:
    async def test_put_change_and_remove(self, api: Api):
        mug, cart = await api.offer("mug", price=1250), await api.cart()
        first = await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 2})
        assert first.status_code == 200, first.text
        assert first.json()["goods_total"] == {"amount": 2500, "currency": "EUR"}
        second = await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 3})
        assert [(line["offer_id"], line["quantity"]) for line in second.json()["lines"]] == [(mug, 3)]
        gone = await api("ada", "DELETE", f"/v1/carts/{cart}/lines/{mug}")
        assert gone.json()["lines"] == []
        problem(await api("ada", "DELETE", f"/v1/carts/{cart}/lines/{mug}"), 404, "unknown_line")

    @pytest.mark.parametrize(
        ("body", "status", "slug", "field"),
        [
            ({"quantity": 0}, 400, "invalid_request", "/quantity"),
            ({"quantity": -1}, 400, "invalid_request", "/quantity"),
            ({"quantity": 10**30}, 400, "invalid_request", "/quantity"),
            ({"quantity": "2"}, 400, "invalid_request", "/quantity"),
            ({"quantity": 1.5}, 400, "invalid_request", "/quantity"),
            ({"quantity": True}, 400, "invalid_request", "/quantity"),
            ({}, 400, "invalid_request", "/quantity"),
            ({"quantity": 1, "color": "red"}, 400, "invalid_request", "/color"),
            ({"quantity": 1, "": 1}, 400, "invalid_request", "/"),
            ({"quantity": 1, "a/b": 1}, 400, "invalid_request", "/a~1b"),
            ({"quantity": 1000}, 422, "quantity_too_large", "/quantity"),
        ],
    )
    async def test_refuses_absurd_quantities(self, api: Api, body: dict[str, Any], status: int, slug: str, field: str):
        mug, cart = await api.offer("mug"), await api.cart()
        problem(await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", body), status, slug, field)
        assert (await api("ada", "GET", f"/v1/carts/{cart}")).json()["lines"] == []

    async def test_an_unknown_offer(self, api: Api):
        cart = await api.cart()
        problem(await api("ada", "PUT", f"/v1/carts/{cart}/lines/off_nothing", {"quantity": 1}), 404, "unknown_offer")

    async def test_a_paused_offer(self, api: Api):
        tray, cart = await api.offer("tray", state="paused"), await api.cart()
        problem(await api("ada", "PUT", f"/v1/carts/{cart}/lines/{tray}", {"quantity": 1}), 409, "offer_unavailable")

    async def test_a_wrong_currency(self, api: Api):
        mug, cart = await api.offer("mug"), await api.cart(currency="USD")
        problem(await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 1}), 409, "wrong_currency")

    async def test_at_most_lines_max(self, api: Api):
        offers = [
            {"sku": f"s{n}", "price": {"amount": 1, "currency": "EUR"}, "stock": 1, "product": {"title": "x", "category": "c"}}
            for n in range(101)
        ]
        made = (await api("acme", "POST", "/v1/vendor/offers", {"offers": offers})).json()["data"]
        cart = await api.cart()
        for offer in made[:100]:
            assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer['id']}", {"quantity": 1})).status_code == 200
        problem(await api("ada", "PUT", f"/v1/carts/{cart}/lines/{made[100]['id']}", {"quantity": 1}), 409, "too_many_lines")
        assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{made[0]['id']}", {"quantity": 2})).status_code == 200


class TestWhose:
    async def test_another_customers_cart_is_not_there(self, api: Api):
        mug, cart = await api.offer("mug"), await api.cart("ada")
        for method, path, body in (
            ("GET", f"/v1/carts/{cart}", None),
            ("PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 1}),
            ("DELETE", f"/v1/carts/{cart}/lines/{mug}", None),
            ("POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}),
        ):
            problem(await api("bob", method, path, body), 404, "unknown_cart")

    async def test_another_customers_quote_is_not_there(self, api: Api):
        mug, cart = await api.offer("mug"), await api.cart("ada")
        await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 1})
        quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
        assert (await api("ada", "GET", f"/v1/quotes/{quote['id']}")).json() == quote
        problem(await api("bob", "GET", f"/v1/quotes/{quote['id']}"), 404, "unknown_quote")


class TestVersions:
    async def test_a_stale_edit_is_refused(self, api: Api):
        mug, cart = await api.offer("mug"), await api.cart()
        seen = (await api("ada", "GET", f"/v1/carts/{cart}")).headers["etag"]
        path = f"/v1/carts/{cart}/lines/{mug}"
        assert (await api("ada", "PUT", path, {"quantity": 1}, {"If-Match": seen})).status_code == 200
        problem(await api("ada", "PUT", path, {"quantity": 2}, {"If-Match": seen}), 412, "version_mismatch", "header:If-Match")
        problem(await api("ada", "DELETE", path, None, {"If-Match": seen}), 412, "version_mismatch")
        assert (await api("ada", "GET", f"/v1/carts/{cart}")).json()["lines"][0]["quantity"] == 1

    async def test_of_two_edits_at_once_of_the_same_version_one_wins(self, api: Api):
        mug, cart = await api.offer("mug"), await api.cart()
        answers = await asyncio.gather(
            *(api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": n}, {"If-Match": 'W/"1"'}) for n in range(1, 6))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


class TestQuotes:
    async def test_a_quote_over_two_vendors(self, api: Api):
        mug = await api.offer("mug", price=1000, shipping_price={"amount": 50, "currency": "EUR"})
        book = await api.offer("book", vendor="bolt", price=2000)
        cart = await api.cart()
        await api("ada", "PUT", f"/v1/carts/{cart}/lines/{mug}", {"quantity": 3})
        await api("ada", "PUT", f"/v1/carts/{cart}/lines/{book}", {"quantity": 1})
        answer = await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
        assert answer.status_code == 201, answer.text
        quote = answer.json()
        assert [part["vendor"] for part in quote["parts"]] == ["acme", "bolt"]
        assert [(o["code"], o["price"]["amount"]) for o in quote["parts"][0]["shipping_options"]] == [("standard", 640), ("express", 1140)]
        assert quote["goods_total"]["amount"] == 5000
        assert quote["total"]["amount"] == 5000 + 640 + 490
        assert quote["tax_included"]["amount"] == 979  # 6130 x 19 / 119 = 978.7

    async def test_an_empty_cart_has_no_price(self, api: Api):
        problem(await api("ada", "POST", f"/v1/carts/{await api.cart()}/quotes", {"address": ADDRESS}), 409, "cart_empty")

    async def test_an_offer_paused_since(self, api: Api):
        bowl, cart = await api.offer("bowl"), await api.cart()
        await api("ada", "PUT", f"/v1/carts/{cart}/lines/{bowl}", {"quantity": 1})
        await api.offer("bowl", state="paused")
        problem(await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}), 409, "offer_unavailable")

    async def test_a_vendor_suspended_since(self, api: Api):
        pen, cart = await api.offer("pen", vendor="bolt"), await api.cart()
        await api("ada", "PUT", f"/v1/carts/{cart}/lines/{pen}", {"quantity": 1})
        assert (await api("olga", "POST", "/v1/admin/vendors/bolt/suspend", {"reason": "test"})).status_code == 200
        try:
            problem(await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}), 409, "offer_unavailable")
        finally:
            await api("olga", "POST", "/v1/admin/vendors/bolt/activate", {"reason": "test"})
        assert (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).status_code == 201

    async def test_amounts_beyond_all_sense(self, api: Api):
        gold, cart = await api.offer("gold", price=10**12), await api.cart()
        assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{gold}", {"quantity": 999})).status_code == 200
        problem(await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS}), 422, "amount_too_large")

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"country": "Germany"}, "/address/country"), ({"planet": "Mars"}, "/address/planet"), ({"name": ""}, "/address/name")],
    )
    async def test_a_wrong_address(self, api: Api, change: dict[str, str], field: str):
        answer = await api("ada", "POST", f"/v1/carts/{await api.cart()}/quotes", {"address": {**ADDRESS, **change}})
        problem(answer, 400, "invalid_request", field)
