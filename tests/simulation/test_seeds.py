"""A handful of worlds, and all that ever broke a law: everything fails, and every law holds at the end."""

from collections import Counter

import pytest

from hub.simulation.climate import FAULTS
from hub.simulation.run import Case, Verdict, simulate
from tests.simulation.failed import failed_cases

SEEDS = (1, 6, 11, 14, 18, 24)
"""Whose climates together have nearly everything."""
ORDERS = 40


def _told(verdict: Verdict) -> str:
    return "\n".join([verdict.case.command, *verdict.breaches])


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return [simulate(Case(seed=seed, orders=ORDERS)) for seed in SEEDS]


def test_every_law_holds_whatever_fails(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        assert not verdict.breaches, _told(verdict)


def test_the_worlds_are_bad_enough(verdicts: list[Verdict]) -> None:
    struck = sum((verdict.struck for verdict in verdicts), Counter[str]())
    never = [fault for fault in FAULTS if not struck[fault]]
    assert len(never) < len(FAULTS) / 3, never
    for fault in (
        *("crash", "process_killed", "process_stands_still", "database_away", "database_answer_lost", "database_cut_at_commit"),
        *("broker_loses", "broker_repeats", "broker_reorders", "broker_forgets", "provider_answer_lost", "provider_slow", "webhook_lost"),
    ):
        assert struck[fault], f"{fault} never struck"
    assert sum(verdict.deaths for verdict in verdicts) > 20


def test_lives_end_in_every_way(verdicts: list[Verdict]) -> None:
    states = sum((verdict.states for verdict in verdicts), Counter[str]())
    for state in (
        *("orders: completed", "orders: canceled", "orders: expired", "sub_orders: declined", "sub_orders: settled"),
        *("payments: captured", "payments: declined", "payments: voided", "refunds: succeeded", "reversals: reversed"),
        *("transfers: transferred", "transfers: empty", "disputes: lost", "disputes: won", "payouts: paid", "dead_letters: resolved"),
        "returns: refunded",
    ):
        assert states[state], f"no {state}: {states}"


@pytest.mark.parametrize("case", failed_cases(), ids=lambda case: f"{case.seed}-{case.orders}")
def test_what_once_broke_a_law_breaks_none_any_more(case: Case) -> None:
    verdict = simulate(case)
    assert not verdict.breaches, _told(verdict)
