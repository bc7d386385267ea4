"""Each event of an order's money in figures: which accounts move, and by how much."""

from collections import Counter
from collections.abc import Sequence

import pytest

from hub.ledger import recipes as r
from hub.ledger.recipes import Funding, Posting, Share

SHARE = Share(vendor="acme", sub_order_id="sub_1", paid=1490, discount=110, share=1400, commission=168, tax=32)
BACK = Share(vendor="acme", sub_order_id="sub_1", paid=745, discount=55, share=700, commission=84, tax=16)


def told(moves: Sequence[Posting]) -> list[tuple[str, str, int]]:
    assert {move.currency for move in moves} <= {"EUR"}
    return [(move.source, move.destination, move.amount) for move in moves]


def test_a_sale() -> None:
    assert told(r.capture("stripe", "ord_1", 1490, 68, "EUR")) == [
        ("clearing:stripe", "order:ord_1", 1490),
        ("processing_fees", "clearing:stripe", 68),
    ]
    assert told(r.allocate("ord_1", [SHARE], "EUR")) == [
        ("discounts", "order:ord_1", 110),
        ("order:ord_1", "held:acme:sub_1", 1400),
        ("order:ord_1", "commission", 168),
        ("order:ord_1", "tax", 32),
    ]


def test_a_release() -> None:
    assert told(r.release("held:acme:sub_1", "acme", "sub_1", netted=200, reserved=120, currency="EUR")) == [
        ("held:acme:sub_1", "vendor:acme", 200),
        ("held:acme:sub_1", "reserve:acme:sub_1", 120),
    ]
    assert told(r.transfer("stripe", "held:acme:sub_1", 1080, "EUR")) == [("held:acme:sub_1", "clearing:stripe", 1080)]


def test_a_refund() -> None:
    funding = Funding(held=100, reserve=120, reversal=400, debt=80)
    assert told(r.gather(BACK, funding, "refund:ref_1", "EUR")) == [
        ("held:acme:sub_1", "refund:ref_1", 100),
        ("reserve:acme:sub_1", "refund:ref_1", 120),
        ("vendor:acme", "refund:ref_1", 80),
        ("commission", "refund:ref_1", 84),
        ("tax", "refund:ref_1", 16),
    ]
    assert told(r.reverse("stripe", "refund:ref_1", 400, "EUR")) == [("clearing:stripe", "refund:ref_1", 400)]
    sent = r.refund("stripe", "ref_1", paid=745, discount=55, currency="EUR")
    assert told(sent) == [("refund:ref_1", "clearing:stripe", 745), ("refund:ref_1", "discounts", 55)]
    failed = r.refund_failed("stripe", "ref_1", paid=745, discount=55, currency="EUR")
    assert [(move.destination, move.source, move.amount) for move in failed] == told(sent), "it comes back as it went"


def test_a_dispute() -> None:
    assert told(r.dispute_taken("stripe", "dsp_1", 1490, 20, "EUR")) == [
        ("dispute:dsp_1", "clearing:stripe", 1490),
        ("dispute_fees", "clearing:stripe", 20),
    ]
    assert told(r.dispute_returned("stripe", "dsp_1", 1490, 0, "EUR")) == [("clearing:stripe", "dispute:dsp_1", 1490)]
    assert told(r.disputed("dsp_1", 110, "EUR")) == [("dispute:dsp_1", "discounts", 110)]
    assert told(r.lose("dsp_1", 7, "EUR")) == [("losses", "dispute:dsp_1", 7)]


def test_money_that_comes_before_it_is_captured() -> None:
    moves = [
        *r.receive("bank", "pay_1", 1500, "EUR"),
        *r.capture_received("pay_1", "ord_1", 1490, "EUR"),
        *r.give_back_received("bank", "pay_1", 10, "EUR"),
    ]
    assert told(moves) == [
        ("clearing:bank", "receipts:pay_1", 1500),
        ("receipts:pay_1", "order:ord_1", 1490),
        ("receipts:pay_1", "clearing:bank", 10),
    ]


def test_fines_and_bonuses() -> None:
    assert told(r.adjust(r.Adjustment.FINE, "acme", 5, "EUR")) == [("vendor:acme", "fines", 5)]
    assert told(r.adjust(r.Adjustment.BONUS, "acme", 5, "EUR")) == [("bonuses", "vendor:acme", 5)]


@pytest.mark.parametrize(("net", "source", "destination"), [(5, "clearing:stripe", "suspense"), (-5, "suspense", "clearing:stripe")])
def test_what_nobody_knows_of(net: int, source: str, destination: str) -> None:
    assert told(r.unexplained("stripe", net, "EUR")) == [(source, destination, 5)]
    assert r.unexplained("stripe", 0, "EUR") == []


@pytest.mark.parametrize(
    ("share", "held", "reserve", "reversible", "funding"),
    [
        (100, 500, 500, 500, Funding(held=100)),
        (100, 60, 500, 500, Funding(held=60, reserve=40)),
        (100, 0, 30, 500, Funding(reserve=30, reversal=70)),
        (100, 0, 0, 40, Funding(reversal=40, debt=60)),
        (100, 10, 20, 30, Funding(held=10, reserve=20, reversal=30, debt=40)),
        (0, 500, 0, 0, Funding()),
    ],
)
def test_where_a_vendors_part_of_a_refund_comes_from(share: int, held: int, reserve: int, reversible: int, funding: Funding) -> None:
    assert r.fund(share, held=held, reserve=reserve, reversible=reversible) == funding


def test_nothing_is_no_posting() -> None:
    nothing = Share(vendor="acme", sub_order_id="sub_1", paid=0, discount=0, share=0, commission=0, tax=0)
    assert r.capture("stripe", "ord_1", 0, 0, "EUR") + r.allocate("ord_1", [nothing], "EUR") == []


def test_two_sub_orders_of_one_vendor_are_held_apart() -> None:
    shares = [
        Share(vendor="acme", sub_order_id=sub, paid=share, discount=0, share=share, commission=0, tax=0)
        for sub, share in (("sub_1", 900), ("sub_2", 450))
    ]
    found: Counter[str] = Counter()
    for move in r.allocate("ord_1", shares, "EUR"):
        found[move.destination] += move.amount
    assert (found["held:acme:sub_1"], found["held:acme:sub_2"]) == (900, 450)
