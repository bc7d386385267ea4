"""Makes a failing world smaller: fewer orders, fewer kinds of faults, as long as the same law is broken."""

import time
from collections.abc import Iterator
from typing import Protocol

import msgspec

from hub.simulation.climate import climate
from hub.simulation.run import Case, Verdict, simulate

SECONDS = 120.0
"""How long to try."""


class Run(Protocol):
    """What lives a case through: `simulate`."""

    def __call__(self, case: Case, *, telling: bool = False) -> Verdict: ...


def shrink(failed: Verdict, seconds: float = SECONDS, run: Run = simulate) -> Verdict:
    """The smallest world found in that time in which one of the same laws is broken, with its story."""
    until = time.perf_counter() + seconds
    smallest = failed
    for smaller in _fewer_orders(smallest.case):
        if time.perf_counter() > until:
            break
        if (tried := _fails_too(run, smaller, failed)) is not None:
            smallest = tried
            break
    at_once = max(1, len(_faults(smallest)) // 2)
    while at_once and time.perf_counter() < until:
        faults = _faults(smallest)
        for start in range(0, len(faults), at_once):
            if time.perf_counter() > until:
                break
            without = smallest.case.without | set(faults[start : start + at_once])
            if (tried := _fails_too(run, msgspec.structs.replace(smallest.case, without=without), failed)) is not None:
                smallest = tried
        at_once //= 2
    return run(smallest.case, telling=True)


def _fewer_orders(case: Case) -> Iterator[Case]:
    """The fewest first: they are the quickest to try."""
    orders = 1
    while orders < case.orders:
        yield msgspec.structs.replace(case, orders=orders)
        orders *= 2


def _faults(verdict: Verdict) -> list[str]:
    """The kinds that can still strike."""
    return [name for name, rate in climate(verdict.case.seed).items() if rate and name not in verdict.case.without]


def _fails_too(run: Run, case: Case, failed: Verdict) -> Verdict | None:
    tried = run(case)
    return tried if tried.laws & failed.laws else None
