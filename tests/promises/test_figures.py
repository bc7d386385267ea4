"""Figures are counts of parts among others, whatever the parts are and however they are added up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.promises.figures import COUNTS, FIGURES, LETTERS, RATES, Part, Tally, figures, tally, two_digits, within

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def part(**said: object) -> Part:
    return Part(id="sub_1", order_id="ord_1", currency="EUR", **({"state": "accepted"} | said))  # pyright: ignore[reportArgumentType]  # a test's own words


@pytest.mark.parametrize(
    ("of", "counted"),
    [
        (part(state="placed"), set[str]()),
        (part(routed_at=NOW - HOUR, accepted_at=NOW, ship_by=NOW + HOUR), {"accepted", "answered"}),
        (part(accepted_at=NOW, ship_by=NOW - HOUR), {"accepted", "answered", "to_ship", "shipped_late"}),
        (part(state="declined", lapse="declined"), {"declined", "answered"}),
        (part(state="declined", lapse="no_answer"), {"unanswered", "answered"}),
        (part(state="canceled", accepted_at=NOW, ship_by=NOW - HOUR, lapse="canceled_by_vendor"), {"accepted", "answered", "canceled"}),
        (part(state="canceled", accepted_at=NOW, ship_by=NOW - HOUR), {"accepted", "answered"}),
        (
            part(state="shipped", accepted_at=NOW, ship_by=NOW, shipped_at=NOW, deliver_by=NOW + HOUR),
            {"accepted", "answered", "shipped", "to_ship"},
        ),
        (
            part(state="settled", accepted_at=NOW, ship_by=NOW - HOUR, shipped_at=NOW, deliver_by=NOW, delivered_at=NOW + HOUR, refunded=1),
            {"accepted", "answered", "shipped", "to_ship", "shipped_late", "to_deliver", "delivered_late", "refunded"},
        ),
    ],
)
def test_what_a_part_counts_for(of: Part, counted: set[str]):
    assert {name for name, counts in COUNTS.items() if counts(of, NOW)} == counted


MOMENTS = st.none() | st.integers(-48, 48).map(lambda hours: NOW + hours * HOUR)
PARTS = st.builds(
    Part,
    id=st.just("sub_1"),
    order_id=st.just("ord_1"),
    state=st.sampled_from(["placed", "routed", "accepted", "recalling", "declined", "canceled", "shipped", "delivered", "settled"]),
    currency=st.sampled_from(["EUR", "USD"]),
    lapse=st.sampled_from([None, "declined", "no_answer", "canceled_by_vendor"]),
    routed_at=MOMENTS,
    accepted_at=MOMENTS,
    ship_by=MOMENTS,
    deliver_by=MOMENTS,
    shipped_at=MOMENTS,
    delivered_at=MOMENTS,
    sold=st.integers(0, 10**6),
    refunded=st.integers(0, 100),
)


@given(st.lists(PARTS), st.lists(PARTS))
def test_days_add_up_to_their_sum(some: list[Part], others: list[Part]):
    assert tally(some, NOW) + tally(others, NOW) == tally([*some, *others], NOW)


@given(st.lists(PARTS))
def test_a_rate_is_a_share(parts: list[Part]):
    found = figures(tally(parts, NOW), 3)
    assert set(found) == set(FIGURES)
    for name, rate in RATES.items():
        figure = found[name]
        assert 0 <= figure.among <= len(parts)
        if rate.of != "canceled":  # a part may be given up by who was never asked to accept it
            assert figure.of <= figure.among
        assert (figure.value is None) == (figure.among == 0)
    assert found[LETTERS].value == 3


@given(st.lists(st.integers(0, 10**6), min_size=1), st.sampled_from([0.5, 0.9, 1.0]))
def test_so_many_lie_within(seconds: list[int], share: float):
    times = tally([part(routed_at=NOW, accepted_at=NOW + timedelta(seconds=each)) for each in seconds], NOW).acceptance_seconds
    found = within(times, share)
    assert found is not None
    assert sum(two_digits(each) <= found for each in seconds) >= share * len(seconds)
    assert sum(two_digits(each) < found for each in seconds) < share * len(seconds)


@pytest.mark.parametrize(("seconds", "kept"), [(0, 0), (-3, 0), (99, 99), (123, 120), (86_399, 86_000), (9_960, 10_000)])
def test_times_are_kept_to_two_digits(seconds: int, kept: int):
    assert two_digits(seconds) == kept


def test_of_nothing_there_is_no_figure():
    assert all(figure.value is None for name, figure in figures(Tally(), 0).items() if name != LETTERS)
