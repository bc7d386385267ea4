"""Judges a world that has come to rest by all laws."""

from collections.abc import Mapping

from hub.simulation import money_laws, promise_laws, return_laws, trade_laws, triage_laws
from hub.simulation.facts import Facts
from hub.simulation.world import World

SHOWN_MAX = 10
"""Breaches of one law: the others say nothing new."""


def check(world: World, swallowed: Mapping[str, int]) -> list[str]:
    """What is wrong, as ``law: what``."""
    facts = Facts(world)
    found = [f"swallowed: {times} times {what}" for what, times in swallowed.items()]
    found += [f"api: {defect}" for defect in world.edge.defects]
    found += world.witness.seen[:SHOWN_MAX]
    if not world.rested:
        found.append("rest: the world did not come to rest")
    for law in (*money_laws.LAWS, *trade_laws.LAWS, *promise_laws.LAWS, *triage_laws.LAWS, *return_laws.LAWS):
        said = [f"{law.__name__}: {what}" for what in law(facts)]
        found += said[:SHOWN_MAX]
    return found
