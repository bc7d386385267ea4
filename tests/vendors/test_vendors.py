"""Vendors over HTTP: admitted, looked at, suspended; and what is refused."""

from typing import Any

import pytest

from hub.vendors.states import VENDOR, VendorEvent, VendorState
from tests.hub_api import Api
from tests.problem import problem

NKEY = "U" + "A" * 55
NEW: dict[str, Any] = {
    "code": "cedar",
    "name": "Cedar",
    "country": "AT",
    "nkey_public": NKEY,
    "capabilities": ["stock", "orders"],
    "commission_bps": 500,
    "shipping_options": [{"code": "standard", "name": "Standard", "price": {"amount": 100, "currency": "EUR"}, "days": 2}],
    "embedded_spoke": "dummy",
    "spoke_config": {"decline_rate": 0.5, "tags": ["a"], "faults": [{"do": "slow", "seconds": 1}]},
}


class TestAdmit:
    async def test_a_vendor_with_a_key_that_works(self, api: Api):
        answer = await api("olga", "POST", "/v1/admin/vendors", NEW)
        assert answer.status_code == 201, answer.text
        admitted = answer.json()
        assert admitted["vendor"]["state"] == "active"
        assert admitted["vendor"]["shipping_options"] == NEW["shipping_options"]
        api.keys["cedar"] = admitted["api_key"]
        assert (await api("cedar", "GET", "/v1/vendor/offers")).status_code == 200
        problem(await api("olga", "POST", "/v1/admin/vendors", NEW), 409, "vendor_exists", "/code")
        codes = [vendor["code"] for vendor in (await api("olga", "GET", "/v1/admin/vendors?limit=100")).json()["data"]]
        assert codes == sorted(codes)
        assert "cedar" in codes

    @pytest.mark.parametrize(
        ("change", "status", "slug", "field"),
        [
            ({"code": "Cedar"}, 400, "invalid_request", "/code"),
            ({"code": "cedar.x"}, 400, "invalid_request", "/code"),
            ({"code": "cedar2\n"}, 400, "invalid_request", "/code"),
            ({"code": "cedar2", "commission_bps": 10_001}, 400, "invalid_request", "/commission_bps"),
            ({"code": "cedar2", "capabilities": ["fly"]}, 400, "invalid_request", "/capabilities/0"),
            ({"code": "cedar2", "nkey_public": None, "embedded_spoke": None}, 422, "nkey_missing", "/nkey_public"),
            ({"code": "cedar2", "shipping_options": []}, 400, "invalid_request", "/shipping_options"),
            ({"code": "cedar2", "shipping_options": NEW["shipping_options"] * 2}, 422, "shipping_option_twice", "/shipping_options"),
            ({"code": "cedar2", "country": "AT\n"}, 400, "invalid_request", "/country"),
            ({"code": "cedar2", "secret": 1}, 400, "invalid_request", "/secret"),
        ],
    )
    async def test_refuses(self, api: Api, change: dict[str, Any], status: int, slug: str, field: str):
        problem(await api("olga", "POST", "/v1/admin/vendors", {**NEW, **change}), status, slug, field)
        problem(await api("olga", "GET", "/v1/admin/vendors/cedar2"), 404, "unknown_vendor")

    async def test_one_whose_spoke_we_run_needs_no_more_than_its_name(self, api: Api):
        hosted = {name: NEW[name] for name in ("name", "country", "shipping_options")} | {"code": "hal", "embedded_spoke": "hosted"}
        admitted = (await api("olga", "POST", "/v1/admin/vendors", hosted)).json()["vendor"]
        assert (admitted["capabilities"], admitted["nkey_public"]) == (["stock", "orders", "shipping"], None)

    async def test_a_repeated_answer_keeps_the_key_to_itself(self, api: Api):
        body, once = {**NEW, "code": "dune"}, {"Idempotency-Key": "admit-dune"}
        first = await api("olga", "POST", "/v1/admin/vendors", body, once)
        again = await api("olga", "POST", "/v1/admin/vendors", body, once)
        assert again.status_code == 201
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == {**first.json(), "api_key": None}


class TestStanding:
    async def test_suspended_its_offers_are_not_for_sale(self, api: Api):
        pin = await api.offer("pin", vendor="bolt")
        product = (await api("bolt", "GET", "/v1/vendor/offers/pin")).json()["product_id"]
        for act, offers in (("suspend", []), ("activate", [pin])):
            answer = await api("olga", "POST", f"/v1/admin/vendors/bolt/{act}", {"reason": "test"})
            assert answer.status_code == 200, answer.text
            shown = (await api("", "GET", f"/v1/products/{product}")).json()["variants"]
            assert [offer["id"] for offer in shown[0]["offers"]] == offers
        problem(await api("olga", "POST", "/v1/admin/vendors/bolt/activate", {"reason": "again"}), 409, "illegal_transition")
        problem(await api("olga", "POST", "/v1/admin/vendors/nobody/suspend", {"reason": "x"}), 404, "unknown_vendor")

    def test_closed_is_the_end(self):
        assert VENDOR.next(VendorState.SUSPENDED, VendorEvent.CLOSE) is VendorState.CLOSED
        assert not VENDOR.allows(VendorState.ACTIVE, VendorEvent.CLOSE)


class TestKeys:
    async def test_a_revoked_key_ends(self, api: Api):
        new = (await api("olga", "POST", "/v1/admin/customers", {"name": "Eve", "email": "eve@example.com"})).json()
        api.keys["eve"] = new["api_key"]
        revoked = await api("olga", "POST", f"/v1/admin/keys/{new['key_id']}/revoke")
        assert revoked.status_code == 200, revoked.text
        problem(await api("eve", "POST", "/v1/carts", {}), 401, "not_authenticated")
        problem(await api("olga", "POST", f"/v1/admin/keys/{new['key_id']}/revoke"), 404, "unknown_key")

    @pytest.mark.parametrize(
        ("who", "method", "path"),
        [
            ("ada", "GET", "/v1/vendor/offers"),
            ("ada", "GET", "/v1/admin/vendors"),
            ("acme", "POST", "/v1/carts"),
            ("acme", "GET", "/v1/admin/vendors"),
            ("olga", "GET", "/v1/vendor/offers"),
            ("olga", "POST", "/v1/carts"),
        ],
    )
    async def test_each_key_opens_one_area(self, api: Api, who: str, method: str, path: str):
        problem(await api(who, method, path, {} if method == "POST" else None), 403, "not_allowed")

    @pytest.mark.parametrize("authorization", ["Bearer wk_vendor_forged", "Bearer ", "Basic dXNlcjpwYXNz", "wk_vendor_forged"])
    async def test_a_forged_key(self, api: Api, authorization: str):
        answer = await api("", "GET", "/v1/vendor/offers", headers={"Authorization": authorization})
        problem(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"

    async def test_a_forged_vendor_in_the_body(self, api: Api):
        body = {"price": {"amount": 1, "currency": "EUR"}, "stock": 1, "product": {"title": "x", "category": "c"}, "vendor": "bolt"}
        problem(await api("acme", "PUT", "/v1/vendor/offers/forged", body), 400, "invalid_request", "/vendor")
