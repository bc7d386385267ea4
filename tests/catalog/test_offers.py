"""Offers as vendors put them and customers find them."""

import asyncio
from typing import Any

import pytest

from tests.hub_api import Api
from tests.problem import problem

EUR = {"amount": 100, "currency": "EUR"}


def terms(**change: Any) -> dict[str, Any]:
    return {"price": EUR, "stock": 5, "product": {"title": "A lamp", "category": "light"}, **change}


class TestPut:
    async def test_again_changes_price_and_stock(self, api: Api):
        first = (await api("acme", "PUT", "/v1/vendor/offers/lamp", terms())).json()
        second = (await api("acme", "PUT", "/v1/vendor/offers/lamp", terms(price={"amount": 200, "currency": "EUR"}, stock=7))).json()
        assert (second["id"], second["price"]["amount"], second["stock"], second["version"]) == (first["id"], 200, 7, 2)

    async def test_another_vendor_offers_the_same_variant(self, api: Api):
        lamp = (await api("acme", "PUT", "/v1/vendor/offers/lamp2", terms())).json()
        joined = {"price": {"amount": 90, "currency": "EUR"}, "stock": 0, "variant_id": lamp["variant_id"]}
        rival = await api("bolt", "PUT", "/v1/vendor/offers/b-lamp", joined)
        assert rival.status_code == 200, rival.text
        shown = (await api("", "GET", f"/v1/products/{lamp['product_id']}")).json()["variants"][0]["offers"]
        assert [(offer["vendor"], offer["available"]) for offer in shown] == [("acme", True), ("bolt", False)]
        problem(await api("bolt", "PUT", "/v1/vendor/offers/b-lamp", terms()), 409, "product_not_yours")

    async def test_the_same_sku_of_another_vendor_is_another_offer(self, api: Api):
        one, other = await api.offer("same"), await api.offer("same", vendor="bolt")
        assert one != other
        problem(await api("bolt", "GET", "/v1/vendor/offers/lamp"), 404, "unknown_offer")

    @pytest.mark.parametrize(
        ("change", "status", "slug", "field"),
        [
            ({"price": {"amount": 0, "currency": "EUR"}}, 422, "price_zero", "/price/amount"),
            ({"price": {"amount": -1, "currency": "EUR"}}, 400, "invalid_request", "/price/amount"),
            ({"price": {"amount": 1.5, "currency": "EUR"}}, 400, "invalid_request", "/price/amount"),
            ({"price": {"amount": 1, "currency": "euro"}}, 400, "invalid_request", "/price/currency"),
            ({"price": {"amount": 1, "currency": "EUR\n"}}, 400, "invalid_request", "/price/currency"),
            ({"product": {"title": "x", "category": "c\n"}}, 400, "invalid_request", "/product/category"),
            ({"stock": -1}, 400, "invalid_request", "/stock"),
            ({"shipping_price": {"amount": 1, "currency": "USD"}}, 422, "two_currencies", "/shipping_price/currency"),
            ({"variant_id": "var_x"}, 422, "product_or_variant", "/variant_id"),
            ({"product": None}, 422, "product_missing", "/product"),
            ({"product": None, "variant_id": "var_x"}, 404, "unknown_variant", None),
            ({"state": "gone"}, 400, "invalid_request", "/state"),
        ],
    )
    async def test_refuses(self, api: Api, change: dict[str, Any], status: int, slug: str, field: str | None):
        problem(await api("acme", "PUT", "/v1/vendor/offers/refused", terms(**change)), status, slug, field)
        problem(await api("acme", "GET", "/v1/vendor/offers/refused"), 404, "unknown_offer")

    async def test_twins_make_one_offer(self, api: Api):
        answers = await asyncio.gather(*(api("acme", "PUT", "/v1/vendor/offers/twin", terms()) for _ in range(6)))
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4, 5, 6]

    async def test_many_or_none(self, api: Api):
        offers = [{"sku": f"m{n}", **terms()} for n in range(3)]
        problem(await api("acme", "POST", "/v1/vendor/offers", {"offers": [*offers, offers[0]]}), 422, "sku_twice", "/offers")
        wrong = [*offers, {"sku": "m3", **terms(price={"amount": 0, "currency": "EUR"})}]
        problem(await api("acme", "POST", "/v1/vendor/offers", {"offers": wrong}), 422, "price_zero", "/offers/3/price/amount")
        problem(await api("acme", "GET", "/v1/vendor/offers/m0"), 404, "unknown_offer")
        made = (await api("acme", "POST", "/v1/vendor/offers", {"offers": offers})).json()["data"]
        assert [offer["sku"] for offer in made] == ["m0", "m1", "m2"]

    async def test_many_are_quick(self, api: Api):
        offers = [{"sku": f"q{n}", **terms()} for n in range(500)]
        made = await api("bolt", "POST", "/v1/vendor/offers", {"offers": offers})
        assert made.status_code == 200, made.text
        assert len(made.json()["data"]) == 500


class TestPages:
    async def test_every_offer_once(self, api: Api):
        mine = {(await api("acme", "PUT", f"/v1/vendor/offers/p{n}", terms())).json()["id"] for n in range(7)}
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await api("acme", "GET", f"/v1/vendor/offers?limit=3{cursor}")).json()
            seen += [offer["id"] for offer in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert len(seen) == len(set(seen))
        assert mine <= set(seen)
        assert seen == sorted(seen, reverse=True)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("cursor=!", "cursor"),
            ("cursor=WzFd", "cursor"),
            ("cursor=Ilx1MDAwMCI", "cursor"),
        ],
    )
    async def test_refuses(self, api: Api, query: str, field: str):
        problem(await api("acme", "GET", f"/v1/vendor/offers?{query}"), 400, "invalid_request", field)


class TestSearch:
    async def test_by_words_best_first_over_pages(self, api: Api):
        for n in range(5):
            product = {"title": f"Zither {n}", "description": "strings", "category": "music"}
            await api("acme", "PUT", f"/v1/vendor/offers/z{n}", terms(product=product))
        weak = {"title": "A case", "description": "fits a zither", "category": "music"}
        await api("acme", "PUT", "/v1/vendor/offers/case", terms(product=weak))
        titles: list[str] = []
        path = "/v1/search?q=zithers&category=music&limit=2"
        cursor: str | None = ""
        while cursor is not None:
            page = (await api("", "GET", path + (f"&cursor={cursor}" if cursor else ""))).json()
            titles += [found["title"] for found in page["data"]]
            cursor = page["next_cursor"]
        assert sorted(titles[:5]) == [f"Zither {n}" for n in range(5)]
        assert titles[5:] == ["A case"]

    async def test_the_best_offer_is_the_cheapest_in_stock(self, api: Api):
        harp = (await api("acme", "PUT", "/v1/vendor/offers/harp", terms(product={"title": "Harp", "category": "music"}))).json()
        cheap = {"price": {"amount": 50, "currency": "EUR"}, "stock": 1, "variant_id": harp["variant_id"]}
        best = (await api("bolt", "PUT", "/v1/vendor/offers/b-harp", cheap)).json()["id"]
        assert (await api("", "GET", "/v1/search?q=harp")).json()["data"][0]["best_offer"]["id"] == best
        await api("bolt", "PUT", "/v1/vendor/offers/b-harp", {**cheap, "stock": 0})
        assert (await api("", "GET", "/v1/search?q=harp")).json()["data"][0]["best_offer"]["id"] == harp["id"]

    @pytest.mark.parametrize("words", ["", '"', "-", "or or", "(((", "a & | b", "'", "%", "ü", "x" * 200])
    async def test_any_words_are_answered(self, api: Api, words: str):
        answer = await api.http.get("/v1/search", params={"q": words})
        assert answer.status_code == 200, answer.text

    async def test_an_unknown_product(self, api: Api):
        problem(await api("", "GET", "/v1/products/prd_x"), 404, "unknown_product")
