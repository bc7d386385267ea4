"""Whatever the shares and however the story ends, every account holds what it must."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.recipes import (
    CLEARING,
    COMMISSION,
    PROCESSING_FEES,
    Posting,
    Share,
    allocate,
    capture,
    held_account,
    order_account,
    refund,
    transfer,
)

ORDER = "ord_1"


@st.composite
def orders(draw: st.DrawFn) -> list[Share]:
    """One to six sub-orders of any totals, each with a commission that may be nothing or everything; vendors may repeat."""
    shares: list[Share] = []
    for number in range(draw(st.integers(1, 6))):
        total = draw(st.integers(0, 10**9))
        commission = draw(st.one_of(st.just(0), st.just(total), st.integers(0, total)))
        shares.append(Share(f"vendor-{draw(st.integers(0, 2))}", f"sub_{number}", total, commission))
    return shares


FEES = st.integers(0, 10**6)
TO_VENDOR, TO_BUYER, HELD = "to the vendor", "to the buyer", "held"
FATES = st.lists(st.sampled_from([TO_VENDOR, TO_BUYER, HELD]), min_size=6, max_size=6)


def balances(moves: Iterable[Posting]) -> Counter[str]:
    found: Counter[str] = Counter()
    for move in moves:
        found[move.destination] += move.amount
        found[move.source] -= move.amount
    return found


def told(shares: list[Share], fee: int, fates: list[str]) -> list[Posting]:
    """Every posting of an order: captured, shared out, and each share sent on, given back or still held."""
    moves = capture(ORDER, sum(share.total for share in shares), fee, "EUR") + allocate(ORDER, shares, "EUR")
    for share, fate in zip(shares, fates, strict=False):
        moves += transfer(share, "EUR") if fate == TO_VENDOR else refund(share, "EUR") if fate == TO_BUYER else []
    return moves


@given(orders(), FEES, FATES)
def test_every_account_holds_what_it_must(shares: list[Share], fee: int, fates: list[str]) -> None:
    found = balances(told(shares, fee, fates))
    ended = list(zip(shares, fates, strict=False))
    assert found[order_account(ORDER)] == 0
    for share, fate in ended:
        assert found[held_account(share.vendor, share.sub_order_id)] == (share.total - share.commission if fate == HELD else 0)
    assert found[COMMISSION] == sum(share.commission for share, fate in ended if fate != TO_BUYER)
    assert found[PROCESSING_FEES] == -fee
    gone = sum(share.total - share.commission if fate == TO_VENDOR else share.total for share, fate in ended if fate != HELD)
    assert -found[CLEARING] == sum(share.total for share in shares) - fee - gone, "what the provider has for us"


@given(orders(), FEES, FATES)
def test_postings_are_movements(shares: list[Share], fee: int, fates: list[str]) -> None:
    for move in told(shares, fee, fates):
        assert move.amount > 0
        assert move.source != move.destination
        assert move.currency == "EUR"


@given(orders(), FEES, FATES)
def test_the_books_balance(shares: list[Share], fee: int, fates: list[str]) -> None:
    assert sum(balances(told(shares, fee, fates)).values()) == 0


@given(orders())
def test_a_refund_after_everything_leaves_only_the_fee(shares: list[Share]) -> None:
    found = balances(told(shares, 25, [TO_BUYER] * 6))
    assert {account: amount for account, amount in found.items() if amount} == {PROCESSING_FEES: -25, CLEARING: 25}


def test_two_sub_orders_of_one_vendor_are_held_apart() -> None:
    one, other = Share("acme", "sub_1", 1000, 100), Share("acme", "sub_2", 500, 50)
    found = balances([*capture(ORDER, 1500, 0, "EUR"), *allocate(ORDER, [one, other], "EUR"), *refund(one, "EUR")])
    assert (found["held:acme:sub_1"], found["held:acme:sub_2"]) == (0, 450)


def test_a_share_in_figures() -> None:
    share = Share("acme", "sub_1", 1490, 100)
    assert capture(ORDER, 1490, 68, "EUR") == [Posting(CLEARING, "order:ord_1", 1490, "EUR"), Posting(PROCESSING_FEES, CLEARING, 68, "EUR")]
    assert allocate(ORDER, [share], "EUR") == [
        Posting("order:ord_1", "held:acme:sub_1", 1390, "EUR"),
        Posting("order:ord_1", COMMISSION, 100, "EUR"),
    ]
    assert transfer(share, "EUR") == [Posting("held:acme:sub_1", CLEARING, 1390, "EUR")]
    assert refund(share, "EUR") == [Posting("held:acme:sub_1", CLEARING, 1390, "EUR"), Posting(COMMISSION, CLEARING, 100, "EUR")]
