"""The arithmetic of figures: percentiles, medians of rounds, ratios of interleaved rounds, goals."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was set as a target: `reached` has to be at least, or with `at_most` at most, `target`.

    `at_best` is what there would be if the hub's own Python took nothing, where that is known (`bare.py`).
    """

    says: str
    reached: float
    target: float
    at_most: bool = False
    at_best: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self._fits(self.reached)

    @property
    def can_be_met(self) -> bool:
        """Whether it could be, by whatever Python of ours, with its statements and batches as they are; yes where nobody knows."""
        return self.at_best is None or self._fits(self.at_best)

    def _fits(self, value: float) -> bool:
        return value <= self.target if self.at_most else value >= self.target


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values, which are in order, that is not below `share` (0 to 1) of them (nearest rank)."""
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def latency(values: Iterable[float]) -> Latency:
    """Of milliseconds in any order."""
    ordered = sorted(values)
    return Latency(percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99))


def middle(rounds: Iterable[T], of: Callable[[T], float]) -> float:
    """The median of the rounds."""
    return median(of(each) for each in rounds)
