"""Invitations: one token, used once, for so long; what does not fit is refused and leaves nothing behind."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from hub.runtime.nkeys import is_public, new_seed, public_of
from tests.hub_api import Api
from tests.onboarding.conftest import OPTIONS, invited, joined
from tests.problem import problem

ACCEPT = "/v1/vendor-invitations/accept"


async def test_whoever_is_invited_joins_once_and_has_all_it_needs(api: Api):
    token = (await invited(api, "fern"))["token"]
    body = {"token": token, "shipping_options": OPTIONS, "capabilities": ["stock", "orders"]}
    first, second = await asyncio.gather(api("", "POST", ACCEPT, body), api("", "POST", ACCEPT, body))
    assert sorted((first.status_code, second.status_code)) == [201, 404]
    made = (first if first.status_code == 201 else second).json()
    assert made["vendor"]["state"] == "onboarding"
    assert made["account"] == "V_fern"
    assert public_of(made["nkey_seed"]) == made["nkey_public"]
    api.keys["fern"] = made["api_key"]
    shown = (await api("fern", "GET", "/v1/vendor/nkeys")).json()["data"]
    assert [each["nkey_public"] for each in shown] == [made["nkey_public"]]
    assert (await api("fern", "GET", "/v1/vendor/offers")).status_code == 200


async def test_no_token_is_kept_and_a_repeated_answer_shows_none(api: Api):
    body = {"code": "moss", "name": "Moss", "country": "DE", "email": "moss@example.com"}
    once = {"Idempotency-Key": "invite-moss"}
    first = (await api("olga", "POST", "/v1/admin/vendor-invitations", body, once)).json()
    again = (await api("olga", "POST", "/v1/admin/vendor-invitations", body, once)).json()
    assert again == {**first, "token": None}
    acceptance = {"token": first["token"], "shipping_options": OPTIONS, "capabilities": ["stock"]}
    made = (await api("", "POST", ACCEPT, acceptance, {"Idempotency-Key": "moss joins"})).json()
    repeated = await api("", "POST", ACCEPT, acceptance, {"Idempotency-Key": "moss joins"})
    assert repeated.json() == {**made, "api_key": None, "nkey_seed": None}
    async with api.wiring.database.reading() as tx:
        kept = str([*await tx.rows(text("SELECT * FROM vendor_invitations")), *await tx.rows(text("SELECT * FROM idempotency_keys"))])
        kept += str(await tx.rows(text("SELECT * FROM audit_log")))
    for secret in (first["token"], made["api_key"], made["nkey_seed"]):
        assert secret not in kept


async def test_a_token_that_is_made_up_used_expired_or_taken_back_is_one_answer(api: Api):
    used = (await invited(api, "used"))["token"]
    await api("", "POST", ACCEPT, {"token": used, "shipping_options": OPTIONS})
    expired = await invited(api, "late", expires_in_seconds=60)
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE vendor_invitations SET expires_at = now() WHERE id = :id"), {"id": expired["invitation"]["id"]})
    taken_back = await invited(api, "unwanted")
    path = f"/v1/admin/vendor-invitations/{taken_back['invitation']['id']}"
    assert (await api("olga", "POST", f"{path}/revoke", {"reason": "a mistake"})).status_code == 200
    renewed = await invited(api, "twice")
    new = (await api("olga", "POST", f"/v1/admin/vendor-invitations/{renewed['invitation']['id']}/renew")).json()
    told = set[str]()
    for token in (used, expired["token"], taken_back["token"], renewed["token"], "wk_invite_forged", "x"):
        answer = await api("", "POST", ACCEPT, {"token": token, "shipping_options": OPTIONS})
        told.add(problem(answer, 404, "unknown_invitation", "/token")["detail"])
    assert len(told) == 1
    assert (await api("", "POST", ACCEPT, {"token": new["token"], "shipping_options": OPTIONS})).status_code == 201
    problem(await api("olga", "POST", f"{path}/renew"), 409, "invitation_over")
    problem(await api("olga", "POST", "/v1/admin/vendor-invitations/inv_none/renew"), 404, "unknown_invitation")


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        ({"shipping_options": []}, 400, "invalid_request", "/shipping_options"),
        ({"shipping_options": OPTIONS * 2}, 422, "shipping_option_twice", "/shipping_options"),
        ({"capabilities": ["fly"]}, 400, "invalid_request", "/capabilities/0"),
        ({"nkey_public": "U" + "A" * 55}, 422, "nkey_invalid", "/nkey_public"),
        ({"nkey_public": new_seed()}, 400, "invalid_request", "/nkey_public"),
        ({"code": "bolt"}, 400, "invalid_request", "/code"),
        ({"token": "x" * 201}, 400, "invalid_request", "/token"),
    ],
)
async def test_what_does_not_fit_is_refused_and_the_token_stays_good(api: Api, change: dict[str, Any], status: int, slug: str, field: str):
    code = f"odd-{slug.replace('_', '-')}-{abs(hash(str(change))) % 10_000}"
    token = (await invited(api, code))["token"]
    problem(await api("", "POST", ACCEPT, {"token": token, "shipping_options": OPTIONS, **change}), status, slug, field)
    assert (await api("", "POST", ACCEPT, {"token": token, "shipping_options": OPTIONS})).status_code == 201


async def test_nobody_takes_anothers_nkey(api: Api):
    made = await joined(api, "ivy", capabilities=["stock"])
    token = (await invited(api, "thief"))["token"]
    body = {"token": token, "shipping_options": OPTIONS, "nkey_public": made["nkey_public"]}
    problem(await api("", "POST", ACCEPT, body), 409, "nkey_taken", "/nkey_public")


async def test_who_is_invited_sells_nothing_and_a_code_is_taken_once(api: Api):
    await invited(api, "reed")
    problem(
        await api("olga", "POST", "/v1/admin/vendor-invitations", {"code": "reed", "name": "R", "country": "DE", "email": "r@r"}),
        409,
        "vendor_exists",
        "/code",
    )
    listed = (await api("olga", "GET", "/v1/admin/vendors?state=invited&limit=100")).json()["data"]
    assert "reed" in {vendor["code"] for vendor in listed}
    assert all(vendor["state"] == "invited" for vendor in listed)
    for act in ("suspend", "activate"):
        problem(await api("olga", "POST", f"/v1/admin/vendors/reed/{act}", {"reason": "x"}), 409, "illegal_transition")
    problem(await api("acme", "POST", "/v1/admin/vendor-invitations", {}), 403, "not_allowed")


def test_a_public_half_is_told_from_anything_else():
    public = public_of(new_seed())
    assert is_public(public)
    for wrong in (public.lower(), public[:-1], public + "A", "U" + "A" * 55, new_seed(), "", "U" + "1" * 55, "A" + public[1:]):
        assert not is_public(wrong)
