"""What a simulated world runs on: one clock, dice by purpose, what goes wrong how often, what has gone wrong, and the story of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random

EPOCH = 1_700_000_000.0
"""Unix seconds at which every simulated world begins: 2023-11-14, 22:13:20 UTC."""


class Nature:
    """One world's. Each purpose has dice of its own, so that to switch one fault off leaves all other throws as they were."""

    def __init__(self, seed: int, rates: Mapping[str, float], *, telling: bool = False) -> None:
        self.seed = seed
        self._rates = rates
        self._throws: dict[str, tuple[float, Callable[[], float]]] = {}
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
        self._throws = {}

    def dice(self, purpose: str) -> Random:
        """The dice for one purpose."""
        found = self._dice.get(purpose)
        if found is None:
            found = self._dice[purpose] = Random(f"{self.seed}:{purpose}")  # noqa: S311  # a simulation wants to be repeated, not unforeseen
        return found

    def strikes(self, fault: str) -> bool:
        """Throw for a fault; it is counted and told where it strikes. A fault that has no rate never does."""
        throw = self._throws.get(fault)
        if throw is None:  # looked up once: this is asked before everything that happens
            throw = self._throws[fault] = (self._rates.get(fault, 0.0), self.dice(fault).random)
        rate, random = throw
        if rate == 0.0 or random() >= rate:
            return False
        self.struck[fault] += 1
        if self.telling:
            self.tell(f"fault: {fault}")
        return True

    def seconds(self, purpose: str, low: float, high: float) -> float:
        """A duration between two, the short ones as frequent as the long ones (evenly over the logarithm); `low` above zero."""
        return float(low * (high / low) ** self.dice(purpose).random())

    async def wait(self, purpose: str, low: float, high: float) -> None:
        """Let so much virtual time pass."""
        await asyncio.sleep(self.seconds(purpose, low, high))

    def unix(self) -> float:
        """Virtual unix seconds."""
        return EPOCH + asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """The same as a point in time."""
        return datetime.fromtimestamp(self.unix(), UTC)

    def tell(self, what: str) -> None:
        """A line of the story, with the virtual second at which it happened."""
        if self.telling:
            self.story.append(f"{asyncio.get_running_loop().time():14.6f}  {what}")
