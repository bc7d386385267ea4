"""A simulated process: what runs in it, and its death between any two effects."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

from hub.simulation.nature import Nature

ENDED_MAX = 64
"""So many tasks that have ended are remembered."""

_current: ContextVar["Process | None"] = ContextVar("process", default=None)


class Crashed(asyncio.CancelledError):
    """The process is no more: nothing after this line has happened. Nobody may catch it and go on."""


class Process:
    """Tasks that die together. All that outlives them is in the database, at the broker, at the provider and at the vendors."""

    def __init__(self, nature: Nature, name: str) -> None:
        self.nature = nature
        self.name = name
        self.alive = True
        self.died: list[Callable[[], None]] = []
        """Called at its death: connections break."""
        self._tasks: dict[asyncio.Task[Any], None] = {}
        """In the order in which they were made, for a set's order would be the memory's; some have ended."""
        self._most = ENDED_MAX

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in it; the tasks that this makes are the process's too."""
        token = _current.set(self)
        try:
            return asyncio.get_running_loop().create_task(work)
        finally:
            _current.reset(token)

    def effect(self, what: str) -> None:
        """Called right before and right after everything that the outside world can see. Raises `Crashed` where the process ends."""
        if not self.alive:
            raise Crashed
        if self.nature.strikes("crash"):
            self.kill(what)
            raise Crashed

    def kill(self, at: str) -> None:
        """End it here and now."""
        if not self.alive:
            return
        self.alive = False
        if self.nature.telling:
            self.nature.tell(f"{self.name} crashes at {at}")
        for tell in self.died:
            tell()
        for task in list(self._tasks):
            task.cancel()

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """Count a task as this process's."""
        self._tasks[task] = None
        if len(self._tasks) > self._most:  # each one's end would be a call of its own
            self._tasks = {each: None for each in self._tasks if not each.done()}
            self._most = len(self._tasks) + ENDED_MAX


def factory(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> "asyncio.Task[Any]":
    """For `loop.set_task_factory`: every task belongs to the process in which it was made."""
    task = asyncio.Task(work, loop=loop, **more)
    process = _current.get()
    if process is not None:
        process.adopt(task)
    return task


def process_of(context: Context) -> "Process | None":
    """Whose a callback's context is."""
    return context.get(_current)
