"""Commission over HTTP: why so much of what, what went back with refunds, and what other rules would have taken."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from hub.app import create_app
from hub.orders.tables import lines
from hub.settings import SettingsRefused, load_settings
from hub.wiring import wire
from tests.hub_api import ADDRESS, Api, people, serving, settings_for
from tests.problem import problem

RULES = """
[[rules]]
name = "books"
bps = 700
categories = ["books"]

[[rules]]
name = "standard"
bps = 1000

[[rules]]
name = "payment"
group = "payment fee"
bps = 140
fixed = { EUR = 25 }
of = "both"
on_refund = "keep"
tax_bps = 0

[tax.countries]
DE = 1900
"""

TODAY = datetime.now(UTC).date()  # noqa: TID251  # as the hub's own edge does
ALL_TIME = {"from": str(TODAY - timedelta(days=1)), "until": str(TODAY + timedelta(days=2))}


@pytest_asyncio.fixture(scope="module")
async def api(database_url: str, scratch: Path) -> AsyncGenerator[Api]:
    """The API with these rules."""
    path = scratch / "commission.toml"
    path.write_text(RULES)
    wiring = wire(load_settings(environ=settings_for(database_url, WHEELWRIGHT__ORDERS__COMMISSION_FILE=str(path))), "test")
    app = create_app(wiring)
    async with serving(app) as http:
        yield Api(app, wiring, http, await people(wiring.database))
    await wiring.close()


async def order(api: Api, **quantities: int) -> dict[str, Any]:
    """A placed order of acme's mugs (10.00) and books (20.00) and bolt's bowls (30.00)."""
    offers = {
        "mug": await api.offer("mug", price=1000, stock=1000),
        "book": await api.offer("book", price=2000, stock=1000, product={"title": "A book", "category": "books"}),
        "bowl": await api.offer("bowl", vendor="bolt", price=3000, stock=1000),
    }
    cart = await api.cart(lines={offers[name]: quantity for name, quantity in quantities.items()})
    quote = await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})
    placed = await api("ada", "POST", "/v1/orders", {"quote_id": quote.json()["id"], "payment_method": "pm_card_visa"})
    assert placed.status_code == 201, placed.text
    return placed.json()


class TestExplained:
    async def test_which_rule_gave_which_cent(self, api: Api):
        [sub] = (await order(api, mug=1, book=1))["sub_orders"]
        answer = await api("acme", "GET", f"/v1/vendor/orders/{sub['id']}/commission")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        titles = {piece["id"]: piece["title"] for piece in found["pieces"]}
        fees = [
            (titles[piece["id"]], fee["rule"], fee["charged"]["amount"], fee["tax"]["amount"])
            for piece in found["pieces"]
            for fee in piece["fees"]
        ]
        assert sorted(fees) == [
            ("A book", "books", 140, 27),
            ("A book", "payment", 43, 0),
            ("A mug", "payment", 21, 0),  # 1.40 % of 34.90 are 0.49, and 0.25: 0.74 over 10.00 : 20.00 : 4.90
            ("A mug", "standard", 100, 19),
            ("standard", "payment", 10, 0),
        ]
        assert (found["commission"]["amount"], found["commission_tax"]["amount"]) == (314, 46)
        [mug] = [piece["fees"][0] for piece in found["pieces"] if piece["title"] == "A mug"]
        assert mug["passed_over"] == [{"rule": "books", "why": "category is kitchen"}]
        assert mug["why"] == "it holds for everything"
        assert (await api("olga", "GET", f"/v1/admin/sub-orders/{sub['id']}/commission")).json() == found

    async def test_the_fees_add_up_to_what_the_vendor_is_charged(self, api: Api):
        for sub in (await order(api, mug=7, book=3, bowl=1))["sub_orders"]:
            found = (await api("olga", "GET", f"/v1/admin/sub-orders/{sub['id']}/commission")).json()
            for name, item in (("commission", "charged"), ("commission_tax", "tax")):
                assert found[name]["amount"] == sum(fee[item]["amount"] for piece in found["pieces"] for fee in piece["fees"])
                assert found[name]["amount"] == sum(piece[name]["amount"] for piece in found["pieces"])
            seen = (await api(sub["vendor"], "GET", f"/v1/vendor/orders/{sub['id']}")).json()
            assert (seen["commission"], seen["commission_tax"]) == (found["commission"], found["commission_tax"])
            assert seen["share"]["amount"] == sub["total"]["amount"] - found["commission"]["amount"] - found["commission_tax"]["amount"]

    async def test_what_refunds_gave_back(self, api: Api):
        [sub] = (await order(api, mug=2))["sub_orders"]
        async with api.wiring.database.tx() as tx:
            await tx.execute(update(lines).where(lines.c.sub_order_id == sub["id"]).values(refunded=1000))
        found = (await api("acme", "GET", f"/v1/vendor/orders/{sub['id']}/commission")).json()
        # Half of 2.00 and of its tax goes back; the payment fee is kept.
        assert (found["pieces"][0]["refunded"]["amount"], found["returned"]["amount"], found["returned_tax"]["amount"]) == (1000, 100, 19)

    async def test_another_vendors_is_not_there(self, api: Api):
        [sub] = (await order(api, mug=1))["sub_orders"]
        problem(await api("bolt", "GET", f"/v1/vendor/orders/{sub['id']}/commission"), 404, "unknown_order")
        problem(await api("olga", "GET", "/v1/admin/sub-orders/sub_nothing/commission"), 404, "unknown_order")
        assert (await api("ada", "GET", f"/v1/vendor/orders/{sub['id']}/commission")).status_code == 403

    async def test_new_rules_change_no_order_of_the_past(self, api: Api, database_url: str):
        [sub] = (await order(api, mug=1))["sub_orders"]
        before = (await api("olga", "GET", f"/v1/admin/sub-orders/{sub['id']}/commission")).json()
        wiring = wire(load_settings(environ=settings_for(database_url)), "test")
        async with serving(create_app(wiring)) as http:
            after = await http.get(f"/v1/admin/sub-orders/{sub['id']}/commission", headers={"Authorization": f"Bearer {api.keys['olga']}"})
        await wiring.close()
        assert after.json() == before


class TestWhatIf:
    async def test_then_and_now_by_vendor_and_rule(self, api: Api):
        # Orders of this test alone: those of bolt.
        placed = [await order(api, bowl=1), await order(api, bowl=2)]
        wanted = {"vendor": "bolt", **ALL_TIME}
        rules = [{"name": "flat", "fixed": {"EUR": 100}, "tax_bps": 1000}]
        answer = await api("olga", "POST", "/v1/admin/commission/what-if", {"rules": rules, **wanted})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        seen = [(await api("bolt", "GET", f"/v1/vendor/orders/{sub['id']}")).json() for sub in await of_bolt(api)]
        [total], [of_vendor] = found["totals"], found["by_vendor"]
        assert total["taken"]["charged"]["commission"] == sum(sub["commission"]["amount"] for sub in seen)
        assert total["taken"]["charged"]["tax"] == sum(sub["commission_tax"]["amount"] for sub in seen)
        assert total["taken"]["proposed"] == {"commission": 100 * len(seen), "tax": 10 * len(seen)}
        assert of_vendor == {**total, "vendor": "bolt"}
        assert (total["sales"], total["changed"]) == (len(seen), len(seen))
        rules_found = {one["rule"]: (one["charged"], one["proposed"]) for one in found["by_rule"]}
        assert rules_found.keys() == {"standard", "payment", "flat"}
        assert rules_found["flat"] == (0, 100 * len(seen))
        assert {one["order_id"] for one in found["largest"]} >= {order["id"] for order in placed}
        first = found["largest"][0]["taken"]["difference"]
        assert abs(first["commission"] + first["tax"]) >= 600 * 1.19 - 100

    async def test_the_same_rules_change_nothing(self, api: Api):
        await order(api, mug=3, book=2, bowl=1)
        rules = [
            {"name": "books", "bps": 700, "categories": ["books"]},
            {"name": "standard", "bps": 1000},
            {"name": "payment", "group": "payment fee", "bps": 140, "fixed": {"EUR": 25}, "of": "both", "on_refund": "keep", "tax_bps": 0},
        ]
        asked = {"rules": rules, "tax": {"countries": {"DE": 1900}}, **ALL_TIME}
        found = (await api("olga", "POST", "/v1/admin/commission/what-if", asked)).json()
        assert found["largest"] == []
        assert [(total["changed"], total["taken"]["difference"]) for total in found["totals"]] == [(0, {"commission": 0, "tax": 0})]

    async def test_nothing_was_sold_then(self, api: Api):
        asked = {"rules": [{"name": "x"}], "from": "2020-01-01", "until": "2020-02-01"}
        found = (await api("olga", "POST", "/v1/admin/commission/what-if", asked)).json()
        assert found == {"totals": [], "by_vendor": [], "by_rule": [], "largest": []}

    async def test_too_many_orders(self, api: Api):
        await order(api, mug=1)
        await order(api, mug=1)
        asked = {"rules": [{"name": "x"}], "orders_max": 1, **ALL_TIME}
        problem(await api("olga", "POST", "/v1/admin/commission/what-if", asked), 422, "too_many_orders", "/until")

    @pytest.mark.parametrize(
        ("change", "status", "field"),
        [
            ({"rules": [{"name": "x", "bps": 10_001}]}, 400, "/rules/0/bps"),
            ({"rules": [{"name": "x", "percent": 5}]}, 400, "/rules/0/percent"),
            ({"rules": [{"name": "x", "from": "soon"}]}, 400, "/rules/0/from"),
            ({"rules": [{"bps": 5}]}, 400, "/rules/0/name"),
            ({"rules": [{"name": "x", "min": {"EUR": 5}, "max": {"EUR": 4}}]}, 422, "/rules/0/max/EUR"),
            ({"rules": [{"name": "x", "vendors": ["a"]}, {"name": "x"}]}, 422, "/rules/1/name"),
            ({"until": "2020-01-01", "from": "2020-01-01"}, 422, "/until"),
            ({"orders_max": 5_001}, 400, "/orders_max"),
            ({"tax": {"default_bps": -1}}, 400, "/tax/default_bps"),
        ],
    )
    async def test_bad_rules_by_name(self, api: Api, change: dict[str, Any], status: int, field: str):
        asked = {"rules": [{"name": "x"}], **ALL_TIME, **change}
        answer = await api("olga", "POST", "/v1/admin/commission/what-if", asked)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text

    async def test_for_operators_alone(self, api: Api):
        asked = {"rules": [{"name": "x"}], **ALL_TIME}
        assert (await api("acme", "POST", "/v1/admin/commission/what-if", asked)).status_code == 403


async def of_bolt(api: Api) -> list[dict[str, Any]]:
    return (await api("bolt", "GET", "/v1/vendor/orders?limit=100")).json()["data"]


@pytest.mark.parametrize("text", ["[[rules]]\nname = 5", "rules = [", "[[rules]]\nname = 'x'\nmin = { EUR = 2 }\nmax = { EUR = 1 }"])
async def test_a_hub_with_a_broken_file_does_not_start(database_url: str, scratch: Path, text: str):
    path = scratch / "broken.toml"
    path.write_text(text)
    settings = load_settings(environ=settings_for(database_url, WHEELWRIGHT__ORDERS__COMMISSION_FILE=str(path)))
    with pytest.raises(SettingsRefused, match=r"broken\.toml"):
        wire(settings, "test")
