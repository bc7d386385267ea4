"""A cell says one thing, or is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spokes.flatfile.cells import BadCell, minor_units, reason, units
from spokes.flatfile.csv_text import decoded, lines, text_of
from spokes.flatfile.names import Kind, kind_of
from spokes.money import amount_text


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "EUR", 1250),
        ("12,5", "EUR", 1250),
        ("12", "EUR", 1200),
        ("1.234,50", "EUR", 123450),
        ("1,234.50", "EUR", 123450),
        ("1'234.50", "CHF", 123450),
        ("1.234.567", "EUR", 123456700),
        ("12.500", "EUR", None),
        ("1234.500", "EUR", 123450),
        ("1.234", "EUR", None),
        ("1.234", "JPY", 1234),
        ("1234", "JPY", 1234),
        ("12.5", "JPY", None),
        ("1.2345", "KWD", None),
        ("12.345,678", "KWD", 12345678),
        ("1.234.50", "EUR", None),
        ("1,23,456", "EUR", None),
        ("-1", "EUR", None),
        ("1e3", "EUR", None),
        ("€ 5", "EUR", None),
        ("", "EUR", None),
        ("٣", "EUR", None),
        ("9" * 40, "EUR", None),
    ],
)
def test_money_has_a_decimal_point_or_comma_and_never_a_guess(text: str, currency: str, amount: int | None) -> None:
    if amount is None:
        with pytest.raises(BadCell):
            minor_units("price", text, currency)
    else:
        assert minor_units("price", text, currency) == amount


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "USD"]), st.sampled_from(".,"))
def test_money_that_we_write_is_read_again(amount: int, currency: str, point: str) -> None:
    assert minor_units("price", amount_text(amount, currency).replace(".", point), currency) == amount


@pytest.mark.parametrize("text", ["1.000", "1,000", "-1", "1.5", "", "1e3", "٣", "10000000000", "0x1"])
def test_units_are_whole_and_never_a_guess(text: str) -> None:
    with pytest.raises(BadCell, match="quantity"):
        units("quantity", text)
    assert units("quantity", "12.0") == units("quantity", "12") == 12


def test_a_reason_becomes_a_stable_word() -> None:
    assert reason("reason", "No longer sold!", "out_of_stock") == "no_longer_sold"
    assert reason("reason", "", "out_of_stock") == "out_of_stock"
    with pytest.raises(BadCell):
        reason("reason", "42", "out_of_stock")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("stock.csv", Kind.STOCK),
        ("Stock 31.01.CSV", Kind.STOCK),
        ("shipments-2026.csv", Kind.SHIPMENTS),
        ("stock.csv.part", None),
        ("stock.tmp", None),
        ("stocks.csv", None),
        ("../stock.csv", None),
        ("stock/../../x.csv", None),
        ("stock-\x00.csv", None),
        ("stock-ü.csv", None),
        (".stock.csv", None),
        ("", None),
    ],
)
def test_what_a_file_holds_is_in_its_name(name: str, kind: Kind | None) -> None:
    assert kind_of(name) is kind


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=50)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_what_we_write_is_read_again_in_as_many_rows_and_runs_nowhere(rows: list[tuple[str, str]]) -> None:
    text = decoded(text_of([("a", "b"), *[(f"x{left}", right) for left, right in rows]], ";"))
    found = list(lines(text, {}))
    assert len(found) == len(rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in found for cell in line.cells.values())
