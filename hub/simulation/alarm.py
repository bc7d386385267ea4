"""Wakes who waits for a moment that is written down, so that nobody has to look again and again through the long nights."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from contextvars import Context

from hub.simulation.loop import Nap
from hub.simulation.nature import EPOCH, Nature

GRID_SECONDS = 0.5
"""Moments are rounded up to so much: what is due at nearly the same time rings once, as workers look so often."""


class Alarm:
    """Rings at every moment that it was set to, and says for whom: `ring` gets the keys."""

    def __init__(self, ring: Callable[[list[str]], object]) -> None:
        self._ring = ring
        self._keys: dict[float, dict[str, None]] = {}
        self._heap: list[float] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._nobody = Context()

    def at(self, unix: float, key: str = "") -> None:
        """Ring at a unix second."""
        due = -(-(unix - EPOCH) // GRID_SECONDS) * GRID_SECONDS
        keys = self._keys.get(due)
        if keys is not None:
            keys[key] = None
            return
        self._keys[due] = {key: None}
        heapq.heappush(self._heap, due)
        if self._heap[0] == due:
            self._wind()

    def off(self, unix: float, key: str) -> None:
        """Do not ring then for that key: what was to be seen to has been."""
        keys = self._keys.get(-(-(unix - EPOCH) // GRID_SECONDS) * GRID_SECONDS)
        if keys is not None:
            keys.pop(key, None)

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        heap, loop = self._heap, self._loop
        while heap and not self._keys[heap[0]]:
            del self._keys[heapq.heappop(heap)]
        # In nobody's context: whoever sets it may stand still or die.
        self._timer = loop.call_at(max(heap[0], loop.time()), self._due, context=self._nobody) if heap else None

    def _due(self) -> None:
        heap, keys = self._heap, list[str]()
        now = self._loop.time() + GRID_SECONDS / 100  # a timer may ring a hair too early
        while heap and heap[0] <= now:
            keys += self._keys.pop(heapq.heappop(heap))
        self._wind()
        if keys:
            self._ring(keys)


class Bell:
    """What a loop waits at."""

    def __init__(self, nature: Nature) -> None:
        self._nature = nature
        self._waiting: deque[Nap] = deque()

    def ring(self) -> None:
        """Wake one of those that wait: whoever has waited longest."""
        while self._waiting and not self._waiting.popleft().end():
            pass

    async def wait(self, most: float) -> None:
        """Until it rings, at most so many seconds."""
        nap = self._nature.nap(most)
        self._waiting.append(nap)
        await nap
