"""Money is never lost and never made: splitting, rounding, reading and showing."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernel.money import AMOUNT_MAX, allocate, basis_points, decimals, parse, show

AMOUNTS = st.integers(0, AMOUNT_MAX)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)
CURRENCIES = st.sampled_from(["EUR", "BRL", "JPY", "KWD"])


@given(AMOUNTS, WEIGHTS)
def test_the_parts_add_up_exactly(total: int, weights: list[int]) -> None:
    assert sum(allocate(total, weights)) == total


@given(AMOUNTS, WEIGHTS)
def test_each_part_is_fair_within_one_unit(total: int, weights: list[int]) -> None:
    for part, weight in zip(allocate(total, weights), weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(AMOUNTS, WEIGHTS)
def test_money_back_is_split_as_money_taken(total: int, weights: list[int]) -> None:
    assert allocate(-total, weights) == [-part for part in allocate(total, weights)]


@given(AMOUNTS, WEIGHTS)
def test_who_weighs_nothing_gets_nothing(total: int, weights: list[int]) -> None:
    assert all(part == 0 for part, weight in zip(allocate(total, weights), weights, strict=True) if weight == 0)


@given(AMOUNTS, WEIGHTS)
def test_who_weighs_more_gets_no_less(total: int, weights: list[int]) -> None:
    by_weight = sorted(zip(weights, allocate(total, weights), strict=True))
    for (light, less), (heavy, more) in pairwise(by_weight):
        assert light == heavy or less <= more


def test_ties_go_to_the_first_and_remainders_to_the_largest() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(101, [1, 1, 1]) == [34, 34, 33]
    assert allocate(10, [1, 6, 3]) == [1, 6, 3]
    assert allocate(7, [5, 3, 2]) == [4, 2, 1]
    assert allocate(1, [1, 2]) == [0, 1]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(100, weights)


@given(AMOUNTS, CURRENCIES)
def test_what_is_shown_can_be_read(amount: int, currency: str) -> None:
    text, named = show(amount, currency).split(" ")
    assert (parse(text, named), named) == (amount, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.90", "EUR", 1290),
        ("12.9", "EUR", 1290),
        ("12", "EUR", 1200),
        ("-0.01", "EUR", -1),
        ("1290", "JPY", 1290),
        ("1.234", "KWD", 1234),
    ],
)
def test_parse(text: str, currency: str, minor: int) -> None:
    assert parse(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [("0.001", "EUR"), ("1.5", "JPY"), ("0.0001", "KWD")])
def test_finer_than_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="finer"):
        parse(text, currency)


def test_show() -> None:
    assert [show(1290, "EUR"), show(5, "EUR"), show(-1, "EUR"), show(1290, "JPY"), show(1, "KWD")] == [
        "12.90 EUR",
        "0.05 EUR",
        "-0.01 EUR",
        "1290 JPY",
        "0.001 KWD",
    ]


def test_decimals() -> None:
    assert [decimals(currency) for currency in ("EUR", "JPY", "BHD")] == [2, 0, 3]


@given(AMOUNTS, st.integers(0, 10_000))
def test_basis_points_round_half_up(amount: int, bps: int) -> None:
    exact = Decimal(amount) * bps / 10_000
    assert basis_points(amount, bps) == int((exact + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR"))
    assert 0 <= basis_points(amount, bps) <= amount
