"""Which coupons hold, what they take off, and who bears it."""

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.errors import Conflict, Invalid, Refusal
from hub.pricing.promotions import Discount, Discountable, Promotion, Promotions, choose, discounts, promotions_from
from hub.settings import CONFIG

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def promotion(code: str = "X", borne_by: Any = "vendor", **more: Any) -> Promotion:
    return Promotion(code=code, name=code, borne_by=borne_by, **more)


def line(amount: int, vendor: str = "acme", category: str = "audio") -> Discountable:
    return Discountable(vendor=vendor, amount=amount, category=category, offer_id=f"off_{category}")


def ship(amount: int, vendor: str = "acme") -> Discountable:
    return Discountable(vendor=vendor, amount=amount, shipping=True)


def off(pieces: list[Discountable], *promotions: Promotion, currency: str = "EUR") -> list[Discount]:
    return discounts(list(enumerate(promotions)), pieces, currency)[0]


class TestFiles:
    def test_none_at_first(self):
        assert promotions_from(tomllib.loads((CONFIG / "promotions.toml").read_text())).promotions == []

    def test_the_samples_are_read(self):
        found = promotions_from(tomllib.loads((CONFIG / "sample_promotions.toml").read_text()))
        assert {"WELCOME", "FREESHIP"} <= {promotion.code for promotion in found.promotions}

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ("bps = 10_001", "promotions[0].bps"),
            ("bps = 100\nfixed = { EUR = 1 }", "/promotions/0/bps"),
            ("", "/promotions/0/bps"),
            ("fixed = { EUR = 1 }\nmax = { EUR = 1 }", "/promotions/0/max"),
            ("fixed = { EUR = 1 }\nminimum = { USD = 1 }", "/promotions/0/minimum"),
            ("bps = 1\nfrom = 2026-01-01T00:00:00Z\nuntil = 2026-01-01T00:00:00Z", "/promotions/0/until"),
            ("bps = 1\nfrom = 2026-01-01T00:00:00", "promotions[0].from"),
            ("bps = 1\nplatform_bps = 5", "/promotions/0/platform_bps"),
            ("bps = 1\nuses = 0", "promotions[0].uses"),
            ("bps = 1\ncustomer = 'ada'", "customer"),
            ("bps = 1\n[[promotions]]\ncode = 'x'\nname = 'x'\nbps = 1\nborne_by = 'vendor'", "/promotions/1/code"),
        ],
    )
    def test_what_makes_no_sense_is_refused_by_name(self, wrong: str, named: str):
        with pytest.raises(ValueError, match="promotions: ") as refused:
            promotions_from(tomllib.loads(f"[[promotions]]\ncode = 'X'\nname = 'x'\nborne_by = 'vendor'\n{wrong}"))
        assert named in str(refused.value)

    def test_shared_needs_its_share(self):
        with pytest.raises(ValueError, match="/promotions/0/platform_bps"):
            promotions_from({"promotions": [{"code": "X", "name": "x", "bps": 1, "borne_by": "shared"}]})


class TestChoosing:
    KNOWN = Promotions(
        promotions=[
            promotion("FIRST", bps=100),
            promotion("ALONE", bps=100, stackable=False),
            promotion("OVER", bps=100, ends=NOW),
            promotion("SOON", bps=100, starts=datetime(2026, 7, 1, 13, tzinfo=UTC)),
            promotion("LAST", bps=100, starts=NOW),
        ]
    )

    def test_in_the_operators_order_with_their_places(self):
        assert [(i, found.code) for i, found in choose(self.KNOWN, ["last", "First"], NOW)] == [(1, "FIRST"), (0, "LAST")]

    @pytest.mark.parametrize(
        ("codes", "kind", "slug", "field"),
        [
            (["FIRST", "NONE"], Invalid, "unknown_coupon", "/coupons/1"),
            (["FIRST", "first"], Invalid, "repeated_coupon", "/coupons/1"),
            (["OVER"], Conflict, "coupon_expired", "/coupons/0"),
            (["FIRST", "SOON"], Conflict, "coupon_not_yet_valid", "/coupons/1"),
            (["FIRST", "ALONE"], Conflict, "coupon_not_stackable", "/coupons/1"),
        ],
    )
    def test_refusals(self, codes: list[str], kind: type[Refusal], slug: str, field: str):
        with pytest.raises(kind) as refused:
            choose(self.KNOWN, codes, NOW)
        assert (refused.value.slug, refused.value.field) == (slug, field)


class TestExamples:
    def test_a_fixed_amount_over_two_vendors(self):
        assert off([line(1000), line(2000, "bolt"), ship(500)], promotion(fixed={"EUR": 100})) == [Discount(33), Discount(67), Discount()]

    def test_the_most_a_percentage_comes_to(self):
        assert off([line(1000), line(3000)], promotion(bps=5000, cap={"EUR": 100})) == [Discount(25), Discount(75)]

    def test_each_cent_is_borne_by_one(self):
        shared = promotion(borne_by="shared", platform_bps=3000, fixed={"EUR": 100})
        assert off([line(1000)], shared) == [Discount(70, 30)]
        assert off([line(1000)], promotion(borne_by="platform", bps=1000)) == [Discount(0, 100)]

    def test_what_is_not_meant_is_left_alone(self):
        only = promotion(bps=1000, vendors=["acme"], categories=["books"])
        assert off([line(1000, "acme", "books"), line(1000, "bolt", "books"), line(1000)], only) == [Discount(100), Discount(), Discount()]

    def test_shipping_of_those_vendors_whose_goods_are_meant(self):
        free = promotion(on="shipping", bps=10_000, categories=["books"])
        assert off([line(1000), ship(490), line(1000, "bolt", "books"), ship(700, "bolt")], free)[1::2] == [Discount(), Discount(700)]

    def test_each_takes_of_what_is_left(self):
        pieces = [line(1000)]
        assert off(pieces, promotion("A", bps=5000), promotion("B", "platform", bps=5000)) == [Discount(500, 250)]
        assert off(pieces, promotion("A", fixed={"EUR": 900}), promotion("B", "platform", fixed={"EUR": 900})) == [Discount(900, 100)]

    @pytest.mark.parametrize(
        ("refused", "slug"),
        [
            ({"bps": 100, "vendors": ["nobody"]}, "coupon_not_applicable"),
            ({"fixed": {"USD": 5}}, "coupon_not_applicable"),
            ({"bps": 100, "cap": {"USD": 5}}, "coupon_not_applicable"),
            ({"bps": 100, "minimum": {"EUR": 1001}}, "coupon_below_minimum"),
        ],
    )
    def test_not_for_this_cart(self, refused: dict[str, Any], slug: str):
        with pytest.raises(Conflict) as no:
            off([line(1000), ship(5000)], promotion(**refused))
        assert (no.value.slug, no.value.field) == (slug, "/coupons/0")


PIECES = st.lists(st.builds(line, st.integers(0, 10_000)) | st.builds(ship, st.integers(0, 2_000)), min_size=1, max_size=8).map(
    lambda pieces: [line(1), *pieces]
)
BORNE = st.sampled_from([("vendor", None), ("platform", None), ("shared", 3333)])
TAKES = st.fixed_dictionaries({"bps": st.integers(1, 10_000)}) | st.fixed_dictionaries(
    {"fixed": st.fixed_dictionaries({"EUR": st.integers(1, 20_000)})}
)


class TestAnyPromotions:
    @given(PIECES, st.lists(st.tuples(TAKES, BORNE, st.sampled_from(["goods", "shipping"])), min_size=1, max_size=4))
    def test_nothing_becomes_cheaper_than_free_and_every_cent_is_accounted_for(self, pieces: list[Discountable], kinds: list[Any]):
        chosen = [
            (n, promotion(f"C{n}", borne_by, platform_bps=share, on=on, **takes)) for n, (takes, (borne_by, share), on) in enumerate(kinds)
        ]
        given_off, used = discounts(chosen, pieces, "EUR")
        assert all(0 <= found.total <= piece.amount for found, piece in zip(given_off, pieces, strict=True))
        assert min([found.vendor for found in given_off] + [found.platform for found in given_off]) >= 0
        assert sum(found.total for found in given_off) == sum(coupon.amount for coupon in used)
        on = {"shipping" if piece.shipping else "goods" for found, piece in zip(given_off, pieces, strict=True) if found.total}
        assert on <= {on for _, _, on in kinds}
