"""The whole story over HTTP: reminded, escalated, declined by time, fined, scored, warned, suspended by rule; and what is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from hub.app import create_app
from hub.orders.model import SubOrder
from hub.promises.count import count_days
from hub.promises.judge import judge_all
from hub.promises.suspension import Suspension
from hub.runtime import auth
from hub.runtime.database import Actor
from hub.worker.chase import chase_all
from hub.worker.deadlines import sweep
from tests.conftest import MakeDatabase
from tests.hub_api import serving
from tests.problem import problem
from tests.promises.clock import passes
from tests.promises.test_deadlines import FINES
from tests.shop import Shop, open_shop

MUG = ("acme", "mug", 2000, 1)
RULE: dict[str, Any] = {"name": "answers too little", "figure": "no_answer_rate", "days": 30, "above": 1000, "orders_min": 2}
NINE_TO_FIVE = [{"opens": "09:00", "closes": "17:00"}]
SHOP = {"zone": "Europe/Berlin", "weekly": {"mon": NINE_TO_FIVE}}


@dataclass
class Town:
    """A shop, and people who speak to it over HTTP."""

    shop: Shop
    http: httpx.AsyncClient
    keys: dict[str, str]

    async def __call__(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.keys[who]}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.request(method, path, json=body, headers=sent)

    async def ok(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self(who, method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def routed(self) -> SubOrder:
        order_id = await self.shop.place(MUG)
        await self.shop.run()
        return (await self.shop.order(order_id)).sub_orders[0]

    async def silent(self) -> None:
        """An order that acme does not answer."""
        await self.routed()
        await passes(self.shop, hours=25)
        await sweep(self.shop.wiring)

    async def counted(self) -> None:
        """What a worker does in a minute or two."""
        for _ in range(2):
            await count_days(self.shop.wiring.database)

    async def judged(self, rules: Suspension) -> None:
        """What a worker does in an hour."""
        await self.counted()
        await judge_all(self.shop.wiring.database, rules)
        await passes(self.shop, hours=2)
        await judge_all(self.shop.wiring.database, rules)

    async def state(self, vendor: str = "acme") -> str:
        return (await self.ok("olga", "GET", f"/v1/admin/vendors/{vendor}"))["state"]


@pytest_asyncio.fixture
async def town(fresh_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Town]:
    (tmp_path / "fines.toml").write_text(FINES)
    files = {"WHEELWRIGHT__MONEY__ADJUSTMENTS_FILE": str(tmp_path / "fines.toml")}
    shop = await open_shop(await fresh_database(), "acme", "bolt", "cedar", settings=files)
    actors = {"olga": Actor("operator", "olga"), "ada": shop.buyer, **{code: Actor("vendor", code) for code in ("acme", "bolt", "cedar")}}
    async with shop.wiring.database.tx() as tx:
        keys = {name: await auth.issue(tx, actor) for name, actor in actors.items()}
    async with serving(create_app(shop.wiring)) as http:
        yield Town(shop, http, keys)
    await shop.close()


def suspension(*rules: dict[str, Any], **said: Any) -> Suspension:
    return msgspec.convert({"rules": list(rules), "notice_seconds": 0, **said}, Suspension)


async def test_a_vendor_that_does_not_keep_its_word(town: Town):
    promised = {"acceptance": {"seconds": 3600, "reminders": [0.5], "escalation": 0.9}, "shipping": {"seconds": 3600}}
    said = await town.ok("olga", "PATCH", "/v1/admin/vendors/acme/promises", {"reason": "contract", **promised}, If_Match='"0"')
    assert (said["version"], said["in_force"]["acceptance"]["seconds"], said["own"]["delivery"]) == (1, 3600, None)
    assert (await town.ok("acme", "GET", "/v1/vendor/promises"))["in_force"] == said["in_force"]

    sub = await town.routed()
    [shown] = (await town.ok("acme", "GET", "/v1/vendor/orders?due_within=3600"))["data"]
    assert (await town.ok("acme", "GET", "/v1/vendor/orders?due_within=600"))["data"] == []
    bought = await town.ok("ada", "GET", f"/v1/orders/{sub.order_id}")
    assert bought["sub_orders"][0]["accept_by"] == shown["accept_by"] is not None

    for minutes in (31, 25):
        await passes(town.shop, minutes=minutes)
        await chase_all(town.shop.wiring)
    await passes(town.shop, minutes=5)
    await sweep(town.shop.wiring)
    moments = await town.ok("ada", "GET", f"/v1/orders/{sub.order_id}/timeline")
    assert [each["event"] for each in moments if each["life"] == "promise"] == ["remind", "escalate"]
    bought = await town.ok("ada", "GET", f"/v1/orders/{sub.order_id}")
    assert (bought["state"], bought["sub_orders"][0]["reason"]) == ("declined", "no_answer")
    [fine] = (await town.ok("acme", "GET", "/v1/vendor/adjustments"))["data"]
    assert (fine["rule"], fine["amount"]["amount"], fine["sub_order_id"]) == ("silent", 150, sub.id)

    late = (await town.shop.paid(MUG)).sub_orders[0]
    await passes(town.shop, hours=2)
    await chase_all(town.shop.wiring)
    await town.shop.vendor_says("acme", late.id, "ship")
    assert {fine["rule"] for fine in (await town.ok("acme", "GET", "/v1/vendor/adjustments"))["data"]} == {"silent", "late"}

    await town.judged(suspension(RULE, notice_seconds=86_400))
    card = await town.ok("acme", "GET", "/v1/vendor/scorecard?days=7")
    figures = {name: (figure["value"], figure["of"], figure["among"]) for name, figure in card["figures"].items()}
    assert figures["acceptance_rate"] == figures["no_answer_rate"] == (5000, 1, 2)
    assert figures["late_shipment_rate"] == (10_000, 1, 1)
    assert (card["sold"], card["counting"]) == ([{"amount": 2490, "currency": "EUR"}], False)
    behind = await town.ok("acme", "GET", "/v1/vendor/scorecard/late_shipment_rate")
    assert [each["sub_order_id"] for each in behind["data"]] == [late.id]

    [warned] = (await town.ok("olga", "GET", "/v1/admin/vendors/acme/judgments"))["data"]
    assert (warned["verdict"], warned["rule"], await town.state()) == ("warned", RULE["name"], "active")
    await town.judged(suspension(RULE))
    assert await town.state() == "suspended"
    reason = await town.shop.scalar("SELECT reason FROM timeline WHERE saga_id = 'acme' AND event = 'suspend'")
    assert reason.startswith("by rule: answers too little: no_answer_rate 5000 bps is above 1000 (1 of 2 in 30 days)")
    assert await town.shop.scalar("SELECT count(*) FROM dead_letters WHERE reason = 'suspended_by_rule' AND target = 'acme'") == 1

    await town.ok("olga", "POST", "/v1/admin/vendors/acme/activate", {"reason": "they have a new clerk"})
    await town.judged(suspension(RULE))
    await town.judged(suspension(RULE))
    assert await town.state() == "active", "the old figures were known when it was activated"
    assert await town.shop.breaches() == []


async def test_counted_again_and_again_the_figures_are_the_same(town: Town):
    await town.silent()
    await town.shop.paid(MUG, ("bolt", "pin", 300, 2), decline=["bolt"])
    await town.counted()
    first = await town.ok("olga", "GET", "/v1/admin/scorecards?sort=acceptance_rate&descending=true")
    assert [card["vendor"] for card in first["data"]] == ["acme", "bolt"]
    await town.shop.sql("UPDATE vendor_days SET stale = true, counts = '{\"accepted\": 99}'")
    await town.counted()
    assert await town.ok("olga", "GET", "/v1/admin/scorecards?sort=acceptance_rate&descending=true") == first
    page = await town.ok("olga", "GET", "/v1/admin/scorecards?sort=acceptance_rate&limit=1")
    rest = await town.ok("olga", "GET", f"/v1/admin/scorecards?sort=acceptance_rate&limit=1&cursor={page['next_cursor']}")
    assert [page["data"][0]["vendor"], rest["data"][0]["vendor"], rest["next_cursor"]] == ["bolt", "acme", None]


async def test_orders_behind_a_figure_come_in_pages(town: Town):
    subs = [await town.routed() for _ in range(3)]
    await passes(town.shop, days=2)
    await sweep(town.shop.wiring)
    await town.judged(suspension())
    seen: list[str] = []
    path = "/v1/admin/vendors/acme/scorecard/no_answer_rate?limit=2&side=among"
    page = await town.ok("olga", "GET", path)
    while True:
        seen += [each["sub_order_id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        page = await town.ok("olga", "GET", f"{path}&cursor={page['next_cursor']}")
    assert seen == [sub.id for sub in reversed(subs)]


async def test_a_dry_run_says_who_and_does_nothing(town: Town):
    for _ in range(2):
        await town.silent()
    await town.judged(suspension())
    tried = (await town.ok("olga", "POST", "/v1/admin/suspension/dry-run", {"rules": [RULE, {**RULE, "name": "gentle", "orders_min": 3}]}))[
        "judged"
    ]
    assert [(each["vendor"], each["rule"], each["verdict"]) for each in tried] == [("acme", RULE["name"], "warn")]
    assert await town.ok("olga", "POST", "/v1/admin/suspension/dry-run", {}) == {"judged": []}
    assert (await town.ok("olga", "GET", "/v1/admin/vendors/acme/judgments"))["data"] == []


async def test_no_more_than_so_many_in_one_day_and_the_rest_is_an_operators(town: Town):
    for code in ("acme", "bolt"):
        for _ in range(2):
            await town.shop.place((code, "mug", 2000, 1))
    await town.shop.run()
    await passes(town.shop, days=2)
    await sweep(town.shop.wiring)
    for _ in range(3):
        await town.judged(suspension(RULE, vendors_per_day=1))
    assert sorted([await town.state("acme"), await town.state("bolt")]) == ["active", "suspended"]
    held = "SELECT count(*) FROM dead_letters WHERE reason = 'too_many_suspensions'"
    assert await town.shop.scalar(held) == 1, "told once a day"


async def test_who_does_better_is_warned_no_longer(town: Town):
    for _ in range(2):
        await town.silent()
    await town.judged(suspension(RULE, notice_seconds=86_400))
    await town.judged(suspension({**RULE, "above": 10_000}, notice_seconds=86_400))
    told = (await town.ok("olga", "GET", "/v1/admin/vendors/acme/judgments"))["data"]
    assert [each["verdict"] for each in told] == ["lifted", "warned"]


PROMISES = "/v1/admin/vendors/acme/promises"


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        ({"calendar": {**SHOP, "zone": "Mars/Olympus"}}, 422, "unknown_zone", "/calendar/zone"),
        ({"calendar": {**SHOP, "weekly": {}}}, 422, "calendar_never_opens", "/calendar/weekly"),
        ({"calendar": {**SHOP, "weekly": {"mon": [{"opens": "9", "closes": "17:00"}]}}}, 400, "invalid_request", None),
        ({"calendar": {**SHOP, "weekly": {"noday": []}}}, 400, "invalid_request", None),
        (
            {"calendar": {**SHOP, "weekly": {"mon": NINE_TO_FIVE * 2}}},
            422,
            "calendar_invalid",
            "/calendar/weekly/mon/1/opens",
        ),
        ({"calendar": {**SHOP, "holidays": ["2026-12-25"] * 501}}, 400, "invalid_request", "/calendar/holidays"),
        ({"acceptance": {"seconds": -1}}, 400, "invalid_request", "/acceptance/seconds"),
        ({"acceptance": {"seconds": 0}}, 400, "invalid_request", "/acceptance/seconds"),
        ({"acceptance": {"seconds": 10**12}}, 400, "invalid_request", "/acceptance/seconds"),
        ({"acceptance": {"reminders": [1.5]}}, 400, "invalid_request", "/acceptance/reminders/0"),
        ({"acceptance": {"at_end": "cancel"}}, 422, "promise_end_invalid", "/acceptance/at_end"),
        ({"shipping": {"counts": "working"}}, 422, "calendar_missing", "/shipping/counts"),
        ({"surprise": 1}, 400, "invalid_request", "/surprise"),
        ({"reason": ""}, 400, "invalid_request", "/reason"),
    ],
)
async def test_promises_that_cannot_be_are_refused_naming_the_field(
    town: Town, change: dict[str, Any], status: int, slug: str, field: str | None
):
    problem(await town("olga", "PATCH", PROMISES, {"reason": "x", **change}), status, slug, field)
    assert (await town.ok("olga", "GET", PROMISES))["version"] == 0


async def test_who_may_do_what(town: Town):
    first = {"reason": "x", "acceptance": {"seconds": 60}}
    assert (await town.ok("olga", "PATCH", PROMISES, first, If_Match='"0"'))["version"] == 1
    assert (await town.ok("olga", "PATCH", PROMISES, first))["version"] == 1, "nothing has changed"
    problem(await town("olga", "PATCH", PROMISES, {"reason": "y", "acceptance": None}, If_Match='"0"'), 412, "version_mismatch")
    assert (await town.ok("olga", "PATCH", PROMISES, {"reason": "y", "acceptance": None}, If_Match='"1"'))["own"]["acceptance"] is None
    problem(await town("olga", "PATCH", "/v1/admin/vendors/nobody/promises", first), 404, "unknown_vendor")
    problem(await town("olga", "GET", "/v1/admin/vendors/nobody/scorecard"), 404, "unknown_vendor")
    problem(await town("olga", "GET", "/v1/admin/vendors/nobody/judgments"), 404, "unknown_vendor")
    for path in ("vendors/bolt/promises", "vendors/bolt/scorecard", "vendors/acme/scorecard", "scorecards", "vendors/acme/judgments"):
        for who in ("acme", "ada"):
            assert (await town(who, "GET", f"/v1/admin/{path}")).status_code == 403
    for path in ("promises", "scorecard", "scorecard/refund_rate"):
        assert (await town("ada", "GET", f"/v1/vendor/{path}")).status_code == 403


@pytest.mark.parametrize(
    ("path", "status", "slug", "field"),
    [
        ("scorecards?sort=charm", 422, "unknown_figure", "/figure"),
        ("scorecards?days=8", 422, "unknown_period", "/days"),
        ("scorecards?days=seven", 400, "invalid_request", None),
        ("vendors/acme/scorecard?days=0", 422, "unknown_period", "/days"),
        ("vendors/acme/scorecard/charm", 422, "unknown_figure", "/figure"),
        ("vendors/acme/scorecard/refund_rate?side=neither", 400, "invalid_request", None),
        ("vendors/acme/scorecard/refund_rate?cursor=!", 400, "invalid_request", None),
        ("scorecards?cursor=MTI", 400, "invalid_request", None),
    ],
)
async def test_questions_that_have_no_answer(town: Town, path: str, status: int, slug: str, field: str | None):
    problem(await town("olga", "GET", f"/v1/admin/{path}"), status, slug, field)


async def test_a_forged_cursor_shows_nothing_and_breaks_nothing(town: Town):
    await town.silent()
    await town.judged(suspension())
    for cursor in ("IiI", "InN1Yl96enp6enp6enp6enp6enp6enp6enp6enoi", "IkBodWIi"):
        answer = await town("acme", "GET", f"/v1/vendor/scorecard/no_answer_rate?cursor={cursor}")
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("rule", "status", "slug", "field"),
    [
        ({**RULE, "figure": "charm"}, 422, "invalid_rule", "/rules/0/figure"),
        ({**RULE, "below": 1}, 422, "invalid_rule", "/rules/0/below"),
        ({**RULE, "above": 10_001}, 422, "invalid_rule", "/rules/0/above"),
        ({**RULE, "above": -1}, 400, "invalid_request", "/rules/0/above"),
        ({**RULE, "days": 31}, 400, "invalid_request", "/rules/0/days"),
        ({**RULE, "orders_min": 0}, 400, "invalid_request", "/rules/0/orders_min"),
        ({**RULE, "name": ""}, 400, "invalid_request", "/rules/0/name"),
    ],
)
async def test_rules_that_cannot_be_are_refused_naming_the_field(town: Town, rule: dict[str, Any], status: int, slug: str, field: str):
    problem(await town("olga", "POST", "/v1/admin/suspension/dry-run", {"rules": [rule]}), status, slug, field)
