"""Which recorded orders go wrong is decided by the seed alone; what must come of it is worked out by hand here."""

from collections import Counter

import pytest

from hub.replay.expected import expect
from hub.replay.files import Good, Recorded
from hub.replay.trouble import Kind, Trouble, plan

MUG = Good("a", "mug", 999, 150)
BOOK = Good("b", "book", 500, 0)
BPS = 1_150


def orders(count: int) -> list[Recorded]:
    """Every vendor has several; some orders are of two vendors."""
    made: list[Recorded] = []
    for number in range(count):
        good = Good(f"v{number % 7}", "p", 1_000 + number, 100)
        made.append(Recorded(f"o{number}", {good: 1 + number % 3} | ({BOOK: 1} if number % 5 == 0 else {})))
    return made


def test_the_same_seed_plans_the_same():
    assert plan(orders(60), 50, 1) == plan(orders(60), 50, 1)
    assert plan(orders(60), 50, 1) != plan(orders(60), 50, 2)


def test_as_many_orders_as_asked_go_wrong_in_every_way():
    troubles = plan(orders(60), 50, 1)
    assert len(troubles.of) == 30
    assert {trouble.kind for trouble in troubles.of.values()} == set(Kind)
    assert Counter(trouble.early for trouble in troubles.of.values()).keys() == {True, False}
    assert plan(orders(60), 0, 1).of == {}


def test_a_debt_is_made_before_the_order_that_it_is_netted_with():
    every = orders(60)
    place = {order.id: number for number, order in enumerate(every)}
    troubles = plan(every, 50, 1)
    assert len(troubles.after) == 3
    for later, debt in troubles.after.items():
        assert place[debt] < place[later]
        assert troubles.of[debt].kind is Kind.DEBT
        assert later not in troubles.of
        assert {good.vendor for good in every[place[debt]].units} == {good.vendor for good in every[place[later]].units}


@pytest.mark.parametrize(
    ("trouble", "commission", "shares"),
    [
        # 3 mugs: goods 2997, commission 344.655 -> 345; freight 450; the vendor has 3102 of 3447.
        (None, 345, 3102),
        ((Kind.WHOLE, None, 0), 0, 0),
        ((Kind.LOST, None, 0), 0, 0),
        ((Kind.WON, None, 0), 345, 3102),
        ((Kind.UNIT, MUG, 999), 230, 2218),
        ((Kind.AMOUNT, MUG, 100), 334, 3013),  # 345 * 100 / 2997 = 11.51: 11 of commission, 89 of the vendor's
        ((Kind.SHIPPING, MUG, 450), 345, 2652),
    ],
)
def test_what_is_left_after_it_went_wrong(trouble: tuple[Kind, Good | None, int] | None, commission: int, shares: int):
    order = Recorded("o", {MUG: 3})
    troubles: dict[str, Trouble] = {}
    if trouble is not None:
        kind, good, amount = trouble
        troubles["o"] = Trouble(order=order, kind=kind, early=True, good=good, amount=amount)
    found = expect([order], BPS, troubles)
    assert (found.captured, found.commission, found.shares) == (3447, commission, {"a": shares})
    gone = 3447 - commission - shares
    disputed = trouble is not None and trouble[0] is Kind.LOST
    assert (sum(found.refunded.values()), found.disputed) == ((0, gone) if disputed else (gone, 0))
