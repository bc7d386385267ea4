"""The running emulator: the book, its clock, the link to the vendor's adapter, and what is due, in the hub's time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from vendor_sdk.emulator import deliver, due
from vendor_sdk.emulator.clock import Clock
from vendor_sdk.emulator.deliver import Courier
from vendor_sdk.emulator.faults import Dice
from vendor_sdk.emulator.hear import hear
from vendor_sdk.emulator.keeper import Keeper
from vendor_sdk.emulator.link import Link
from vendor_sdk.emulator.model import Book, Moment, Terms
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.emulator.vendor import Vendor
from vendor_sdk.settings import Loaded

T = TypeVar("T")

LOOK_SECONDS = 1.0
"""On the wall: so often it is looked whether something is due, whatever was foreseen."""
CANCEL_SECONDS = 0.5
AGAIN_SECONDS = 1.0
"""After the hub died over an event the broker brings it again."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an emulator is made of. Without `loaded` the vendor has no spoke: it works by hand."""

    vendor: str
    data: Path
    loaded: Loaded | None = None
    saves: bool = True
    terms: Terms = Terms()
    dice: Dice = Dice(0, frozenset())
    speed: float = 1.0
    told: Callable[[Moment], None] = lambda _: None


class Emulator:
    """One vendor's hub. `start` once, `stop` once."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.keeper = Keeper.open(setup.vendor, setup.data / "emulator.json" if setup.saves else None)
        self.clock = Clock(self.keeper.book.ahead, setup.speed)
        self._stirred = asyncio.Event()
        self.link = Link(setup.vendor, self.clock, setup.dice, self._hear, self._stirred.set)
        skew = setup.dice.skew
        loaded = setup.loaded
        self.vendor = Vendor(loaded, setup.data, lambda: self.clock() + skew, self.link) if loaded else None
        self.capabilities = self.vendor.capabilities if self.vendor else frozenset[str]()
        self._courier = Courier(self.change, self.clock, self._stirred.set)
        self._telling: asyncio.Task[None] | None = None

    @property
    def book(self) -> Book:
        """As it stands; to be read only."""
        return self.keeper.book

    def change(self, do: Callable[[Turn], T]) -> T:
        """What `do` returns once what it changed is saved; if it raises, nothing has changed."""
        turn: list[Turn] = []

        def work(book: Book) -> T:
            book.ahead = self.clock.ahead
            turn.append(Turn(book, self.clock(), self.setup.terms, self.capabilities, []))
            return do(turn[0])

        result = self.keeper.change(work)
        for moment in turn[0].fresh:
            self.setup.told(moment)
        self._stirred.set()
        return result

    async def start(self) -> None:
        """Open the adapter. Raises what its `open` raises."""
        if self.vendor is not None:
            await self.vendor.start()
            self.link.attach(self.vendor.serve)
            self._telling = asyncio.create_task(self.vendor.outbox.run())

    async def stop(self) -> None:
        """Let go of everything; the book is saved."""
        await self.link.close()
        await self._courier.close()
        if self.vendor is not None and self._telling is not None:
            await _end(self._telling)
            await self.vendor.stop()

    async def run(self) -> None:
        """Do what is due as its time comes, until canceled."""
        while True:
            self._stirred.clear()
            await self._round()
            moment = await self.next_due()
            wait = LOOK_SECONDS if moment is None else min(LOOK_SECONDS, self.clock.wall_seconds(max(0.0, moment - self.clock())))
            await self._wait(max(0.01, wait))

    async def until(self, done: Callable[[Book], bool], within: float, patience: float) -> bool:
        """Let time pass at once wherever nobody works, until `done` (True) or `within` seconds are over (whether it is done then).

        Before time jumps the vendor's own system is given `patience` seconds on the wall.
        """
        ends = self.clock() + within
        while True:
            self._stirred.clear()
            await self._round()
            if done(self.book):
                return True
            busy = self.link.is_busy or self._courier.is_busy
            if await self._wait(LOOK_SECONDS if busy else patience) or busy:
                continue
            moment = await self.next_due()
            if moment is None or moment > ends:
                self.clock.advance(ends - self.clock())
                await self._round()
                return done(self.book)
            self.clock.advance(moment - self.clock())

    async def next_due(self) -> float | None:
        """When something happens next, if the vendor does nothing."""
        told = await self.vendor.next_due() if self.vendor else None
        moments = (
            due.next_due(self.book),
            deliver.next_due(self.book),
            self.link.next_due(),
            None if told is None else told - self.setup.dice.skew,
        )
        return min((moment for moment in moments if moment is not None), default=None)

    async def _round(self) -> None:
        """Do what is due now."""
        self.link.go_on()
        first = due.next_due(self.book)
        if first is not None and first <= self.clock():
            for step in self.change(lambda turn: due.do_due(turn, self.link.carried)):
                self.link.send(step)
        if self.vendor is not None:
            told = await self.vendor.next_due()
            if told is not None and told <= self.clock() + self.setup.dice.skew:
                self.vendor.outbox.wake()
        self._courier.send_due(self.book)

    def _hear(self, kind: str, headers: dict[str, str], body: bytes) -> None:
        if self.setup.dice.kills_the_hub():
            self.keeper.reload()
            self.link.forget()
            self.link.after(AGAIN_SECONDS, lambda: self._hear(kind, headers, body))
            return
        self.change(lambda turn: hear(turn, kind, headers, body))

    async def _wait(self, seconds: float) -> bool:
        """Whether something happened within so many seconds on the wall."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
                return True
        return False


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel until it has ended: before Python 3.12 `wait_for` forgets a cancel that meets the result it waits for."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)
