"""The terms of a vendor's money over HTTP: set by operators, seen by the vendor, masked and in the timeline."""

import asyncio
from typing import Any

import pytest

from hub.vendors import store as vendors
from hub.vendors.money_terms import OwnTerms, iban_adds_up
from tests.payouts.bench import MARKETPLACE, Bench
from tests.problem import problem

TERMS = "/v1/admin/vendors/acme/terms"
BANK = {"holder": "Acme GmbH", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX"}


async def test_as_the_marketplace_has_it(desk: Bench):
    shown = await desk.ok("acme", "GET", "/v1/vendor/terms")
    assert set(shown["own"].values()) == {None}
    assert shown["in_force"] == {
        "hold_seconds": 1_209_600,
        "reserve_bps": 0,
        "reserve_seconds": 7_776_000,
        "payout_interval": "daily",
        "payout_day": 1,
        "payout_minimum": 1_000,
        "bears_disputes": True,
    }
    assert shown["bank_account"] is None


async def test_set_left_alone_and_put_back(desk: Bench):
    first = {"reason": "risky", "reserve_bps": 1_000, "payout_interval": "weekly", "payout_day": 5, "bears_disputes": False}
    await desk.ok("olga", "PATCH", TERMS, first)
    shown = await desk.ok("olga", "PATCH", TERMS, {"reason": "trusted", "reserve_bps": None})
    assert shown["own"]["reserve_bps"] is None
    assert shown["in_force"]["reserve_bps"] == 0
    assert (shown["in_force"]["payout_interval"], shown["in_force"]["payout_day"], shown["in_force"]["bears_disputes"]) == (
        "weekly",
        5,
        False,
    )
    assert (await desk.ok("acme", "GET", "/v1/vendor/terms")) == shown
    assert (await desk.ok("bolt", "GET", "/v1/vendor/terms"))["own"]["payout_interval"] is None
    async with desk.database.reading() as tx:
        terms = (await vendors.terms_of(tx, ["acme"]))["acme"]
    assert MARKETPLACE.in_force(terms).payout_interval == "weekly"
    moments = [moment for moment in await desk.moments("acme") if moment.event == "terms"]
    assert [(moment.actor, moment.reason) for moment in moments] == [("operator:olga", "risky"), ("operator:olga", "trusted")]
    assert moments[1].data == {"changed": {"reserve_bps": [1_000, None]}}


async def test_a_bank_account_is_shown_masked_everywhere(desk: Bench):
    shown = await desk.ok("olga", "PATCH", TERMS, {"reason": "its bank", "bank_account": BANK})
    assert shown["bank_account"] == {"holder": "Acme GmbH", "iban": "DE89**************3000", "bic": "COBADEFFXXX"}
    for answer in [await desk("acme", "GET", "/v1/vendor/terms"), await desk("olga", "GET", TERMS)]:
        assert BANK["iban"] not in answer.text
    assert BANK["iban"] not in str([moment.data for moment in await desk.moments("acme")])
    async with desk.database.reading() as tx:
        account = (await vendors.terms_of(tx, ["acme"]))["acme"].bank_account
    assert account is not None
    assert account.iban == BANK["iban"]
    assert (await desk.ok("olga", "PATCH", TERMS, {"reason": "closed", "bank_account": None}))["bank_account"] is None


async def test_a_stale_edit_is_refused(desk: Bench):
    version = (await desk("olga", "GET", TERMS)).headers["etag"]
    await desk.ok("olga", "PATCH", TERMS, {"reason": "a", "reserve_bps": 1}, If_Match=version)
    problem(await desk("olga", "PATCH", TERMS, {"reason": "b", "reserve_bps": 2}, If_Match=version), 412, "version_mismatch")
    current = (await desk("olga", "GET", TERMS)).headers["etag"]
    bodies = [{"reason": "at once", "reserve_bps": bps} for bps in (10, 20, 30)]
    answers = await asyncio.gather(*(desk("olga", "PATCH", TERMS, body, If_Match=current) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_nothing_changed_is_no_edit(desk: Bench):
    before = await desk.ok("olga", "PATCH", TERMS, {"reason": "a", "reserve_bps": 1})
    assert await desk.ok("olga", "PATCH", TERMS, {"reason": "again", "reserve_bps": 1}) == before
    assert len([moment for moment in await desk.moments("acme") if moment.event == "terms"]) == 1


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        ({"reserve_bps": 10_001}, 400, "invalid_request", "/reserve_bps"),
        ({"reserve_bps": "10"}, 400, "invalid_request", "/reserve_bps"),
        ({"reserve_seconds": -1}, 400, "invalid_request", "/reserve_seconds"),
        ({"payout_interval": "hourly"}, 400, "invalid_request", "/payout_interval"),
        ({"payout_day": 0}, 400, "invalid_request", "/payout_day"),
        ({"payout_day": 8, "payout_interval": "weekly"}, 422, "payout_day_invalid", "/payout_day"),
        ({"payout_minimum": 10**12 + 1}, 400, "invalid_request", "/payout_minimum"),
        ({"bank_account": {**BANK, "iban": "DE89370400440532013001"}}, 422, "iban_invalid", "/bank_account/iban"),
        ({"bank_account": {**BANK, "iban": "DE89 3704 0044 0532 0130 00"}}, 400, "invalid_request", "/bank_account/iban"),
        ({"bank_account": {**BANK, "bic": "COBADEFFXX"}}, 400, "invalid_request", "/bank_account/bic"),
        ({"bank_account": {"holder": "x"}}, 400, "invalid_request", "/bank_account/iban"),
        ({"commission": 1}, 400, "invalid_request", "/commission"),
        ({"reason": ""}, 400, "invalid_request", "/reason"),
    ],
)
async def test_refuses(desk: Bench, change: dict[str, Any], status: int, slug: str, field: str):
    problem(await desk("olga", "PATCH", TERMS, {"reason": "test", **change}), status, slug, field)
    assert set((await desk.ok("acme", "GET", "/v1/vendor/terms"))["own"].values()) == {None}


async def test_who_may(desk: Bench):
    problem(await desk("acme", "PATCH", TERMS, {"reason": "mine", "reserve_bps": 0}), 403, "not_allowed")
    problem(await desk("olga", "GET", "/v1/vendor/terms"), 403, "not_allowed")
    problem(await desk("olga", "PATCH", "/v1/admin/vendors/nobody/terms", {"reason": "x"}), 404, "unknown_vendor")


def test_minimum_is_of_one_currency():
    own = OwnTerms(payout_minimum=0)
    assert (MARKETPLACE.minimum(own, "EUR"), MARKETPLACE.minimum(own, "USD")) == (1, 1)
    assert (MARKETPLACE.minimum(OwnTerms(), "EUR"), MARKETPLACE.minimum(OwnTerms(), "JPY")) == (1_000, 1)


@pytest.mark.parametrize("iban", ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947"])
def test_ibans(iban: str):
    assert iban_adds_up(iban)
    assert not iban_adds_up(iban[:-1] + ("1" if iban[-1] != "1" else "2"))
