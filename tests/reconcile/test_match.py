"""The matcher: nothing is lost, nothing is used twice, order does not matter, and each kind of difference has its name."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.payments.facts import Movement
from hub.reconcile.known import postings
from hub.reconcile.match import Booking, Matching, Mismatch, annulled, match

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def movement(number: int, *, source: str | None = "ch_1", amount: int = 1000, fee: int = 54, currency: str = "EUR") -> Movement:
    return Movement(
        id=f"txn_{number}",
        kind="charge",
        source=source,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        at=NOON + timedelta(seconds=number),
    )


def booking(number: int, *, reference: str | None = "ch_1", amount: int = 1000, fee: int = 54, currency: str = "EUR") -> Booking:
    return Booking(id=f"b_{number}", kind="capture", reference=reference, amount=amount, fee=fee, currency=currency, at=NOON)


def shape(found: Matching) -> tuple[set[tuple[str, str, str | None]], set[tuple[str, str]], set[tuple[str, str]]]:
    return (
        {(pair.movement.id, pair.booking.id, pair.problem) for pair in found.pairs},
        {(lone.movement.id, lone.problem) for lone in found.lone},
        {(orphan.booking.id, orphan.problem) for orphan in found.orphans},
    )


class TestNames:
    def test_agreement(self):
        assert shape(match([movement(1)], [booking(1)])) == ({("txn_1", "b_1", None)}, set(), set())

    def test_by_the_movement_itself(self):
        assert shape(match([movement(1, source="dp_1")], [booking(1, reference="txn_1")]))[0] == {("txn_1", "b_1", None)}

    @pytest.mark.parametrize(
        ("other", "problem", "missing"),
        [
            ({"amount": 999}, Mismatch.AMOUNT, 1),
            ({"fee": 55}, Mismatch.FEE, 1),
            ({"currency": "USD"}, Mismatch.CURRENCY, 946),
        ],
    )
    def test_they_differ(self, other: dict[str, int], problem: Mismatch, missing: int):
        found = match([movement(1)], [booking(1, **other)])  # pyright: ignore[reportArgumentType]  # one keyword of three
        assert [(pair.problem, pair.missing) for pair in found.pairs] == [(problem, missing)]

    def test_unknown_to_us_and_unknown_to_them(self):
        found = match([movement(1, source="ch_2")], [booking(1), booking(2, reference=None)])
        assert shape(found) == (set(), {("txn_1", Mismatch.UNBOOKED)}, {("b_1", Mismatch.MISSING), ("b_2", Mismatch.NO_REFERENCE)})

    def test_twice_there_and_twice_here(self):
        assert shape(match([movement(1), movement(2)], [booking(1)]))[1] == {("txn_2", Mismatch.DOUBLE)}
        assert shape(match([movement(1)], [booking(1), booking(2)]))[2] == {("b_2", Mismatch.BOOKED_TWICE)}

    def test_twice_is_known_from_an_earlier_run(self):
        assert shape(match([movement(2)], [booking(1)], {"b_1"})) == (set(), {("txn_2", Mismatch.DOUBLE)}, set())
        assert shape(match([], [booking(1), booking(2)], {"b_1"})) == (set(), set(), {("b_2", Mismatch.BOOKED_TWICE)})

    def test_a_return_is_not_the_payout(self):
        sent, returned = movement(1, source="po_1", amount=-500, fee=0), movement(2, source="po_1", amount=500, fee=0)
        out, back = booking(1, reference="po_1", amount=-500, fee=0), booking(2, reference="po_1", amount=500, fee=0)
        assert shape(match([returned, sent], [back, out])) == ({("txn_1", "b_1", None), ("txn_2", "b_2", None)}, set(), set())
        assert shape(match([returned], [out])) == (set(), {("txn_2", Mismatch.UNBOOKED)}, {("b_1", Mismatch.MISSING)})

    def test_what_agrees_wholly_is_not_given_to_what_does_not(self):
        found = match([movement(1, amount=900), movement(2)], [booking(1), booking(2, amount=800)])
        assert shape(found)[0] == {("txn_2", "b_1", None), ("txn_1", "b_2", Mismatch.AMOUNT)}


SOURCES = st.sampled_from(["ch_1", "re_1", "po_1", None])
AMOUNTS = st.sampled_from([-500, -1, 0, 1, 10, 500])
FEES = st.sampled_from([0, 0, 25])
CURRENCIES = st.sampled_from(["EUR", "EUR", "JPY", "KWD"])
SIDES = st.tuples(SOURCES, AMOUNTS, FEES, CURRENCIES)


@settings(max_examples=400, deadline=None)
@given(st.lists(SIDES, max_size=8), st.lists(SIDES, max_size=8), st.randoms(use_true_random=False))
def test_laws(theirs: list[tuple[str | None, int, int, str]], ours: list[tuple[str | None, int, int, str]], chance: random.Random):
    movements = [movement(i, source=s, amount=a, fee=f, currency=c) for i, (s, a, f, c) in enumerate(theirs)]
    bookings = [booking(i, reference=s, amount=a, fee=f, currency=c) for i, (s, a, f, c) in enumerate(ours)]
    found = match(movements, bookings)
    # Each stands exactly once.
    assert sorted([p.movement.id for p in found.pairs] + [x.movement.id for x in found.lone]) == sorted(m.id for m in movements)
    assert sorted([p.booking.id for p in found.pairs] + [x.booking.id for x in found.orphans]) == sorted(b.id for b in bookings)
    # What our books lack is what the two sides differ by, in each currency.
    for currency in ("EUR", "JPY", "KWD"):
        lacking = sum(p.missing for p in found.pairs if p.movement.currency == currency)
        lacking += sum(x.movement.net for x in found.lone if x.movement.currency == currency)
        lacking -= sum(x.booking.net for x in found.orphans if x.booking.currency == currency)
        lacking -= sum(p.booking.net for p in found.pairs if p.booking.currency == currency != p.movement.currency)
        both = sum(m.net for m in movements if m.currency == currency) - sum(b.net for b in bookings if b.currency == currency)
        assert lacking == both
    # In whatever order they come.
    shuffled = match(chance.sample(movements, len(movements)), chance.sample(bookings, len(bookings)))
    assert shape(shuffled) == shape(found)


@settings(max_examples=200, deadline=None)
@given(st.lists(SIDES, max_size=12), st.randoms(use_true_random=False))
def test_two_equal_sides_have_no_difference(sides: list[tuple[str | None, int, int, str]], chance: random.Random):
    named = [(source or f"ch_x{i}", amount, fee, currency) for i, (source, amount, fee, currency) in enumerate(sides)]
    movements = [movement(i, source=s, amount=a, fee=f, currency=c) for i, (s, a, f, c) in enumerate(named)]
    bookings = [booking(i, reference=s, amount=a, fee=f, currency=c) for i, (s, a, f, c) in enumerate(named)]
    found = match(movements, chance.sample(bookings, len(bookings)))
    assert (found.lone, found.orphans) == ([], [])
    assert {pair.problem for pair in found.pairs} <= {None}


@given(st.sampled_from(["payout", "payout_failure", "topup", "stripe_fee", "tax_fee"]), st.integers(-(10**9), 10**9), st.integers(0, 999))
def test_known_kinds_move_the_clearing_account_by_their_net(kind: str, amount: int, fee: int):
    moved = Movement(id="txn_1", kind=kind, source="po_1", amount=amount, fee=fee, net=amount - fee, currency="KWD", at=NOON)
    written = postings("stripe", moved)
    moves = written[1] if written else []
    account = "clearing:stripe"
    assert sum(p.amount if p.source == account else -p.amount for p in moves if account in {p.source, p.destination}) == moved.net
    assert all(p.amount > 0 for p in moves)


def test_other_kinds_explain_nothing():
    assert postings("stripe", movement(1)) is None


def test_what_undoes_itself_in_pairs():
    out, back = {"reference": "bo_1", "amount": -300, "fee": 0}, {"reference": "bo_1", "amount": 300, "fee": 0}
    three = [booking(1, **out), booking(2, **back), booking(3, **out)]  # pyright: ignore[reportArgumentType]  # keywords of two types
    assert annulled(three) == {"b_1", "b_2"}
    assert annulled([booking(1, reference=None, amount=1), booking(2, reference=None, amount=-1)]) == set()
    assert annulled([booking(1, amount=300, fee=0), booking(2, amount=-299, fee=0), booking(3, amount=-300, fee=1)]) == set()
