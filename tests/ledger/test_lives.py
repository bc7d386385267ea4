"""Random lives of orders: whatever is accepted, refunded, disputed, refused, netted and kept, the books end as they must."""

import itertools
import os
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger import recipes as r
from hub.pricing.piece import Piece
from tests.ledger.life import ACTS, Life, Part

EXAMPLES = int(os.environ.get("LIVES", "800"))
LONG = EXAMPLES * 2
CURRENCIES = ("JPY", "EUR", "KWD")
"""Of no, two and three decimals."""

NUMBER = st.integers(0, 10**6)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    """Of any price from nothing; what we take of it may be nothing or all."""
    gross = draw(st.one_of(st.integers(0, 30), st.integers(0, 10**7)))
    left, cuts = gross, list[int]()
    for _ in range(4):
        cut = draw(st.one_of(st.just(0), st.integers(0, left)))
        left -= cut
        cuts.append(cut)
    commission, tax, kept, kept_tax = cuts
    discount = draw(st.one_of(st.just(0), st.just(gross), st.integers(0, gross)))
    quantity = draw(st.integers(1, 7))
    return Piece(gross=gross, discount=discount, commission=commission, tax=tax, kept=kept, kept_tax=kept_tax, quantity=quantity)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """An order of one to four parts of one to three vendors, as far as it was accepted, just captured."""
    parts = [
        Part(number, f"v{draw(st.integers(0, 2))}", draw(st.lists(pieces(), min_size=1, max_size=3)))
        for number in range(draw(st.integers(1, 4)))
        if draw(st.integers(0, 4)) or number == 0
    ]
    life = Life(parts, draw(st.sampled_from(CURRENCIES)), draw(st.integers(0, 500)), draw(st.sampled_from([0, 1000, 3333, 10_000])))
    life.begin()
    return life


STORY = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), NUMBER, NUMBER), max_size=20)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(lives(), STORY)
def test_the_books_end_as_they_must(life: Life, story: list[tuple[str, int, int]]) -> None:
    for act, a, b in story:
        life.play(act, a, b)
    for number in range(len(life.parts)):
        life.play("release", number, 0)
        life.play("release_reserve", number, 0)
    left = {account for account, balance in life.balances.items() if balance and account.startswith(("held:", "reserve:"))}
    assert left == set(), "I6: each share has gone somewhere"


@settings(max_examples=EXAMPLES // 4, deadline=None, derandomize=True)
@given(lives(), STORY, st.lists(st.integers(1, 10**4), max_size=5))
def test_a_refund_of_all_returns_exactly_every_cent_however_it_is_cut(
    life: Life, story: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    for act, a, b in story:
        if act in {"release", "release_reserve", "refund_amount", "refund_units"}:
            life.play(act, a, b)
    for part in life.parts:
        for cut in cuts:
            if part.left:
                life.play("refund_amount", part.number % len(life.parts), cut)
    for number in range(len(life.parts)):
        life.play("refund_all", number, 1)
    while life.failed:
        life.play("retry", 0, 2)
    assert all(piece.refunded == piece.gross for part in life.parts for piece in part.pieces)
    assert life.refunded == life.captured, "I5: every cent, no more"
    assert life.balances[r.DISCOUNTS] == 0
    assert life.balances[r.COMMISSION] == sum(piece.kept for part in life.parts for piece in part.pieces)
    assert life.balances[r.TAX] == sum(piece.kept_tax for part in life.parts for piece in part.pieces)


def test_long_lives_in_which_everything_happens() -> None:
    """Plain random numbers: many long stories fast, and proof that no act is so rare that it is never tried."""
    played: Counter[str] = Counter()
    for seed in range(LONG):
        random = Random(seed)
        life = Life(
            [Part(number, f"v{random.randrange(3)}", [some_piece(random) for _ in range(random.randint(1, 3))]) for number in range(3)],
            random.choice(CURRENCIES),
            random.randrange(500),
            random.choice([0, 1000, 10_000]),
        )
        life.begin()
        for _ in range(25):
            life.play(random.choice(sorted(ACTS)), random.randrange(10**6), random.randrange(10**6))
        played.update(life.played)
    assert min(played[act] for act in ACTS) > LONG / 10, played


def some_piece(random: Random) -> Piece:
    gross = random.choice([random.randrange(40), random.randrange(10**7)])
    cuts = sorted(random.randint(0, gross) for _ in range(4))
    commission, tax, kept, kept_tax = (after - before for before, after in itertools.pairwise([0, *cuts]))
    discount = random.choice([0, gross, random.randint(0, gross)])
    quantity = random.randint(1, 7)
    return Piece(gross=gross, discount=discount, commission=commission, tax=tax, kept=kept, kept_tax=kept_tax, quantity=quantity)
