"""Reconciliations over HTTP, for operators."""

from typing import Any

import pytest

from hub.reconcile.run import Rules
from hub.sandbox.app import create_sandbox
from tests.hub_api import Api, api
from tests.problem import problem
from tests.reconcile.conftest import Stage

__all__ = ["api"]

ROOT = "/v1/admin/reconciliations"


@pytest.fixture
async def told(api: Api) -> Stage:
    """The API's own database beside a sandbox of the test's own."""
    return Stage(api.wiring.database, create_sandbox(None))


async def test_asked_for_done_by_a_worker_and_read(api: Api, told: Stage):
    _, captured = await told.sell()
    refund = await told.gateway.refund("dashboard", charge=captured.charge, amount=1000, currency="EUR", order_id="ord_x")
    once = {"Idempotency-Key": "reconcile-1"}
    asked = await api("olga", "POST", ROOT, {}, once)
    assert asked.status_code == 201, asked.text
    assert (await api("olga", "POST", ROOT, {}, once)).json()["id"] == asked.json()["id"]
    assert (asked.json()["standing"], asked.json()["report"], asked.json()["asked_by"]) == ("requested", None, "operator:olga")
    from hub.reconcile.run import reconcile_daily as daily

    await daily(told.database, told.gateways, Rules(grace_seconds=0))
    done = (await api("olga", "GET", f"{ROOT}/{asked.json()['id']}")).json()
    assert done["standing"] == "done"
    report = done["report"]
    assert (report["equal"], report["differences_total"]) == (False, 1)
    (difference,) = report["differences"]
    assert (difference["problem"], difference["reference"], difference["theirs"]) == ("unbooked", refund.reference, -1000)
    listed = (await api("olga", "GET", f"{ROOT}?limit=1")).json()
    assert len(listed["data"]) == 1
    assert listed["data"][0]["report"] is None
    older = (await api("olga", "GET", f"{ROOT}?cursor={listed['next_cursor']}")).json()["data"]
    assert {each["id"] for each in [*listed["data"], *older]} >= {done["id"]}
    waiting = (await api("olga", "GET", f"{ROOT}/movements?standing=suspense")).json()["data"]
    assert [each["id"] for each in waiting] == [difference["movement"]]
    explain = f"{ROOT}/movements/{difference['movement']}/explain"
    problem(await api("olga", "POST", explain, {"account": "losses"}), 400, "invalid_request", "/reason")
    problem(await api("olga", "POST", explain, {"account": "clearing:stripe", "reason": "x"}), 422, "unknown_account", "/account")
    explained = await api("olga", "POST", explain, {"account": "losses", "reason": "made by hand"})
    assert explained.status_code == 200, explained.text
    problem(await api("olga", "POST", explain, {"account": "losses", "reason": "again"}), 409, "not_in_suspense")
    problem(await api("olga", "POST", f"{ROOT}/bookings/txn_x/explain", {"account": "losses", "reason": "x"}), 404, "unknown_booking")


@pytest.mark.parametrize(
    ("body", "status", "slug", "field"),
    [
        ({"since": "yesterday"}, 400, "invalid_request", "/since"),
        ({"since": "2026-02-30"}, 400, "invalid_request", "/since"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, 422, "range_backwards", "/until"),
        ({"since": "1990-01-01", "until": "2026-02-01"}, 422, "range_too_long", "/since"),
        ({"since": "2990-01-01", "until": "2990-02-01"}, 422, "range_in_future", "/since"),
        ({"until": "0001-01-01"}, 422, "range_backwards", "/until"),
        ({"since": "1969-12-31", "until": "1970-01-02"}, 422, "range_too_early", "/since"),
        ({"from": "2026-02-02"}, 400, "invalid_request", "/from"),
    ],
)
async def test_bad_ranges(api: Api, body: dict[str, Any], status: int, slug: str, field: str):
    problem(await api("olga", "POST", ROOT, body), status, slug, field)


async def test_for_operators_alone(api: Api):
    for who in ("ada", "acme"):
        assert (await api(who, "GET", ROOT)).status_code == 403
        assert (await api(who, "POST", f"{ROOT}/movements/txn_1/explain", {"account": "losses", "reason": "x"})).status_code == 403
    problem(await api("olga", "GET", f"{ROOT}/rec_none"), 404, "unknown_reconciliation")
    problem(await api("olga", "POST", f"{ROOT}/movements/txn_none/explain", {"account": "losses", "reason": "x"}), 404, "unknown_movement")
