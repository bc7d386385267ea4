"""The in-process link between hub and vendor: carries commands and events as bytes, with faults, in the hub's time."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable

import msgspec

from vendor_sdk import messages, subjects
from vendor_sdk.emulator.clock import Clock
from vendor_sdk.emulator.faults import Dice
from vendor_sdk.emulator.model import Step
from vendor_sdk.emulator.turn import moment
from vendor_sdk.envelope import Event, event_headers
from vendor_sdk.messages import SCHEMA_VERSION

Serve = Callable[["Wire"], Awaitable[float | None]]
"""The vendor's end: works on a message; seconds after which it is to come again, or None if it is done with."""
Hear = Callable[[str, dict[str, str], bytes], None]
"""The hub's end."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it is carried; `delivery` counts how often it was."""

    subject: str
    headers: dict[str, str]
    body: bytes
    command_id: str
    delivery: int = 1


class Link:
    """What is under way. It is lost with the process: the hub asks again."""

    def __init__(self, vendor: str, clock: Clock, dice: Dice, hear: Hear, stir: Callable[[], None]) -> None:
        self._vendor = vendor
        self._clock = clock
        self._dice = dice
        self._hear = hear
        self._stir = stir
        self._serve: Serve | None = None
        self._held: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._late: dict[str, float] = {}

    def attach(self, serve: Serve) -> None:
        """From now on commands go there."""
        self._serve = serve

    @property
    def carried(self) -> set[str]:
        """Commands that are with the vendor, or are held back on their way."""
        return set(self._tasks.values())

    @property
    def is_busy(self) -> bool:
        """Whether the vendor works on something."""
        return bool(self._tasks)

    def next_due(self) -> float | None:
        """When something held back goes on."""
        return self._held[0][0] if self._held else None

    def go_on(self) -> None:
        """Let go on what is due."""
        while self._held and self._held[0][0] <= self._clock():
            heapq.heappop(self._held)[2]()

    def forget(self) -> None:
        """What is held back is lost."""
        self._held.clear()

    def hold_back(self, kind: str, seconds: float) -> None:
        """What the vendor says to commands of that kind comes only after so long."""
        self._late[kind] = self._clock() + seconds

    def send(self, step: Step) -> None:
        """Carry a command to the vendor."""
        headers = {
            messages.COMMAND_ID: step.id,
            messages.ATTEMPT: str(step.attempt),
            messages.SCHEMA: SCHEMA_VERSION,
            messages.CORRELATION_ID: step.part_id,
        }
        if step.ends_at is not None:
            headers[messages.DEADLINE] = moment(step.ends_at).isoformat()
        body = msgspec.json.encode(step.body)
        wire = Wire(subject=subjects.command(self._vendor, step.kind), headers=headers, body=body, command_id=step.id)
        for _ in range(self._dice.copies()):
            self.after(self._dice.command_delay(), lambda: self._deliver(wire))

    async def answer(self, event: Event) -> None:
        """Carry an answer to the hub, unless it is lost on the way: then the command is asked again."""
        if not self._dice.loses(event.id):
            await self.publish(event)

    async def publish(self, event: Event) -> None:
        """Carry a fact to the hub."""
        headers = event_headers(event)
        for _ in range(self._dice.copies()):
            delay = max(self._dice.event_delay(), self._late_by(event.kind))
            self.after(delay, lambda: self._hear(event.kind, headers, event.body))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Let it go on in so many seconds of the hub's time."""
        if seconds <= 0.0:
            do()
        else:
            heapq.heappush(self._held, (self._clock() + seconds, next(self._numbers), do))
        self._stir()

    async def close(self) -> None:
        """Wait for nothing any more."""
        self._held.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _late_by(self, event_kind: str) -> float:
        until = [moment for kind, moment in self._late.items() if event_kind in messages.ANSWERS[kind]]
        return max(0.0, max(until, default=0.0) - self._clock())

    def _deliver(self, wire: Wire) -> None:
        task = asyncio.ensure_future(self._work(wire))
        self._tasks[task] = wire.command_id
        task.add_done_callback(self._done)

    async def _work(self, wire: Wire) -> None:
        assert self._serve is not None, "nothing is sent before somebody serves"
        again = await self._serve(wire)
        if again is not None:
            next_ = msgspec.structs.replace(wire, delivery=wire.delivery + 1)
            self.after(again, lambda: self._deliver(next_))

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._stir()
