"""An event loop on virtual time: where nothing is ready, the clock jumps to the next timer; nothing waits for the real world."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Stuck(RuntimeError):
    """Everything waits and no timer runs: in the real world this would hang for ever."""


class Handle(msgspec.Struct, gc=False):
    """As asyncio's, of calls and of timers, without what is kept for debugging: they are made by the million."""

    callback: Callable[..., object]
    args: tuple[Any, ...]
    context: Context
    canceled: bool = False

    def cancel(self) -> None:
        """It is passed over when its time comes."""
        self.canceled = True


class Nap:
    """What `asyncio.sleep` does, without a future and with one call instead of two, and its own timer: as much as this is waited for."""

    __slots__ = ("_asyncio_future_blocking", "_loop", "_seconds", "args", "callback", "canceled", "context", "over")

    def __init__(self, loop: "VirtualLoop", seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self.callback: Callable[..., object]
        self.args: tuple[Any, ...]
        self.context: Context
        self.canceled = False
        self.over = False
        """Whether its time has come: who waits for it will go on, and it can be canceled and ended no more."""

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        yield self

    # As asyncio's tasks want it of what they wait for.

    def get_loop(self) -> "VirtualLoop":
        return self._loop

    def add_done_callback(self, call: Callable[..., object], *, context: Context) -> None:
        self.callback, self.args, self.context = call, (self,), context
        loop = self._loop
        heapq.heappush(loop.timers, (loop.now + self._seconds, next(loop.numbers), self))

    def cancel(self, msg: object = None) -> bool:
        del msg
        if self.over:
            return False
        if not self.canceled:
            self.canceled = True
            self._loop.call_soon(self.callback, self, context=self.context)
        return True

    def end(self) -> bool:
        """Who waits for it goes on now; False where that has been said before, or nobody waits any more."""
        if self.over or self.canceled:
            return False
        self.over = self.canceled = True
        self._loop.call_soon(self.callback, self, context=self.context)
        return True

    def result(self) -> None:
        del self.callback, self.args  # which lead back here: nothing of it is to be left to a collector that does not run
        if self.canceled and not self.over:
            raise asyncio.CancelledError
        self.over = True


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in the order in which things became ready, always the same; `now` counts virtual seconds from zero.

    Timers stand in a heap of its own as tuples, which compare at a fraction of what handles cost, those of one moment in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.timers: list[tuple[float, int, Any]] = []
        self.numbers = itertools.count()
        self._calls: deque[Any] = deque()
        self.holds: Callable[[Nap], bool] | None = None
        """Where processes stand still: whether it is of one of them, and kept until it goes on."""

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle: Any = Handle(callback, args, copy_context() if context is None else context)
        self._calls.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        when = self.now + delay
        handle: Any = Handle(callback, args, copy_context() if context is None else context)
        heapq.heappush(self.timers, (when, next(self.numbers), handle))
        return handle

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle: Any = Handle(callback, args, copy_context() if context is None else context)
        heapq.heappush(self.timers, (when, next(self.numbers), handle))
        return handle

    def _run_once(self) -> None:
        """Rounds until somebody stops it; nothing of asyncio's own is called here, for it would look for files and wait.

        What a callback raises ends the run: tasks keep what is raised in them, so it is a mistake of the simulation itself.
        """
        own: Any = self
        calls, timers, pop = self._calls, self.timers, heapq.heappop
        while True:
            while timers and timers[0][2].canceled:
                pop(timers)
            if not calls and not own._stopping:
                if not timers:
                    raise Stuck("every task waits, and no timer runs")
                self.now = max(self.now, timers[0][0])
            now = self.now
            holds = self.holds
            while timers and timers[0][0] <= now:
                timer = pop(timers)[2]
                if holds is None or timer.__class__ is not Nap or not holds(timer):
                    calls.append(timer)
            for _ in range(len(calls)):
                call = calls.popleft()
                if not call.canceled:
                    call.context.run(call.callback, *call.args)
            if own._stopping:
                return


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
