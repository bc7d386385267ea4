"""What is asked of a vendor: told as it stands, given once, refused where it makes no sense, and checked at start."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from hub.onboarding.give import REPORT_BYTES_MAX, ConformanceReport
from hub.onboarding.requirements import requirements_from
from tests.hub_api import Api
from tests.onboarding.conftest import REPORT, TAX, VERSION, approved, complete, joined, known_to_provider, passed, state_of
from tests.problem import problem
from vendor_sdk.conformance.report import Report, Verdict, write

MINE = "/v1/vendor/onboarding"


async def test_a_vendor_sees_what_is_missing_and_cannot_ask_for_review_before(api: Api):
    await joined(api, "fern")
    seen = (await api("fern", "GET", MINE)).json()
    assert seen["state"] == "onboarding"
    assert seen["missing"] == ["identity", "terms", "tax", "channel"]
    assert state_of(seen, "identity")[0] == "waiting"
    body = problem(await api("fern", "POST", f"{MINE}/submit", {}), 409, "requirements_missing")
    assert body["facts"]["missing"] == seen["missing"]
    assert (await api("fern", "GET", MINE)).json() == seen


async def test_terms_are_agreed_to_in_the_version_in_force_by_somebody(api: Api):
    await joined(api, "moss")
    problem(await api("moss", "PUT", f"{MINE}/terms/terms", {"version": "1999", "who": "Jo"}), 409, "terms_changed")
    problem(await api("moss", "PUT", f"{MINE}/terms/house-rules", {"version": VERSION, "who": "Jo"}), 404, "unknown_requirement")
    problem(await api("moss", "PUT", f"{MINE}/terms/terms", {"version": VERSION}), 400, "invalid_request", "/who")
    answer = (await api("moss", "PUT", f"{MINE}/terms/terms", {"version": VERSION, "who": "Jo Moss, owner"})).json()
    [terms] = [each for each in answer["requirements"] if each["name"] == "terms"]
    assert (terms["state"], terms["given_by"], terms["given"]["version"]) == ("met", "Jo Moss, owner", VERSION)
    assert terms["given_at"]


@pytest.mark.parametrize(
    ("body", "status", "slug", "field"),
    [
        ({**TAX, "vat_id": None}, 422, "tax_id_missing", "/vat_id"),
        ({**TAX, "vat_id": "nonsense"}, 400, "invalid_request", "/vat_id"),
        ({**TAX, "country": "Germany"}, 400, "invalid_request", "/country"),
        ({**TAX, "address": ""}, 400, "invalid_request", "/address"),
        ({**TAX, "bank": "x"}, 400, "invalid_request", "/bank"),
    ],
)
async def test_tax_facts_that_make_no_sense(api: Api, body: dict[str, Any], status: int, slug: str, field: str):
    problem(await api("acme", "PUT", f"{MINE}/tax", TAX), 409, "not_asked_now")
    if "reed" not in api.keys:
        await joined(api, "reed")
    problem(await api("reed", "PUT", f"{MINE}/tax", body), status, slug, field)


async def test_an_adapter_of_its_own_needs_a_report_with_the_levels(api: Api):
    await joined(api, "ivy")
    problem(await api("ivy", "PUT", f"{MINE}/channel", {"channel": "adapter"}), 422, "adapter_missing", "/adapter")
    problem(await api("ivy", "PUT", f"{MINE}/channel", {"channel": "fax"}), 400, "invalid_request", "/channel")
    chosen = (await api("ivy", "PUT", f"{MINE}/channel", {"channel": "adapter", "adapter": "fern_erp"})).json()
    assert state_of(chosen, "channel") == ("missing", "no report of the conformance kit on fern_erp was uploaded")
    short = (await api("ivy", "POST", f"{MINE}/certificates", {**REPORT, "levels": passed("wire")})).json()
    assert state_of(short, "channel") == ("missing", "fern_erp has not passed: orders, stock")
    others = (await api("ivy", "POST", f"{MINE}/certificates", {**REPORT, "adapter": "another"})).json()
    assert state_of(others, "channel")[0] == "missing"
    enough = (await api("ivy", "POST", f"{MINE}/certificates", {**REPORT, "badge": {"more": "than we read"}})).json()
    assert state_of(enough, "channel") == ("met", "")
    again = await api("ivy", "POST", f"{MINE}/certificates", {**REPORT, "badge": {"more": "than we read"}})
    assert len(again.json()["certificates"]) == len({each["digest"] for each in again.json()["certificates"]}) == 3


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        ({"levels": "all"}, 400, "invalid_request", "/levels"),
        ({"made_at": "2026-01-01T00:00:00"}, 400, "invalid_request", "/made_at"),
        ({"made_at": "2999-01-01T00:00:00Z"}, 422, "report_from_the_future", "/made_at"),
        ({"adapter": ""}, 400, "invalid_request", "/adapter"),
        ({"padding": "x" * REPORT_BYTES_MAX}, 422, "report_too_large", None),
    ],
)
async def test_a_report_that_is_none(api: Api, change: dict[str, Any], status: int, slug: str, field: str | None):
    problem(await api("acme", "POST", f"{MINE}/certificates", {**REPORT, **change}), status, slug, field)
    assert (await api("acme", "GET", MINE)).json()["certificates"] == []


def test_what_the_kit_writes_is_what_we_read():
    failed = Verdict(level="orders", outcome="failed", passed=False)
    written = Report(
        sdk_version="1.0",
        adapter="my_shop.adapter:MyShop",
        adapter_class="MyShop",
        capabilities=["stock", "orders"],
        config_hash="0" * 64,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=2.0,
        passed=False,
        levels=[Verdict(level="stock", outcome="passed", passed=True), failed],
        rules=[],
    )
    read = msgspec.json.decode(write(written), type=ConformanceReport)
    assert (read.adapter, read.made_at) == (written.adapter, written.made_at)
    assert {each.level: each.passed for each in read.levels} == {"stock": True, "orders": False}


async def test_an_operator_says_yes_no_or_not_yet(api: Api):
    assert (await complete(api, "oak"))["missing"] == []
    review = "/v1/admin/vendors/oak/onboarding"
    problem(await api("olga", "POST", f"{review}/approve", {"reason": "early"}), 409, "illegal_transition")
    assert (await api("oak", "POST", f"{MINE}/submit", {"note": "ready"})).json()["state"] == "in_review"
    problem(await api("oak", "PUT", f"{MINE}/tax", TAX), 409, "not_asked_now")
    wrong = {"reason": "see below", "requirements": {"identity": "no"}}
    problem(await api("olga", "POST", f"{review}/send-back", wrong), 422, "requirement_unknown", "/requirements/identity")
    sent = {"reason": "see below", "requirements": {"tax": "the address is a mailbox"}}
    assert (await api("olga", "POST", f"{review}/send-back", sent)).json()["state"] == "onboarding"
    seen = (await api("oak", "GET", MINE)).json()
    assert state_of(seen, "tax") == ("refused", "the address is a mailbox")
    assert state_of(seen, "review") == ("refused", "see below")
    problem(await api("oak", "POST", f"{MINE}/submit", {}), 409, "requirements_missing")
    assert (await api("oak", "PUT", f"{MINE}/tax", TAX)).json()["missing"] == []
    assert (await api("oak", "POST", f"{MINE}/submit", {})).status_code == 200
    assert (await api("olga", "POST", f"{review}/approve", {"reason": "fine"})).json()["state"] == "active"
    what = [act["what"] for act in (await api("olga", "GET", "/v1/admin/audit?subject=oak&limit=100")).json()["data"]]
    assert {"vendor.invited", "vendor.joined", "requirement.tax", "vendor.sent_back", "vendor.approved"} <= set(what)


async def test_what_was_met_when_it_was_submitted_is_looked_at_again(api: Api):
    await complete(api, "elm")
    await api("elm", "POST", f"{MINE}/submit", {})
    await known_to_provider(api, "elm")
    async with api.wiring.database.tx() as tx:
        await tx.execute(text("UPDATE vendors SET account_pays_out = false, account_due = '[\"passport\"]' WHERE code = 'elm'"))
    answer = await api("olga", "POST", "/v1/admin/vendors/elm/onboarding/approve", {"reason": "fine"})
    assert problem(answer, 409, "requirements_missing")["facts"]["missing"] == ["identity"]
    assert "passport" in state_of((await api("elm", "GET", MINE)).json(), "identity")[1]


async def test_a_rejected_vendor_parts_with_us(api: Api):
    await complete(api, "ash")
    await api("ash", "POST", f"{MINE}/submit", {})
    rejected = await api("olga", "POST", "/v1/admin/vendors/ash/onboarding/reject", {"reason": "sells nothing of ours"})
    assert rejected.json()["state"] == "closing"
    problem(await api("ash", "POST", f"{MINE}/submit", {}), 409, "illegal_transition")


async def test_an_active_vendor_is_for_sale_and_agrees_to_newer_terms(api: Api):
    await approved(api, "yew")
    offer = await api.offer("bowl", vendor="yew")
    product = (await api("yew", "GET", "/v1/vendor/offers/bowl")).json()["product_id"]
    shown = (await api("", "GET", f"/v1/products/{product}")).json()
    assert [each["id"] for each in shown["variants"][0]["offers"]] == [offer]
    assert (await api("yew", "PUT", f"{MINE}/terms/terms", {"version": VERSION, "who": "Jo"})).status_code == 200


REVIEW = {"name": "review", "kind": "review", "title": "Review"}
CHANNEL = {"name": "channel", "kind": "channel", "title": "Channel", "channels": ["hosted"]}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([REVIEW, {**REVIEW, "kind": "tax"}], "requirements[1].name: review is taken"),
        ([REVIEW, {**REVIEW, "name": "again"}], "more than one of kind review"),
        ([{**REVIEW, "kind": "terms"}], "requirements[0].version"),
        ([{**REVIEW, "kind": "oath"}], "oath"),
        ([{**REVIEW, "levels": ["wire"]}], "requirements[0].levels"),
        ([{**CHANNEL, "channels": []}], "requirements[0].channels"),
        ([{**CHANNEL, "channels": ["fax"]}], "fax"),
        ([{**REVIEW, "color": "red"}], "color"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_at_start(wrong: list[dict[str, Any]], told: str):
    with pytest.raises(ValueError, match="onboarding: ") as refused:
        requirements_from({"requirements": wrong})
    assert told in str(refused.value), json.dumps(wrong)


async def test_a_vendor_whose_spoke_we_run_is_asked_what_every_adapter_of_ours_can_do(api: Api):
    await complete(api, "hazel")
    await api("hazel", "POST", f"{MINE}/submit", {})
    said = {"reason": "fine", "embedded_spoke": "hosted"}
    assert (await api("olga", "POST", "/v1/admin/vendors/hazel/onboarding/approve", said)).status_code == 200
    found = (await api("olga", "GET", "/v1/admin/vendors/hazel")).json()
    assert (found["embedded_spoke"], sorted(found["capabilities"])) == ("hosted", ["orders", "shipping", "stock"])
