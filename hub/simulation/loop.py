"""An event loop on virtual time: where nothing is ready, the clock jumps to the next timer; nothing waits for the real world."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(RuntimeError):
    """Everything waits and no timer runs: in the real world this would hang for ever."""


class Timer(asyncio.TimerHandle):
    """As asyncio's, without what is kept for debugging: timers and calls are made by the million."""

    __slots__ = ()

    def __init__(self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> None:
        self._when = when
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        """It is passed over when its time comes."""
        self._cancelled = True


class Call(asyncio.Handle):
    """The same for what is to be called at once."""

    __slots__ = ()

    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> None:
        self._callback = callback
        self._args = args
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        """It is not called."""
        self._cancelled = True


class Wake(Timer):
    """The end of a nap: unlike what servers and the world do at their time, it is its process that goes on then."""

    __slots__ = ()


class Nap:
    """What `asyncio.sleep` does, without a future and with one call instead of two: as much as this is waited for."""

    __slots__ = ("_asyncio_future_blocking", "_call", "_canceled", "_context", "_loop", "_seconds", "_timer", "over")

    def __init__(self, loop: "VirtualLoop", seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._canceled = False
        self.over = False
        """Whether its time has come: who waits for it will go on, and it can be canceled no more."""

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        yield self

    # As asyncio's tasks want it of what they wait for.

    def get_loop(self) -> "VirtualLoop":
        return self._loop

    def add_done_callback(self, call: Callable[..., object], *, context: Context) -> None:
        self._call, self._context = call, context
        self._timer = self._loop.wake_in(self._seconds, call, self, context)

    def cancel(self, msg: object = None) -> bool:
        del msg
        if self.over:
            return False
        if not self._canceled:
            self._canceled = True
            self._timer.cancel()
            self._loop.call_soon(self._call, self, context=self._context)
        return True

    def result(self) -> None:
        del self._call, self._timer  # which lead back here: nothing of it is to be left to a collector that does not run
        if self._canceled:
            raise asyncio.CancelledError


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in the order in which things became ready, always the same; `now` counts virtual seconds from zero.

    Timers stand in a heap of its own as tuples, which compare at a fraction of what handles cost, those of one moment in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._timers: list[tuple[float, int, Any]] = []
        self._numbers = itertools.count()
        self._calls: deque[Any] = deque()
        self.holds: Callable[[Wake], bool] | None = None
        """Where processes stand still: whether it is of one of them, and kept until it goes on."""

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = Call(callback, args, context)
        self._calls.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        when = self.now + delay
        handle = Timer(when, callback, args, context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def wake_in(self, seconds: float, call: Callable[..., object], nap: Nap, context: Context) -> Wake:
        """End a nap in so many seconds."""
        when = self.now + seconds
        handle = Wake(when, call, (nap,), context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = Timer(when, callback, args, context)
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def _run_once(self) -> None:
        """Rounds until somebody stops it; nothing of asyncio's own is called here, for it would look for files and wait.

        What a callback raises ends the run: tasks keep what is raised in them, so it is a mistake of the simulation itself.
        """
        own: Any = self
        calls, timers, pop = self._calls, self._timers, heapq.heappop
        while True:
            while timers and timers[0][2]._cancelled:
                pop(timers)
            if not calls and not own._stopping:
                if not timers:
                    raise Stuck("every task waits, and no timer runs")
                self.now = max(self.now, timers[0][0])
            now = self.now
            holds = self.holds
            while timers and timers[0][0] <= now:
                timer = pop(timers)[2]
                if holds is None or timer.__class__ is not Wake or not holds(timer):
                    calls.append(timer)
            for _ in range(len(calls)):
                call = calls.popleft()
                if not call._cancelled:
                    call._context.run(call._callback, *call._args)
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
