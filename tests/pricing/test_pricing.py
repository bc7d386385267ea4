"""The arithmetic of quotes and tax, for any numbers."""

import tomllib
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.errors import Conflict, Invalid
from hub.pricing.quote import PricedVendor, Prices, Quote, QuotedLine, Subject, build
from hub.pricing.tax import TaxRates, included, rates_from
from hub.settings import CONFIG
from vendor_sdk.messages import Address

RATES = TaxRates(countries={"DE": 1900})
VENDORS = {
    code: PricedVendor(name=code.title(), options=[("express", "Express", base + 500, 1), ("standard", "Standard", base, 3)])
    for code, base in (("acme", 490), ("bolt", 0), ("cedar", 1000))
}
AMOUNTS = st.integers(0, 10**12)
BPS = st.integers(0, 10_000)
LINES = st.lists(
    st.builds(
        QuotedLine,
        offer_id=st.uuids().map(str),
        vendor=st.sampled_from(sorted(VENDORS)),
        sku=st.just("sku"),
        title=st.just("title"),
        quantity=st.integers(1, 999),
        unit_price=st.integers(1, 10**6),
        shipping_price=st.integers(0, 10**4),
    ),
    min_size=1,
    max_size=20,
)


def price(lines: list[QuotedLine], country: str = "DE", vendors: dict[str, PricedVendor] = VENDORS) -> Quote:
    address = Address(name="Ada", line1="1", city="Berlin", postal_code="1", country=country)
    subject = Subject(
        id="quo_1", cart_id="cart_1", customer_id="cus_1", currency="EUR", address=address, expires_at=datetime(2030, 1, 1, tzinfo=UTC)
    )
    return build(subject, lines, vendors, Prices(rates=RATES))


def rounded_half_up(exact: Fraction) -> int:
    return (exact + Fraction(1, 2)).__floor__()


class TestQuote:
    @given(LINES)
    def test_the_parts_make_the_whole(self, lines: list[QuotedLine]):
        quote = price(lines)
        assert quote.goods_total == sum(part.goods_total for part in quote.parts) == sum(line.unit_price * line.quantity for line in lines)
        assert quote.shipping_total == sum(min(option.price for option in part.shipping_options) for part in quote.parts)
        assert quote.total == quote.goods_total + quote.shipping_total
        assert quote.tax_included <= quote.total

    @given(LINES)
    def test_every_line_stands_once_with_its_vendor(self, lines: list[QuotedLine]):
        quote = price(lines)
        assert [part.vendor for part in quote.parts] == list(dict.fromkeys(line.vendor for line in lines))
        assert all(line.vendor == part.vendor for part in quote.parts for line in part.lines)
        assert sorted(line.offer_id for part in quote.parts for line in part.lines) == sorted(line.offer_id for line in lines)

    @given(LINES)
    def test_shipping_is_the_parcel_and_what_units_add(self, lines: list[QuotedLine]):
        for part in price(lines).parts:
            added = sum(line.shipping_price * line.quantity for line in part.lines)
            expected = {code: base + added for code, _, base, _ in VENDORS[part.vendor].options}
            assert {option.code: option.price for option in part.shipping_options} == expected
            assert part.shipping_options == sorted(part.shipping_options, key=lambda option: option.price)

    def test_elsewhere_no_tax_is_known(self):
        line = QuotedLine(offer_id="o", vendor="acme", sku="s", title="t", quantity=1, unit_price=1000, shipping_price=0)
        assert price([line], "US").tax_included == 0

    def test_a_vendor_without_a_way_to_ship(self):
        line = QuotedLine(offer_id="o", vendor="acme", sku="s", title="t", quantity=1, unit_price=1, shipping_price=0)
        with pytest.raises(Conflict) as refused:
            price([line], vendors={"acme": PricedVendor(name="Acme", options=[])})
        assert refused.value.slug == "not_shippable"

    def test_more_than_money_can_hold(self):
        line = QuotedLine(offer_id="o", vendor="acme", sku="s", title="t", quantity=2, unit_price=10**12, shipping_price=0)
        with pytest.raises(Invalid) as refused:
            price([line])
        assert refused.value.slug == "amount_too_large"


class TestTax:
    @given(AMOUNTS, BPS)
    def test_is_what_stands_in_the_gross(self, gross: int, bps: int):
        assert included(gross, bps) == rounded_half_up(Fraction(gross * bps, 10_000 + bps))

    @pytest.mark.parametrize(("gross", "bps", "tax"), [(11900, 1900, 1900), (100, 0, 0), (0, 1900, 0), (1, 10_000, 1)])
    def test_at_the_boundaries(self, gross: int, bps: int, tax: int):
        assert included(gross, bps) == tax

    def test_the_file_is_read(self):
        assert rates_from(tomllib.loads((CONFIG / "tax.toml").read_text())).of("DE") == 1900
