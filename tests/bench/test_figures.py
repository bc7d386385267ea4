"""The arithmetic of the benchmark on given data: percentiles, ratios of rounds, goals."""

import os

import pytest

from tests.bench.bare import at_best, ratio_at_best, run_at_best
from tests.bench.figures import Goal, Latency, latency, percentile
from tests.bench.load.work import Heard
from tests.bench.parts.confirmed import Confirmed
from tests.bench.parts.lives import Lived
from tests.bench.pgbench import Limit
from tests.bench.rounds import Pair, Run, beside


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert [percentile([7.0], share) for share in (0.0, 0.5, 0.99)] == [7, 7, 7]
    assert percentile([1.0, 2.0], 0.5) == 1
    assert percentile([1.0, 2.0], 0.51) == 2


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_latencies_may_come_in_any_order() -> None:
    assert latency(float(number) for number in range(100, 0, -1)) == Latency(50, 95, 99)


def test_goals_look_in_their_direction() -> None:
    met = [Goal(says="", reached=reached, target=2, at_most=at_most).met for reached in (1, 2, 3) for at_most in (False, True)]
    assert met == [False, True, True, True, True, False]


def test_a_goal_that_even_the_best_would_miss_cannot_be_met() -> None:
    can = [Goal(says="", reached=9, target=2, at_most=at_most, at_best=best).can_be_met for best in (1, 2, 3) for at_most in (False, True)]
    assert can == [False, True, True, True, True, False]
    assert Goal(says="", reached=1, target=2).can_be_met


def test_at_best_the_cores_do_what_others_need() -> None:
    """A journey of two requests: 10 ms of PostgreSQL (a core at 100/s) and 2 of the load generator, 2 x 4 ms for handlers."""
    cores = os.cpu_count() or 1
    assert run_at_best(_pair(50, 100).run, 2, 0.004) == pytest.approx(cores / 0.02)
    assert ratio_at_best([_pair(50, 100)], "seq", 2, 0.004) == pytest.approx(cores / 0.02 / 50)
    assert at_best(0.25, 0.25) == 2 * cores


def test_what_is_at_best_is_of_runs_of_the_same_round() -> None:
    pairs = [_pair(limit, ours) for limit, ours in ((100, 200), (200, 200), (50, 100))]
    own = sorted(ratio_at_best([pair], "seq", 1, 0.0) for pair in pairs)
    assert ratio_at_best(pairs, "seq", 1, 0.0) == own[1]
    assert own[0] < own[1]


def test_a_life_at_best_takes_what_is_not_the_hub_s_own() -> None:
    """100 moves a second while others use a core: 10 ms each."""
    cores = {"API": 0.2, "worker": 0.5, "spokes": 0.3, "sandbox": 0.1, "broker": 0.1, "PostgreSQL": 0.5}
    lived = Lived(limit_per_second=1, orders=10, moves=1000, seconds=10, cores=cores, resident_mib={})
    assert lived.per_second_at_best == pytest.approx((os.cpu_count() or 1) * 100)


def test_orders_that_come_faster_than_they_could_be_confirmed_queue_whatever_our_code_takes() -> None:
    """20 ms of each order are others': the hundredth of two hundred, due after one second, is confirmed after two at best."""
    cores = os.cpu_count() or 1

    def confirmed(per_second: int) -> Confirmed:
        cpu_ms = {"API": 7.0, "worker": 17.0, "spokes": 10.0 * cores, "PostgreSQL": 10.0 * cores}
        return Confirmed(orders=200, per_second=per_second, latency=Latency(1, 2, 3), cpu_ms=cpu_ms)

    assert confirmed(100).per_second_at_best == pytest.approx(50)
    assert confirmed(100).p50_at_best == pytest.approx(1000)
    assert confirmed(50).p50_at_best is None
    assert confirmed(5).p50_at_best is None


def test_ratios_are_of_runs_of_the_same_round() -> None:
    """Medians of both sides divided by each other would say 1: the machine was twice as fast in one of three rounds for either."""
    pairs = [_pair(limit, ours) for limit, ours in ((100, 200), (200, 200), (50, 100))]
    figures = beside(pairs, "seq", 8)
    assert (figures.limit_per_second, figures.per_second, figures.ratio) == (100, 200, 2)
    assert (figures.p50_ratio, figures.load_us_per_call) == (1, 2_500)


def _pair(limit: float, ours: float) -> Pair:
    same = Latency(1, 2, 3)
    heard = Heard(
        seconds=2,
        cpu_seconds=ours * 2 / 400,
        calls_ms={"place": [1.0] * int(ours * 2)},
        journeys_ms=[1.0] * int(ours * 2),
        ids=[],
        due_at=[],
        left=0,
    )
    run = Run(heard=heard, latency=same, api_cores=1, postgres_cores=1, load_cores=0.2, resident_mib=100)
    return Pair({"seq": Limit(per_second=limit, latency=same, cpu_seconds=0, seconds=1)}, run)
