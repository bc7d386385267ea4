"""Fines and bonuses: by rule exactly once, by hand, waived once; and the credit that a bonus is."""

import asyncio
import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.adjustments.adjust import adjust
from hub.adjustments.rules import OCCASIONS, Case, adjustment_rules_from, due
from hub.ledger import store as ledger
from hub.settings import CONFIG
from hub.transfers.credit import due_credits
from tests.payouts.bench import Bench
from tests.problem import problem

AT = datetime(2026, 6, 1, tzinfo=UTC)
LATE: dict[str, Any] = {"name": "late", "on": "shipped_late", "kind": "fine", "fixed": {"EUR": 200}, "grace_seconds": 3_600}
EARLY: dict[str, Any] = {"name": "early", "on": "shipped_early", "kind": "bonus", "bps": 50, "grace_seconds": 60}
ADJUSTMENTS = "/v1/admin/vendors/acme/adjustments"


def amounts(*rules: dict[str, Any], on: str = "shipped_late", late: float = 7_200, currency: str = "EUR", total: int = 10_000) -> list[int]:
    case = Case(occasion=on, vendor="acme", at=AT, currency=currency, total=total, lateness_seconds=late)
    return [each.amount for each in due(adjustment_rules_from({"rules": list(rules)}), case)]


class TestRules:
    def test_grace(self):
        assert (amounts(LATE, late=3_600), amounts(LATE, late=3_600.1)) == ([], [200])
        assert (amounts(EARLY, on="shipped_early", late=-60), amounts(EARLY, on="shipped_early", late=-61)) == ([], [50])

    def test_late_is_not_early(self):
        assert amounts(EARLY, on="shipped_early", late=7_200) == []

    def test_fixed_and_share_between_min_and_max(self):
        rule = {**LATE, "bps": 100, "min": {"EUR": 250}, "max": {"EUR": 1_000}}
        assert [amounts(rule, total=total) for total in (0, 10_000, 1_000_000)] == [[250], [300], [1_000]]

    def test_a_currency_that_is_not_named_is_none_of_it(self):
        assert amounts(LATE, currency="USD") == []
        assert amounts({**EARLY, "on": "declined"}, on="declined", currency="JPY") == [50]

    def test_whose_and_when(self):
        assert amounts({**LATE, "vendors": ["bolt"]}) == []
        assert amounts({**LATE, "vendors": ["bolt", "acme"]}) == [200]
        assert amounts({**LATE, "from": "2026-06-01T00:00:00Z"}) == [200]
        assert amounts({**LATE, "from": "2026-06-01T00:00:01Z"}) == []
        assert amounts({**LATE, "until": "2026-06-01T00:00:00Z"}) == []

    def test_each_that_matches(self):
        assert amounts(LATE, {**LATE, "name": "later", "grace_seconds": 0}, EARLY) == [200, 200]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"fixed": {}}, "/rules/1/bps"),
            ({"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/rules/1/until"),
            ({"min": {"EUR": 2}, "max": {"EUR": 1}}, "/rules/1/max/EUR"),
            ({"max": {"USD": 1}}, "/rules/1/fixed"),
            ({"name": "early"}, "/rules/1/name"),
            ({"on": "sneezed"}, "sneezed"),
            ({"from": "2026-01-02T00:00:00"}, "from"),
            ({"fixed": {"EUR": -1}}, "fixed"),
            ({"size": 1}, "size"),
        ],
    )
    def test_refuses(self, change: dict[str, Any], said: str):
        with pytest.raises(ValueError, match="adjustments") as wrong:
            adjustment_rules_from({"rules": [EARLY, {**LATE, **change}]})
        assert said in str(wrong.value)

    def test_the_file_is_shipped_without_a_rule_in_force_and_its_examples_are_right(self):
        text = (CONFIG / "adjustments.toml").read_text()
        assert adjustment_rules_from(tomllib.loads(text)) == []
        lines = text[text.index("# [[rules]]") :].removesuffix("rules = []\n").splitlines()
        examples = adjustment_rules_from(tomllib.loads("\n".join(line.removeprefix("#").strip() for line in lines)))
        assert {rule.kind for rule in examples} == {"fine", "bonus"}
        assert {rule.occasion for rule in examples} <= set(OCCASIONS)


async def happened(desk: Bench, sub_order_id: str = "sub_1", *, killed: bool = False) -> None:
    async with desk.database.tx() as tx:
        given: dict[str, Any] = {"vendor": "acme", "order_id": "ord_1", "currency": "EUR", "total": 10_000, "lateness_seconds": 7_200.0}
        await adjust(tx, adjustment_rules_from({"rules": [LATE]}), "shipped_late", sub_order_id=sub_order_id, **given)
        if killed:
            raise RuntimeError("killed")


async def balance(desk: Bench, account: str = "vendor:acme") -> int:
    async with desk.database.reading() as tx:
        return await ledger.balance(tx, account, "EUR")


async def shown(desk: Bench) -> list[dict[str, Any]]:
    return (await desk.ok("acme", "GET", "/v1/vendor/adjustments"))["data"]


class TestByRule:
    async def test_once_for_a_sub_order_however_often_and_at_once(self, desk: Bench):
        await asyncio.gather(*(happened(desk) for _ in range(4)))
        await happened(desk)
        assert [(each["rule"], each["amount"]["amount"], each["reason"]) for each in await shown(desk)] == [("late", 200, "shipped_late")]
        assert (await balance(desk), await balance(desk, "fines")) == (-200, 200)
        await happened(desk, "sub_2")
        assert await balance(desk) == -400
        assert await desk.told("ord_1") == ["post", "post"]

    async def test_with_what_it_was_for_or_not_at_all(self, desk: Bench):
        with pytest.raises(RuntimeError, match="killed"):
            await happened(desk, killed=True)
        assert (await shown(desk), await balance(desk)) == ([], 0)
        await happened(desk)
        assert await balance(desk) == -200


class TestByHand:
    async def test_once_per_key(self, desk: Bench):
        body = {"kind": "fine", "amount": {"amount": 500, "currency": "EUR"}, "reason": "counterfeit"}
        first = await desk.ok("olga", "POST", ADJUSTMENTS, body, Idempotency_Key="k")
        assert await desk.ok("olga", "POST", ADJUSTMENTS, body, Idempotency_Key="k") == first
        assert await balance(desk) == -500
        await desk.ok("olga", "POST", ADJUSTMENTS, body)  # by hand it may be done twice
        assert await balance(desk) == -1_000
        moment = (await desk.moments("acme"))[-1]
        assert (moment.actor, moment.event, moment.reason) == ("operator:olga", "post", "counterfeit")

    async def test_waived_once(self, desk: Bench):
        await happened(desk)
        [fine] = await shown(desk)
        path = f"{ADJUSTMENTS}/{fine['id']}/waive"
        answers = await asyncio.gather(*(desk("olga", "POST", path, {"reason": "the carrier's fault"}) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
        problem(await desk("olga", "POST", path, {"reason": "again"}), 409, "already_waived")
        assert (await balance(desk), await balance(desk, "fines")) == (0, 0)
        [fine] = await shown(desk)
        assert fine["waived_why"] == "the carrier's fault"
        await happened(desk)  # a waived fine does not come back
        assert await balance(desk) == 0
        problem(await desk("olga", "POST", path.replace("acme", "bolt"), {"reason": "x"}), 404, "unknown_adjustment")

    async def test_a_bonus_is_a_credit_until_it_is_waived(self, desk: Bench):
        body = {"kind": "bonus", "amount": {"amount": 700, "currency": "EUR"}, "reason": "vendor of the month"}
        bonus = await desk.ok("olga", "POST", ADJUSTMENTS, body)
        fine = {"kind": "fine", "amount": {"amount": 100, "currency": "EUR"}, "reason": "late"}
        await desk.ok("olga", "POST", "/v1/admin/vendors/bolt/adjustments", fine)
        async with desk.database.reading() as tx:
            assert await due_credits(tx, 10) == [("acme", "EUR", 700)]
        await desk.ok("olga", "POST", f"{ADJUSTMENTS}/{bonus['id']}/waive", {"reason": "a mistake"})
        async with desk.database.reading() as tx:
            assert await due_credits(tx, 10) == []

    @pytest.mark.parametrize(
        ("change", "status", "slug", "field"),
        [
            ({"amount": {"amount": 0, "currency": "EUR"}}, 422, "amount_zero", "/amount/amount"),
            ({"amount": {"amount": -5, "currency": "EUR"}}, 400, "invalid_request", "/amount/amount"),
            ({"amount": {"amount": 5, "currency": "euro"}}, 400, "invalid_request", "/amount/currency"),
            ({"kind": "gift"}, 400, "invalid_request", "/kind"),
            ({"reason": ""}, 400, "invalid_request", "/reason"),
            ({"order": "ord_unknown"}, 404, "unknown_order", None),
            ({"vendor": "bolt"}, 400, "invalid_request", "/vendor"),
        ],
    )
    async def test_refuses(self, desk: Bench, change: dict[str, Any], status: int, slug: str, field: str | None):
        body = {"kind": "fine", "amount": {"amount": 5, "currency": "EUR"}, "reason": "test", **change}
        problem(await desk("olga", "POST", ADJUSTMENTS, body), status, slug, field)
        assert (await shown(desk), await balance(desk)) == ([], 0)

    async def test_who_may(self, desk: Bench):
        body = {"kind": "bonus", "amount": {"amount": 5, "currency": "EUR"}, "reason": "me"}
        problem(await desk("acme", "POST", ADJUSTMENTS, body), 403, "not_allowed")
        problem(await desk("olga", "POST", "/v1/admin/vendors/nobody/adjustments", body), 404, "unknown_vendor")
        await happened(desk)
        assert (await desk.ok("bolt", "GET", "/v1/vendor/adjustments"))["data"] == []
        assert len((await desk.ok("olga", "GET", ADJUSTMENTS))["data"]) == 1
