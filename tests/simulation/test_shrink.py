"""A world that breaks a law is made small: the fewest orders, and only the faults that it takes."""

from collections import Counter

from hub.simulation.climate import climate
from hub.simulation.run import Case, Verdict
from hub.simulation.shrink import shrink

SEED = 3
ORDERS = 200


def verdict(case: Case, breaches: list[str], story: list[str]) -> Verdict:
    return Verdict(
        case=case,
        breaches=breaches,
        struck=Counter(),
        states=Counter(),
        did={},
        deaths=0,
        statements=0,
        virtual_days=0.0,
        seconds=1.0,
        digest="",
        story=story,
    )


def test_what_a_breach_does_not_need_is_left_out() -> None:
    needed = [name for name, rate in climate(SEED).items() if rate][3:5]
    tried: list[Case] = []

    def run(case: Case, *, telling: bool = False) -> Verdict:
        tried.append(case)
        broken = case.orders >= 5 and not case.without & set(needed)
        other = ["another_law: it"] if case.orders < 5 else []
        return verdict(case, ["this_law: it"] if broken else other, ["what happened"] if telling else [])

    smallest = shrink(run(Case(seed=SEED, orders=ORDERS)), run=run)
    assert smallest.case.orders == 8
    left = [name for name, rate in climate(SEED).items() if rate and name not in smallest.case.without]
    assert left == needed
    assert smallest.story == ["what happened"]
    assert len(tried) < 80


def test_the_command_repeats_it() -> None:
    case = Case(seed=7, orders=9, without=frozenset({"crash", "broker_loses"}))
    assert case.command == "hub simulate --seed 7 --orders 9 --without broker_loses,crash --story"
