"""Rows come back from a spreadsheet's reader as they went in, and no cell of other people's text is a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.runtime.csv_text import FORMULA, Number, line

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(TEXT | st.integers(), min_size=2, max_size=6))
def test_what_is_written_is_read(cells: list[str | int]) -> None:
    (read,) = csv.reader(io.StringIO(line(cells), newline=""), strict=True)
    assert read == [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else str(cell) for cell in cells]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_no_cell_begins_a_formula(cell: str) -> None:
    (read,) = csv.reader(io.StringIO(line(["id", cell]), newline=""))
    assert read[1] == f"'{cell}"


def test_our_own_numbers_may_be_below_zero() -> None:
    assert line([Number("-12.90"), -1290, None, "a,b"]) == '-12.90,-1290,,"a,b"\r\n'
