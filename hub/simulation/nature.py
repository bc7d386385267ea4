"""What a simulated world runs on: one clock, dice by purpose, what goes wrong how often, what has gone wrong, and the story of it."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from hub.simulation.loop import Nap, VirtualLoop

EPOCH = 1_700_000_000.0
"""Unix seconds at which every simulated world begins: 2023-11-14, 22:13:20 UTC."""
NEVER = 1 << 30


class Spell:
    """Several faults that could each strike at the same places: as long as none of them will, they are counted together."""

    __slots__ = ("left", "span")

    def __init__(self) -> None:
        self.left = 0
        """How often surely nothing strikes from now on,"""
        self.span = 0
        """and how often it was when that was found out."""


class Nature:
    """One world's. Each purpose has dice of its own, so that to switch one fault off leaves all other throws as they were."""

    def __init__(self, seed: int, rates: Mapping[str, float], *, telling: bool = False) -> None:
        self.seed = seed
        self._rates = rates
        self._left: dict[str, int] = {}
        """How often each fault is still asked for until it strikes."""
        self._spells: list[Spell] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._now = (EPOCH, datetime.fromtimestamp(EPOCH, UTC))
        self.struck: Counter[str] = Counter()
        self.telling = telling
        self.story: list[str] = []
        self._dice: dict[str, Random] = {}

    @property
    def rates(self) -> Mapping[str, float]:
        """How probable each fault is, each time that it could strike."""
        return self._rates

    @rates.setter
    def rates(self, rates: Mapping[str, float]) -> None:
        self._rates = rates
        self._left = {}
        for spell in self._spells:
            spell.left = spell.span = 0

    def spell(self) -> Spell:
        """For who asks for the same faults all the time: where its `left` is above zero, count that down and ask for none of them.

        Else `wake` it, ask for each by `strikes`, and let it `rest`.
        """
        self._spells.append(Spell())
        return self._spells[-1]

    def wake(self, spell: Spell, faults: Sequence[str]) -> None:
        """Count for each fault how often it was passed over."""
        passed = spell.span - spell.left
        for fault in faults:
            if fault in self._left:
                self._left[fault] -= passed
        spell.left = spell.span = 0

    def rest(self, spell: Spell, faults: Sequence[str]) -> None:
        """Say how often none of them will strike."""
        ahead = [left for fault in faults if (left := self._left.get(fault, 1)) > 0]  # what was never asked for may be next
        spell.left = spell.span = min(ahead, default=NEVER) - 1

    def dice(self, purpose: str) -> Random:
        """The dice for one purpose."""
        found = self._dice.get(purpose)
        if found is None:
            found = self._dice[purpose] = Random(f"{self.seed}:{purpose}")  # noqa: S311  # a simulation wants to be repeated, not unforeseen
        return found

    def strikes(self, fault: str) -> bool:
        """Throw for a fault; it is counted and told where it strikes. A fault that has no rate never does."""
        left = self._left.get(fault)
        if left is None:
            left = self._throws_until_it_strikes(fault)
        self._left[fault] = left - 1
        if left != 1:
            return False
        self._left[fault] = self._throws_until_it_strikes(fault)
        self.struck[fault] += 1
        if self.telling:
            self.tell(f"fault: {fault}")
        return True

    def _throws_until_it_strikes(self, fault: str) -> int:
        """Thrown for once, for this is asked before everything that happens: as many as a throw each time would take; 0 for never."""
        rate = self._rates.get(fault, 0.0)
        if rate == 0.0:
            return 0
        return 1 if rate >= 1.0 else 1 + int(math.log(1.0 - self.dice(fault).random()) / math.log(1.0 - rate))

    def seconds(self, purpose: str, low: float, high: float) -> float:
        """A duration between two, the short ones as frequent as the long ones (evenly over the logarithm); `low` above zero."""
        return float(low * (high / low) ** self.dice(purpose).random())

    async def wait(self, purpose: str, low: float, high: float) -> None:
        """Let so much virtual time pass."""
        await self.sleep(self.seconds(purpose, low, high))

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Let so many virtual seconds pass."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return Nap(self._loop, seconds) if seconds > 0 and isinstance(self._loop, VirtualLoop) else asyncio.sleep(seconds)

    def nap(self, seconds: float) -> Nap:
        """The same for who may be woken before; above zero, on virtual time alone."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return Nap(loop, seconds)

    def time(self) -> float:
        """Virtual seconds since this world began."""
        self._loop = asyncio.get_running_loop()
        self.time = self._loop.time  # from now on at once: everything asks
        return self.time()

    def unix(self) -> float:
        """Virtual unix seconds."""
        return EPOCH + self.time()

    def now(self) -> datetime:
        """The same as a point in time."""
        at, now = self._now
        unix = self.unix()
        if at != unix:
            now = datetime.fromtimestamp(unix, UTC)
            self._now = (unix, now)
        return now

    def tell(self, what: str) -> None:
        """A line of the story, with the virtual second at which it happened."""
        if self.telling:
            self.story.append(f"{self.time():14.6f}  {what}")
