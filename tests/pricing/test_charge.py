"""What rules take of a sale: worked examples, and what must hold for any rules and any sale."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.pricing.charge import SHIPPING, Charge, Goods, Sale, charge
from hub.pricing.commission import Commission, CommissionRule
from hub.pricing.piece import Piece
from hub.pricing.tax import TaxRates

TODAY = date(2026, 7, 1)


def rule(name: str = "standard", **more: Any) -> CommissionRule:
    return CommissionRule(name=name, **more)


def goods(line: str = "a", unit_price: int = 1000, quantity: int = 1, off: int = 0, **more: str) -> Goods:
    facts = {"offer_id": f"off_{line}", "sku": line, "category": "audio", **more}
    return Goods(id=line, quantity=quantity, unit_price=unit_price, gross=unit_price * quantity - off, **facts)


def sale(*lines: Goods, shipping: int = 0, **more: Any) -> Sale:
    facts: dict[str, Any] = {"vendor": "acme", "country": "DE", "own_bps": None, "currency": "EUR", "on": TODAY, **more}
    return Sale(goods=lines, shipping=shipping, **facts)


def taken(rules: list[CommissionRule], of: Sale, tax: TaxRates | None = None) -> Charge:
    return charge(Commission(rules=rules, tax=tax or TaxRates()), of)


def by_piece(found: Charge) -> dict[str, int]:
    return {piece: fees.commission + fees.kept for piece, fees in found.fees.items()}


class TestExamples:
    def test_a_percentage_of_a_part_is_rounded_once_and_split_by_largest_remainder(self):
        found = taken([rule(bps=1000)], sale(goods("a", 333), goods("b", 333), goods("c", 333), shipping=490))
        assert (found.commission, by_piece(found)) == (100, {"a": 34, "b": 33, "c": 33, SHIPPING: 0})  # 99.9 of 999

    def test_per_line_each_is_rounded(self):
        found = taken([rule(bps=1000, per="line")], sale(goods("a", 335), goods("b", 335)))
        assert by_piece(found) == {"a": 34, "b": 34, SHIPPING: 0}

    def test_per_unit_the_fixed_amount_and_the_floor_count_for_each(self):
        found = taken([rule(bps=100, fixed={"EUR": 5}, floor={"EUR": 10}, per="unit")], sale(goods("a", 200, 3), goods("b", 1000, 2)))
        assert by_piece(found) == {"a": 30, "b": 30, SHIPPING: 0}
        assert [item.limit for item in found.items] == ["min", ""]

    def test_units_that_share_a_discount_unevenly(self):
        found = taken([rule(bps=5000, per="unit")], sale(goods("a", 100, 3, off=2)))  # 100 + 99 + 99: 50 + 50 + 50, half up
        assert found.commission == 150

    def test_a_cap(self):
        found = taken([rule(bps=5000, cap={"EUR": 700})], sale(goods("a", 1000), goods("b", 3000)))
        assert by_piece(found) == {"a": 175, "b": 525, SHIPPING: 0}
        assert {item.limit for item in found.items} == {"max"}

    def test_fees_stack_and_each_group_has_one_winner(self):
        rules = [
            rule("audio", bps=500, categories=["audio"]),
            rule("standard", bps=1000),
            rule("payment", group="payment fee", bps=140, fixed={"EUR": 25}, of="both", on_refund="keep"),
        ]
        found = taken(rules, sale(goods("a", 10_000), goods("b", 10_000, category="books"), shipping=500))
        assert [(item.rule, item.piece, item.charged) for item in found.items] == [
            ("audio", "a", 500),
            ("standard", "b", 1000),
            ("payment", "a", 152),  # 1.40 % of 205.00 are 2.87, and 0.25: 3.12 over 100 : 100 : 5
            ("payment", "b", 152),
            ("payment", SHIPPING, 8),
        ]
        assert (found.fees["a"].commission, found.fees["a"].kept) == (500, 152)

    def test_the_tax_on_the_fee_by_country_and_by_rule(self):
        taxes = TaxRates(default_bps=0, countries={"DE": 1900})
        assert taken([rule(bps=1000)], sale(goods("a", 1000)), taxes).tax == 19
        assert taken([rule(bps=1000)], sale(goods("a", 1000), country="US"), taxes).tax == 0
        assert taken([rule(bps=1000, tax_bps=700)], sale(goods("a", 1000)), taxes).tax == 7

    def test_a_vendors_own_terms_come_first_and_only_in_group_commission(self):
        rules = [rule("listing", group="listing fee", fixed={"EUR": 10}), rule("promo", bps=100, vendors=["acme"]), rule(bps=1000)]
        found = taken(rules, sale(goods("a", 1000), own_bps=250))
        assert [(item.rule, item.charged) for item in found.items] == [("listing", 10), ("vendor:250", 25)]

    def test_no_more_than_the_piece_is_taken_in_the_order_of_the_rules(self):
        rules = [rule("first", bps=6000, tax_bps=1000), rule("second", group="more", bps=6000, tax_bps=1000)]
        found = taken(rules, sale(goods("a", 1000)))
        assert [(item.charged, item.tax) for item in found.items] == [(600, 60), (309, 31)]
        assert "no more is left of the piece" in found.items[1].why

    def test_what_is_free_costs_nothing(self):
        assert taken([rule(fixed={"EUR": 50}, of="both")], sale(goods("a", 1000, off=1000))).commission == 0

    @pytest.mark.parametrize(
        ("conditions", "matches", "said"),
        [
            ({"vendors": ["acme"]}, True, "vendor is acme"),
            ({"vendors": ["bolt"]}, False, "vendor is acme"),
            ({"categories": ["books"]}, False, "category is audio"),
            ({"skus": ["a"]}, True, "sku is a"),
            ({"offers": ["off_b"]}, False, "offer is off_a"),
            ({"price_from": {"EUR": 1000}, "price_until": {"EUR": 2000}}, True, "unit price is 10.00 EUR; unit price is 10.00 EUR"),
            ({"price_until": {"EUR": 1000}}, False, "unit price is 10.00 EUR"),
            ({"price_from": {"EUR": 1001}}, False, "unit price is 10.00 EUR"),
            ({"starts": date(2026, 7, 1)}, True, "2026-07-01 is on or after 2026-07-01"),
            ({"starts": date(2026, 7, 2)}, False, "2026-07-01 is before 2026-07-02"),
            ({"ends": date(2026, 7, 1)}, False, "2026-07-01 is on or after 2026-07-01"),
            ({"ends": date(2026, 7, 2)}, True, "2026-07-01 is before 2026-07-02"),
            ({"fixed": {"USD": 5}}, False, "fixed names no amount in EUR"),
            ({"cap": {"USD": 5}}, False, "max names no amount in EUR"),
        ],
    )
    def test_conditions_and_what_is_said_of_them(self, conditions: dict[str, Any], matches: bool, said: str):
        found = taken([rule("special", bps=100, **conditions), rule(bps=1000)], sale(goods("a")))
        [item] = [item for item in found.items if item.piece == "a"]
        if matches:
            assert (item.rule, item.charged, item.why) == ("special", 10, said)
        else:
            assert (item.rule, item.charged) == ("standard", 100)
            assert [(over.rule, over.why) for over in item.passed_over] == [("special", said)]

    def test_that_no_rule_matches_is_said_too(self):
        [item] = taken([rule(fixed={"USD": 5})], sale(goods("a"))).items
        assert (item.rule, item.charged, item.passed_over[0].why) == ("", 0, "fixed names no amount in EUR")


CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
AMOUNTS = st.integers(0, 5_000)


@st.composite
def any_rules(draw: st.DrawFn) -> list[CommissionRule]:
    """One to five rules of any kind, alone or stacked."""
    found: list[CommissionRule] = []
    for n in range(draw(st.integers(1, 5))):
        of: Any = draw(st.sampled_from(["goods", "shipping", "both"]))
        some = st.dictionaries(CURRENCIES, AMOUNTS, max_size=3)
        floor = draw(some)
        found.append(
            CommissionRule(
                name=f"rule {n}",
                group=draw(st.sampled_from(["commission", "payment fee", "listing fee"])),
                bps=draw(st.integers(0, 10_000)),
                fixed=draw(some),
                floor=floor,
                cap={currency: least + draw(AMOUNTS) for currency, least in floor.items()} if draw(st.booleans()) else {},
                per=draw(st.sampled_from(["unit", "line", "part"])),
                of=of,
                categories=draw(st.sampled_from([[], ["audio"]])) if of == "goods" else [],
                tax_bps=draw(st.none() | st.integers(0, 3_000)),
                on_refund=draw(st.sampled_from(["return", "keep"])),
            )
        )
    return found


@st.composite
def any_sale(draw: st.DrawFn) -> Sale:
    """One to five lines, some of them discounted, some free."""
    lines: list[Goods] = []
    for n in range(draw(st.integers(1, 5))):
        price, quantity = draw(st.integers(0, 10_000)), draw(st.integers(1, 20))
        off = draw(st.integers(0, price * quantity)) if draw(st.booleans()) else 0
        lines.append(goods(f"line_{n}", price, quantity, off, category=draw(st.sampled_from(["audio", "books"]))))
    return sale(*lines, shipping=draw(st.integers(0, 2_000)), currency=draw(CURRENCIES), own_bps=draw(st.none() | st.integers(0, 10_000)))


class TestAnyRulesAndAnySale:
    @given(any_rules(), any_sale())
    def test_the_items_are_the_fees_and_never_more_than_the_piece(self, rules: list[CommissionRule], of: Sale):
        found = taken(rules, of, TaxRates(default_bps=1900))
        gross = {**{line.id: line.gross for line in of.goods}, SHIPPING: of.shipping}
        assert found.fees.keys() == gross.keys()
        for name, fees in found.fees.items():
            mine = [item for item in found.items if item.piece == name]
            assert fees.commission + fees.kept == sum(item.charged for item in mine)
            assert fees.tax + fees.kept_tax == sum(item.tax for item in mine)
            assert fees.kept == sum(item.charged for item in mine if item.on_refund == "keep")
            sold = Piece(gross=gross[name], commission=fees.commission, tax=fees.tax, kept=fees.kept, kept_tax=fees.kept_tax).sold
            assert sold.share + sold.commission + sold.tax == gross[name]

    @given(any_rules(), any_sale())
    def test_one_rule_of_a_group_at_most_takes_of_a_piece(self, rules: list[CommissionRule], of: Sale):
        seen = [(item.piece, item.group) for item in taken(rules, of).items]
        assert len(seen) == len(set(seen))

    @given(any_rules(), any_sale())
    def test_what_is_worked_out_for_the_part_adds_up_over_its_pieces(self, rules: list[CommissionRule], of: Sale):
        found = taken(rules, of)
        for one in rules:
            items = [item for item in found.items if item.rule == one.name]
            if one.per == "part" and any(item.base for item in items):
                assert sum(item.computed for item in items) == items[0].whole_fee
                assert sum(item.base for item in items) == items[0].whole_base

    @given(any_rules(), any_sale())
    def test_floors_and_caps_hold_unless_the_piece_is_smaller(self, rules: list[CommissionRule], of: Sale):
        found = taken(rules, of)
        for one in rules:
            counts = {line.id: line.quantity for line in of.goods}
            for item in (item for item in found.items if item.rule == one.name and item.base):
                times = counts.get(item.piece, 1) if one.per == "unit" else 1
                fee = item.whole_fee if one.per == "part" else item.computed
                assert fee >= one.floor.get(of.currency, 0) * times
                assert fee <= one.cap.get(of.currency, fee) * times
                assert item.charged == item.computed or item.charged + item.tax <= item.base

    @given(any_rules(), any_sale())
    def test_the_cents_follow_the_units_of_the_currency_alone(self, rules: list[CommissionRule], of: Sale):
        everywhere = {"EUR": 7, "JPY": 7, "KWD": 7}
        alike = [
            CommissionRule(name=one.name, group=one.group, bps=one.bps, per=one.per, of=one.of, fixed=everywhere if one.fixed else {})
            for one in rules
        ]
        amounts = [taken(alike, sale(*of.goods, shipping=of.shipping, currency=currency)).fees for currency in everywhere]
        assert amounts[0] == amounts[1] == amounts[2]

    @given(any_rules(), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 9))
    def test_a_dearer_line_never_costs_less(self, rules: list[CommissionRule], price: int, more: int, quantity: int):
        one = rules[:1]
        cheap, dear = (taken(one, sale(goods("a", amount, quantity))) for amount in (price, price + more))
        assert cheap.commission <= dear.commission
        assert cheap.tax <= dear.tax
