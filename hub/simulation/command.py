"""`hub simulate`: one world, or fresh ones for a while; what was broken is made small and told."""

import time
from collections.abc import Collection

import msgspec
from rich.console import Console

from hub.simulation.run import Case, Verdict, only, simulate
from hub.simulation.shrink import shrink

ORDERS = 500
"""Of a fresh world: enough for them to be in each other's way and to outweigh the weeks in which little happens; few enough to be told."""
WHOLE, BROKEN = 0, 1


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: `seconds` of fresh worlds, from `seed` on."""

    seed: int | None = None
    orders: int | None = None
    faults: Collection[str] = ()
    without: Collection[str] = ()
    story: bool = False
    seconds: float | None = None


def run(wanted: Wanted) -> int:
    """Simulate, print, and end with 1 if a law was broken."""
    console = Console(soft_wrap=True, highlight=False)
    seed = int(time.time()) if wanted.seed is None else wanted.seed
    if wanted.seconds is None:
        verdict = simulate(_case(wanted, seed), telling=wanted.story)
        _show(console, verdict)
        return _judge(console, verdict, shrinking=not wanted.story)
    return _fresh(console, wanted, seed, wanted.seconds)


def _case(wanted: Wanted, seed: int) -> Case:
    without = only(seed, wanted.faults) if wanted.faults else frozenset(wanted.without)
    return Case(seed=seed, orders=wanted.orders or ORDERS, without=without)


def _fresh(console: Console, wanted: Wanted, seed: int, seconds: float) -> int:
    """One seed after the other until the time is over, or a law is broken."""
    until, began, worked, worlds, orders = time.monotonic() + seconds, time.monotonic(), time.process_time(), 0, 0
    while time.monotonic() < until:
        verdict = simulate(_case(wanted, seed + worlds), digesting=False)
        worlds, orders = worlds + 1, orders + verdict.case.orders
        if verdict.breaches:
            _show(console, verdict)
            return _judge(console, verdict, shrinking=True)
    rate, own = (60 * orders / spent for spent in (time.monotonic() - began, time.process_time() - worked))
    console.print(f"{worlds} worlds from seed {seed} on, {orders} orders, {rate:.0f} a minute: no law was broken")
    console.print(f"{own:.0f} a minute of a core's own time")  # less than that where the machine has other things to do
    return WHOLE


def _show(console: Console, verdict: Verdict) -> None:
    case = verdict.case
    console.print(f"seed {case.seed}, {case.orders} orders: {verdict.virtual_days:.1f} days in {verdict.seconds:.1f} s")
    console.print(f"  {verdict.per_minute:.0f} orders a minute, {verdict.statements} statements, {verdict.deaths} processes died")
    for title, counts in (("faults", verdict.struck), ("asked", verdict.did), ("ended", verdict.states)):
        console.print(f"  {title}: " + ", ".join(f"{name} {times}" for name, times in sorted(counts.items())))
    if verdict.digest:
        console.print(f"  digest {verdict.digest}")


def _judge(console: Console, verdict: Verdict, *, shrinking: bool) -> int:
    if not verdict.breaches:
        console.print("no law was broken")
        return WHOLE
    console.print(f"BROKEN, {len(verdict.breaches)} times:", *verdict.breaches[:20], sep="\n  ", markup=False)
    if shrinking:
        console.print("making it smaller ...")
        verdict = shrink(verdict)
        console.print("the smallest world that breaks the same law:", *verdict.breaches[:20], sep="\n  ", markup=False)
        struck = ", ".join(f"{name} {times}" for name, times in sorted(verdict.struck.items()))
        console.print(f"faults that struck: {struck or 'none'}")
    console.print("its story:", *verdict.story, sep="\n", markup=False)
    console.print("again:", verdict.case.command, markup=False)
    return BROKEN
