"""What comes over everybody at once: the database, the broker or the provider away for a while, a worker that stands still."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from random import Random
from typing import Any, cast

from hub.simulation.broker import Broker
from hub.simulation.hubs import Hub
from hub.simulation.loop import Nap, VirtualLoop
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory
from hub.simulation.process import Process, process_of
from hub.simulation.provider import Provider

FAULTS = {
    "database_away": "PostgreSQL is away for a while",
    "broker_away": "the broker is away for a while",
    "broker_forgets": "the broker comes back from an older copy, or empty",
    "provider_away": "the payment provider is away for a while",
    "process_stands_still": "a process is stopped (SIGSTOP) and goes on later: its leases are taken over meanwhile",
    "process_killed": "a process is killed at any moment",
}
EVERY_SECONDS = 300.0
"""How often the weather is thrown for."""
LASTS = {"database_away": (1, 120), "broker_away": (1, 900), "provider_away": (5, 1800), "process_stands_still": (1, 600)}


class Frozen:
    """Processes that stand still: what would run in them waits, while time, servers and everybody else go on."""

    def __init__(self) -> None:
        self._held: dict[Process, list[tuple[Callable[..., Any], tuple[Any, ...], Context]]] = {}
        self._loop = cast("VirtualLoop", asyncio.get_running_loop())
        self._call_soon = self._loop.call_soon

    def stop(self, process: Process) -> None:
        """SIGSTOP."""
        self._held[process] = []
        self._loop.holds = self._holds
        self._loop.call_soon = self._gate  # pyright: ignore[reportAttributeAccessIssue]  # only while somebody stands still, so that it costs nothing else

    def go_on(self, process: Process) -> None:
        """SIGCONT."""
        held = self._held.pop(process, [])
        if not self._held:
            self._loop.holds = None
            del self._loop.call_soon  # pyright: ignore[reportAttributeAccessIssue]  # the class's own again
        for callback, args, context in held:
            self._loop.call_soon(callback, *args, context=context)

    def _holds(self, nap: Nap) -> bool:
        process = process_of(nap.context)
        held = None if process is None or nap.canceled else self._held.get(process)
        if held is not None:
            nap.over = True
            held.append((nap.callback, nap.args, nap.context))
        return held is not None

    def _gate(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        context = context if context is not None else copy_context()
        process = process_of(context)
        held = None if process is None else self._held.get(process)
        if held is None:
            return self._call_soon(callback, *args, context=context)
        held.append((callback, args, context))
        return asyncio.Handle(callback, list(args), self._loop, context)


class Weather:
    """Thrown for every few minutes."""

    def __init__(self, nature: Nature, memory: Memory, broker: Broker, provider: Provider) -> None:
        self._nature = nature
        self._memory = memory
        self._broker = broker
        self._provider = provider
        self._frozen = Frozen()
        self._dice: Random = nature.dice("weather")
        self._under_way: dict[asyncio.Task[None], None] = {}

    async def change(self, hubs: list[Hub], until: Callable[[], bool]) -> None:
        """Throw, again and again, until nothing is to go wrong any more; then everything is there."""
        while not until():
            await self._nature.wait("weather", EVERY_SECONDS / 3, EVERY_SECONDS * 3)
            for what in FAULTS:
                if self._nature.strikes(what):
                    task = asyncio.get_running_loop().create_task(self._come(what, hubs[self._dice.randrange(len(hubs))]))
                    self._under_way[task] = None
                    task.add_done_callback(self._under_way.pop)
        if self._under_way:
            await asyncio.wait(list(self._under_way))

    async def _come(self, what: str, hub: Hub) -> None:
        nature = self._nature
        match what:
            case "database_away" if not self._memory.down:
                self._memory.down = True
                await nature.wait(what, *LASTS[what])
                self._memory.down = False
            case "broker_away" if not self._broker.down:
                self._broker.down = True
                await nature.wait(what, *LASTS[what])
                self._broker.down = False
            case "provider_away" if not self._provider.down:
                self._provider.down = True
                await nature.wait(what, *LASTS[what])
                self._provider.down = False
            case "broker_forgets":
                if self._dice.random() < 0.5:  # noqa: PLR2004  # either way
                    self._broker.wipe()
                else:
                    self._broker.restore(nature.seconds("older copy", 1, 600))
            case "process_stands_still" if hub.process.alive and not hub.stands_still:
                await self._stand_still(hub)
            case "process_killed":
                hub.process.kill("any moment")
            case _:
                pass

    async def _stand_still(self, hub: Hub) -> None:
        process = hub.process
        hub.stands_still = True
        self._nature.tell(f"{hub.name} stands still")
        self._frozen.stop(process)
        await self._nature.wait("process_stands_still", *LASTS["process_stands_still"])
        self._nature.tell(f"{hub.name} goes on")
        self._frozen.go_on(process)
        hub.stands_still = False
