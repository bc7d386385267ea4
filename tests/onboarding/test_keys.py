"""Keys change over without a gap and end at once; a vacation takes offers off sale and ends by itself."""

import pytest
from sqlalchemy import text

from hub.runtime.callers import Callers
from hub.runtime.nkeys import new_seed, public_of
from tests.hub_api import Api
from tests.onboarding.conftest import approved, in_days, invited, joined
from tests.problem import problem

KEYS, NKEYS, VACATION = "/v1/vendor/keys", "/v1/vendor/nkeys", "/v1/vendor/vacation"


async def test_a_key_is_replaced_with_an_overlap_and_its_use_is_seen(api: Api):
    await joined(api, "fern")
    [first] = (await api("fern", "GET", KEYS)).json()["data"]
    assert first["last_used_at"]
    made = await api("fern", "POST", KEYS, {"name": "new", "replaces": first["id"], "overlap_seconds": 3600})
    assert made.status_code == 201, made.text
    api.keys["new"] = made.json()["api_key"]
    assert {key["id"]: key["expires_at"] is None for key in made.json()["live"]} == {first["id"]: False, made.json()["id"]: True}
    assert (await api("fern", "GET", KEYS)).status_code == (await api("new", "GET", KEYS)).status_code == 200
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE api_keys SET expires_at = now() WHERE id = :id"), {"id": first["id"]})
    assert await Callers(api.wiring.database).look_up(api.keys["fern"], "") is None
    assert await Callers(api.wiring.database).look_up(api.keys["new"], "") is not None
    problem(await api("new", "POST", f"{KEYS}/{made.json()['id']}/revoke"), 409, "last_key")
    assert await Callers(api.wiring.database).look_up(api.keys["new"], "") is not None


async def test_a_key_can_be_narrow_and_only_ones_own_is_ended(api: Api):
    await joined(api, "moss")
    reader = (await api("moss", "POST", KEYS, {"scopes": ["vendor:read"]})).json()
    api.keys["reader"] = reader["api_key"]
    problem(await api("reader", "POST", KEYS, {}), 403, "not_allowed")
    problem(await api("moss", "POST", KEYS, {"scopes": ["admin:write"]}), 422, "scope_unknown", "/scopes/0")
    problem(await api("moss", "POST", KEYS, {"replaces": "key_none"}), 404, "unknown_key", "/replaces")
    problem(await api("acme", "POST", f"{KEYS}/{reader['id']}/revoke"), 404, "unknown_key")
    problem(await api("acme", "POST", KEYS, {"replaces": reader["id"]}), 404, "unknown_key", "/replaces")
    assert (await api("moss", "POST", f"{KEYS}/{reader['id']}/revoke")).status_code == 200
    for _ in range(9):
        assert (await api("moss", "POST", KEYS, {})).status_code == 201
    problem(await api("moss", "POST", KEYS, {}), 409, "too_many_keys")


async def test_a_key_gives_no_more_than_it_has_and_prolongs_none(api: Api):
    await joined(api, "reed")
    [first] = (await api("reed", "GET", KEYS)).json()["data"]
    writer = (await api("reed", "POST", KEYS, {"scopes": ["vendor:write"]})).json()
    api.keys["writer"] = writer["api_key"]
    problem(await api("writer", "POST", KEYS, {"scopes": ["vendor:read"]}), 422, "scope_unknown", "/scopes/0")
    (await api("writer", "POST", KEYS, {})).raise_for_status()
    assert [key["scopes"] for key in (await api("reed", "GET", KEYS)).json()["data"]][:2] == [["vendor:write"], ["vendor:write"]]
    ending = {"replaces": writer["id"], "overlap_seconds": 60}
    ends = [
        {key["id"]: key["expires_at"] for key in (await api("reed", "POST", KEYS, body)).json()["live"]}[writer["id"]]
        for body in (ending, {**ending, "overlap_seconds": 86_400})
    ]
    assert ends[0] == ends[1]
    assert first["id"] != writer["id"]


async def test_the_last_key_that_makes_others_is_not_ended_by_its_vendor(api: Api):
    await joined(api, "rush")
    [first] = (await api("rush", "GET", KEYS)).json()["data"]
    assert (await api("rush", "POST", KEYS, {"scopes": ["vendor:read"]})).status_code == 201
    problem(await api("rush", "POST", f"{KEYS}/{first['id']}/revoke"), 409, "last_key")


async def test_an_operator_helps_a_vendor_that_has_lost_its_key(api: Api):
    await joined(api, "ivy")
    [lost] = (await api("ivy", "GET", KEYS)).json()["data"]
    assert (await api("olga", "POST", f"/v1/admin/vendors/ivy/keys/{lost['id']}/revoke")).json()["data"] == []
    made = (await api("olga", "POST", "/v1/admin/vendors/ivy/keys", {"name": "found again"})).json()
    api.keys["ivy"] = made["api_key"]
    assert (await api("ivy", "GET", KEYS)).json()["data"][0]["name"] == "found again"
    await invited(api, "sage")
    problem(await api("olga", "POST", "/v1/admin/vendors/sage/keys", {}), 409, "no_api")
    problem(await api("olga", "POST", "/v1/admin/vendors/nobody/keys", {}), 404, "unknown_vendor")


async def test_two_nkeys_at_most_live_at_once(api: Api):
    first = (await joined(api, "oak", capabilities=["stock"]))["nkey_public"]
    second = public_of(new_seed())
    answer = await api("oak", "POST", NKEYS, {"nkey_public": second, "overlap_seconds": 60})
    assert [each["nkey_public"] for each in answer.json()["live"]] == [second, first]
    assert answer.json()["seed"] is None
    problem(await api("oak", "POST", NKEYS, {}), 409, "overlap_running")
    problem(await api("acme", "POST", f"{NKEYS}/{first}/revoke"), 404, "unknown_nkey")
    left = (await api("oak", "POST", f"{NKEYS}/{second}/revoke")).json()["data"]
    assert [(each["nkey_public"], each["expires_at"]) for each in left] == [(first, None)]  # back to the old one, for good
    problem(await api("oak", "POST", NKEYS, {"nkey_public": second}), 409, "nkey_taken", "/nkey_public")
    made = (await api("oak", "POST", NKEYS, {"overlap_seconds": 0})).json()
    assert [each["nkey_public"] for each in made["live"]] == [public_of(made["seed"])]
    revoked = await api("olga", "POST", f"/v1/admin/vendors/oak/nkeys/{made['nkey_public']}/revoke", {"reason": "stolen"})
    assert revoked.json()["data"] == []
    assert (await api("olga", "GET", "/v1/admin/vendors/oak")).json()["nkey_public"] is None


async def test_on_vacation_nothing_is_sold_and_it_ends_by_itself(api: Api):
    await approved(api, "yew")
    offer = await api.offer("bowl", vendor="yew")
    product = (await api("yew", "GET", "/v1/vendor/offers/bowl")).json()["product_id"]

    async def shown() -> list[str]:
        return [each["id"] for each in (await api("", "GET", f"/v1/products/{product}")).json()["variants"][0]["offers"]]

    soon = await in_days(api, 7)
    away = await api("yew", "PUT", VACATION, {"ends": soon, "reason": "summer"})
    assert away.json()["on_vacation"] is True
    assert await shown() == []
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE vendors SET vacation_from = now() - interval '2 days', vacation_until = now() WHERE code = 'yew'"))
    assert await shown() == [offer]
    later = {"begins": soon, "ends": await in_days(api, 9)}
    assert (await api("yew", "PUT", VACATION, later)).json()["on_vacation"] is False
    assert await shown() == [offer]
    assert (await api("yew", "DELETE", VACATION)).json() == {"begins": None, "ends": None, "on_vacation": False}
    assert (await api("olga", "GET", "/v1/admin/vendors/yew/vacation")).json()["ends"] is None


@pytest.mark.parametrize(
    ("body", "status", "slug", "field"),
    [
        ({"ends": "2020-01-01T00:00:00Z"}, 422, "vacation_invalid", "/ends"),
        ({"begins": "2998-01-01T00:00:00Z", "ends": "2999-01-01T00:00:00Z"}, 422, "vacation_invalid", "/ends"),
        ({"ends": "2999-01-01T00:00:00"}, 400, "invalid_request", "/ends"),
        ({}, 400, "invalid_request", "/ends"),
    ],
)
async def test_a_vacation_that_is_none(api: Api, body: dict[str, str], status: int, slug: str, field: str):
    problem(await api("acme", "PUT", VACATION, body), status, slug, field)


async def test_only_who_sells_takes_leave(api: Api):
    await joined(api, "elm")
    soon = await in_days(api, 1)
    problem(await api("elm", "PUT", VACATION, {"ends": soon}), 409, "not_selling")
