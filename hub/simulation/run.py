"""Runs one world by its seed and says what came of it."""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from hub.simulation import logs
from hub.simulation.check import check
from hub.simulation.climate import climate
from hub.simulation.loop import run as run_loop
from hub.simulation.market import DAY
from hub.simulation.nature import EPOCH, Nature
from hub.simulation.story import about
from hub.simulation.world import World


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is run: a seed, so many orders, and the faults that its climate may not have."""

    seed: int
    orders: int
    without: frozenset[str] = frozenset()

    @property
    def command(self) -> str:
        """What repeats it."""
        without = f" --without {','.join(sorted(self.without))}" if self.without else ""
        return f"hub simulate --seed {self.seed} --orders {self.orders}{without} --story"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; `story` is what happened to those whom the breaches name, if it was told."""

    case: Case
    breaches: list[str]
    struck: Counter[str]
    states: Counter[str]
    did: Mapping[str, int]
    deaths: int
    statements: int
    virtual_days: float
    seconds: float
    digest: str
    story: list[str]

    @property
    def per_minute(self) -> float:
        """Orders a real minute."""
        return 60 * self.case.orders / self.seconds

    @property
    def laws(self) -> frozenset[str]:
        """Which were broken."""
        return frozenset(breach.partition(":")[0] for breach in self.breaches)


def simulate(case: Case, *, telling: bool = False, digesting: bool = True) -> Verdict:
    """One world from its beginning to its end; without `digesting` its digest is empty."""
    began = time.process_time()
    gc.freeze()  # what is here already will be here still
    gc.disable()  # it would look through a growing world again and again, and find little
    try:
        return _judged(began, case, telling=telling, digesting=digesting)
    finally:
        gc.collect()
        gc.unfreeze()
        gc.enable()


def _judged(began: float, case: Case, *, telling: bool, digesting: bool) -> Verdict:
    world, breaches = live(case, telling=telling)
    verdict = Verdict(
        case=case,
        breaches=breaches,
        struck=world.nature.struck,
        states=world.states(),
        did=world.did,
        deaths=sum(hub.deaths for hub in world.hubs),
        statements=world.memory.statements,
        virtual_days=world.ended / DAY,
        seconds=time.process_time() - began,
        digest=digest(world) if digesting else "",
        story=about(world, breaches) if world.nature.telling else [],
    )
    world.memory.let_go()
    return verdict


def live(case: Case, *, telling: bool = False) -> tuple[World, list[str]]:
    """The world at its end, and what is wrong with it."""
    rates = {name: rate for name, rate in climate(case.seed).items() if name not in case.without}
    nature = Nature(case.seed, rates, telling=telling)

    async def whole() -> tuple[World, list[str]]:
        world = World(nature, case.orders)
        with logs.heard(nature, world.stop) as swallowed:
            await world.live()
        world.ended = nature.unix() - EPOCH
        return world, check(world, swallowed)

    return run_loop(whole())


def digest(world: World) -> str:
    """Of every row in the order in which it was written, and of every movement at the provider."""
    whole = hashlib.sha256()
    encode = msgspec.json.Encoder().encode
    for name, table in world.memory.tables.items():
        whole.update(name.encode())
        whole.update(encode(list(table.rows.values())))
    whole.update(encode(world.provider.movements()))
    whole.update(encode(sorted(world.nature.struck.items())))
    return whole.hexdigest()[:32]


def only(seed: int, faults: Collection[str]) -> frozenset[str]:
    """All faults of a world but these."""
    return frozenset(climate(seed)) - frozenset(faults)
