"""An event loop on virtual time: where nothing is ready, the clock jumps to the next timer; nothing waits for the real world."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(RuntimeError):
    """Everything waits and no timer runs: in the real world this would hang for ever."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in the order in which things became ready, always the same; `now` counts virtual seconds from zero.

    Timers stand in a heap of its own as tuples, which compare at a fraction of what handles cost, those of one moment in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def _run_once(self) -> None:
        """One round; nothing of asyncio's own is called here, for it would look for files and wait."""
        own: Any = self
        ready: deque[Any] = own._ready  # noqa: SLF001  # as asyncio's own loop
        timers = self._timers
        while timers and timers[0][2]._cancelled:  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue]  # as asyncio's own loop
            heapq.heappop(timers)
        if not ready and not own._stopping:  # noqa: SLF001  # as asyncio's own loop
            if not timers:
                raise Stuck("every task waits, and no timer runs")
            self.now = max(self.now, timers[0][0])
        while timers and timers[0][0] <= self.now:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # noqa: SLF001  # as asyncio's own loop
                handle._run()  # noqa: SLF001  # as asyncio's own loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        if pending := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()
