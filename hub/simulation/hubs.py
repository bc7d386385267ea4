"""The hub's processes, as they are when they run for real but for what they stand on: API and worker, which die and come back."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from nats.errors import Error as NatsError

from hub.checkout.placing import Place
from hub.checkout.timing import Timing
from hub.kernel.errors import Unavailable
from hub.payments.ports import Gateways
from hub.runtime import topology
from hub.runtime.changes import Changes
from hub.runtime.database import Database
from hub.runtime.together import Together
from hub.sections import Settings
from hub.simulation.alarm import Bell
from hub.simulation.broker import Broker, SimulatedBus
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from hub.simulation.provider import Provider, SimulatedGateway
from hub.simulation.pulse import Pulse
from hub.wiring import Wiring
from hub.worker.dispatch import Dispatcher
from hub.worker.listen import take_advisory, take_event
from hub.worker.run import loops
from hub.worker.supervise import forever
from vendor_sdk import subjects

BACK = (0.5, 90.0)
"""Seconds until a process that died is there again."""
NOT_SIMULATED = ("laws", "reconciliation", "scorecards", "suspension", "notifications", "forget webhooks", "forget feeds", "closing")
"""Loops that only look at what has happened, which here is the laws' part; the closing of vendors, of whom none leaves here; and
those of webhooks, which only read what others have committed, by PostgreSQL's numbers of transactions, which are not simulated:
`tests/notifications` drives it against a real one. No vendor of the simulation tells feeds: they write nothing that belongs to an
order; `tests/feeds` crosses counts with reservations."""
SELDOM = 6 * 3600.0
"""How far apart those loops are that only look for what is seldom there; a fortnight must not be all polling."""
DAILY = {"payouts": 22 * 3600.0, "forget": 90 * 3600.0, "account facts": 22 * 3600.0, "rescue": 3 * 3600.0, "replays": 2 * 3600.0}
"""Loops that have something to do once in some hours or days; those of `RINGS` are woken before."""
RINGS = ("deadlines", "promises", "provider events", "account facts")
"""Loops that are woken when something is due."""


class Ground(msgspec.Struct, frozen=True):
    """What processes stand on and what outlives them."""

    nature: Nature
    memory: Memory
    provider: Provider
    broker: Broker
    settings: Settings
    timing: Timing
    vendors: list[str]
    """Those with spokes,"""
    pulse: Pulse
    """and what is heard of them."""


class Hub:
    """One process of the hub, and after its death the next of the same name."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.ground = ground
        self.name = name
        self.deaths = 0
        self.stands_still = False
        self.begin()

    @property
    def database(self) -> Database:
        """Its way to the database."""
        return self.wiring.database

    def begin(self) -> None:
        """Start, with nothing in memory."""
        g = self.ground
        self.process = Process(g.nature, self.name)
        self.process.died.append(self._died)
        database, bus = SimulatedDatabase(g.memory, self.process), SimulatedBus(g.broker, self.process)
        changes = Changes(bus)
        database.after_commit.append(changes.tell)
        bus.on_connect.append(changes.listen)
        self.wiring = Wiring(settings=g.settings, database=database, bus=bus, changes=changes, timing=g.timing)
        self.placing = Together(database, Place(g.timing))
        g.nature.tell(f"{self.name} starts")
        self.run()

    def run(self) -> None:
        """What it does by itself: an API does nothing."""

    def _died(self) -> None:
        self.deaths += 1
        asyncio.get_running_loop().call_later(self.ground.nature.seconds("coming back", *BACK), self.begin)


class Worker(Hub):
    """A worker: the loops of `hub.worker.run`, and what its pullers would hear."""

    def __init__(self, ground: Ground, name: str, bells: dict[str, Bell]) -> None:
        self._bells = bells
        super().__init__(ground, name)

    def run(self) -> None:
        """Begin to work."""
        g = self.ground
        self._settling: dict[str, None] = {}
        gateways: Gateways = {"stripe": SimulatedGateway(g.provider, self.process)}
        dispatcher = self.wiring.database.taker = Dispatcher(self.wiring, gateways, self._missing)
        for vendor in g.vendors:
            g.broker.consume(subjects.event_stream(vendor), self.process, partial(take_event, self.wiring, vendor), self._missing)
        g.broker.consume(subjects.ADVISORY_STREAM, self.process, partial(take_advisory, self.wiring), self._missing)
        for name, (once, pause) in loops(self.wiring, gateways, dispatcher, lambda: True).items():
            if name not in NOT_SIMULATED:
                self.process.start(forever(name, self._felt(once) if name == "rescue" else once, pause=pause, rest=self._rest(name)))
        self.process.start(self.wiring.bus.start())

    def wake(self) -> None:
        """Steps may be due."""
        self.wiring.changes.due.set()

    def _missing(self, stream_or_vendor: str) -> None:
        """As the listener's: see to it that the streams are there again."""
        vendor = stream_or_vendor.removeprefix("CMD_").removeprefix("EVT_")
        if vendor not in self._settling and self.process.alive:
            self._settling[vendor] = None
            self.process.start(self._settle(vendor))

    async def _settle(self, vendor: str) -> None:
        pause = 0.5
        while True:
            try:
                if vendor == subjects.ADVISORY_STREAM:
                    await topology.ensure_shared(self.wiring.bus.js)
                else:
                    await topology.ensure_vendor(self.wiring.bus.js, vendor)
                break
            except (NatsError, OSError, Unavailable):
                await asyncio.sleep(pause)
                pause = min(30.0, 2 * pause)
        self._settling.pop(vendor, None)

    def _felt(self, once: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        def after_listening() -> Awaitable[object]:
            self.ground.pulse.feel()
            return once()

        return after_listening

    def _rest(self, name: str) -> Callable[[float], Awaitable[Any]]:
        if name == "dispatch":
            return self.ground.nature.sleep
        bell = self._bells.get(name)
        if bell is None:
            return lambda pause: self.ground.nature.sleep(DAILY.get(name, max(pause, SELDOM)))

        async def until_it_rings(pause: float) -> None:
            await self.ground.nature.sleep(pause)
            await bell.wait(DAILY.get(name, SELDOM))

        return until_it_rings
