"""Units of a piece whose money has gone back, whatever fractions went back before."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.kernel.errors import Invalid
from hub.pricing.piece import Piece


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    """Units that cost a cent at least, of which some money may have gone back."""
    quantity = draw(st.integers(1, 50))
    gross = draw(st.integers(quantity, 1_000 * quantity))
    return Piece(gross=gross, quantity=quantity, refunded=draw(st.integers(0, gross)))


@given(pieces(), st.data())
def test_units_that_went_back_are_known_to_have(piece: Piece, data: st.DataObject) -> None:
    bare = replace(piece, refunded=0)
    units = data.draw(st.integers(1, piece.quantity))
    assert (bare.units_back, replace(bare, refunded=bare.after_units(units)).units_back) == (0, units)
    done = piece.units_back
    if done < piece.quantity:
        more = data.draw(st.integers(1, piece.quantity - done))
        after = piece.after_units(more)
        assert after > piece.refunded
        assert replace(piece, refunded=after).units_back == done + more


@given(pieces())
def test_a_unit_is_back_when_all_of_its_money_is(piece: Piece) -> None:
    price = Fraction(piece.gross, piece.quantity)
    assert (price * piece.units_back).__floor__() <= piece.refunded, "none that is kept counts as returned"
    if piece.units_back < piece.quantity:
        assert piece.refunded < (price * (piece.units_back + 1)).__floor__(), "none that was returned is lost"
    if piece.refunded < piece.gross:
        assert piece.units_back <= replace(piece, refunded=piece.refunded + 1).units_back
    assert replace(piece, refunded=piece.gross).units_back == piece.quantity


def test_a_fraction_that_was_given_back_counts_toward_the_next_unit() -> None:
    two = Piece(gross=2000, quantity=2, refunded=1)
    assert (two.units_back, two.after_units(1), two.after_units(2)) == (0, 1000, 2000)
    with pytest.raises(Invalid, match="1 of 2"):
        replace(two, refunded=1001).after_units(2)


def test_units_of_less_than_a_cent_are_back_at_the_end() -> None:
    three = Piece(gross=2, quantity=3)
    assert (three.units_back, three.after_units(1), three.after_units(3)) == (0, 0, 2)
    assert replace(three, refunded=2).units_back == 3
    assert Piece(gross=0, quantity=3).units_back == 0
