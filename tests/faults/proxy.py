"""A TCP proxy between two real parts that cuts, delays, swallows and counts, and springs traps at named points of a protocol.

A point is named by what passes: the n-th ``COMMIT``, the n-th publish, the n-th request. So production code needs no
hooks to be killed between any two of its effects.
"""

import asyncio
import contextlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

LOOPBACK = "127.0.0.1"
CHUNK = 65536
OVERLAP = 256
"""How much of what has passed is looked at again: a pattern may be split over two reads."""


class Moment(StrEnum):
    """When a trap springs, seen from what its pattern names."""

    BEFORE = "before"
    """It, and all that follows on its connection, never arrives."""
    AFTER = "after"
    """It has been handed on."""
    ANSWERED = "answered"
    """It has been done, and the first of its answer is here: nobody has seen it yet."""


@dataclass(eq=False)
class Trap:
    """Does something when `pattern` passes: not the first `skip` times, then `times` times. It cuts the connection unless `spares`.

    What is `inward` comes from the server. With a `rate` below 1 it leaves out some, drawn from `chance`.
    """

    pattern: bytes
    do: Callable[[], bool | None] = lambda: None
    moment: Moment = Moment.BEFORE
    skip: int = 0
    times: int = 1
    spares: bool = False
    inward: bool = False
    rate: float = 1.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    seen: int = 0
    struck: int = 0

    def due(self) -> bool:
        """Count one passing; whether the trap springs at it."""
        self.seen += 1
        return self.skip < self.seen and self.struck < self.times and (self.rate >= 1 or self.chance.random() < self.rate)

    def spring(self) -> None:
        """Do it, unless it was done often enough meanwhile; if it says False it hit nothing and does not count."""
        if self.struck < self.times and self.do() is not False:
            self.struck += 1


@dataclass(eq=False)
class Line:
    """One connection through a proxy."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    awaited: list[Trap] = field(default_factory=list[Trap])
    is_cut: bool = False
    is_hole: bool = False

    def cut(self) -> None:
        """End it at once towards the caller; the server still gets what it was sent."""
        self.is_cut = True
        self.near.transport.abort()
        self.far.close()


class Proxy:
    """Listens on a free port and hands on to `port`; traps and troubles may be changed at any time."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = 0
        self.traps: list[Trap] = []
        self.delay = 0.0
        """Seconds that every read is held."""
        self.refuses = False
        """New connections are ended at once."""
        self.lines: set[Line] = set()
        self.connections = 0
        self.swallowed = 0
        """Reads that met a black hole, or a connection that is one."""
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> "Proxy":
        """Listen."""
        self._server = await asyncio.start_server(self._meet, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """End every connection and listen no more."""
        self._server.close()
        self.cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def trap(self, trap: Trap) -> Trap:
        """Lay a trap."""
        self.traps.append(trap)
        return trap

    def cut_all(self) -> int:
        """Cut every connection; how many there were."""
        lines = list(self.lines)
        for line in lines:
            line.cut()
        return len(lines)

    def black_hole(self) -> None:
        """From now on nothing passes and nothing is closed: the other side seems to be there, and is silent."""
        self._flows.clear()

    def flow(self) -> None:
        """Let everything pass again, what was held first."""
        self._flows.set()

    def swallow(self) -> int:
        """Make every connection of now a black hole for good, while new ones work; how many there were."""
        for line in self.lines:
            line.is_hole = True
        return len(self.lines)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.refuses:
                return
            await self._flows.wait()
            with contextlib.suppress(OSError):
                there, far = await asyncio.open_connection(LOOPBACK, self.target)
                line = Line(writer, far)
                self.lines.add(line)
                try:
                    await self._carry(line, reader, there)
                finally:
                    self.lines.discard(line)
                    line.cut()
        except asyncio.CancelledError:
            pass  # the proxy stops
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _carry(self, line: Line, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        pumps = [asyncio.create_task(self._pump(line, near, line.far, inward=False))]
        pumps.append(asyncio.create_task(self._pump(line, far, line.near, inward=True)))
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inward: bool) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if line.is_hole:
                    self.swallowed += 1
                    continue
                if not self._flows.is_set():
                    self.swallowed += 1
                    await self._flows.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if inward and self._answered(line):
                    return
                passing, later = self._met(tail, data, inward=inward)
                writer.write(data[:passing])
                await writer.drain()
                for trap in later:
                    if trap.moment is Moment.ANSWERED:
                        line.awaited.append(trap)
                    elif _sprung(trap, line):
                        return
                tail = (tail + data)[-OVERLAP:]

    @staticmethod
    def _answered(line: Line) -> bool:
        """Spring what waited for an answer; whether the connection is cut with it."""
        waited, line.awaited = line.awaited, []
        for trap in waited:
            _sprung(trap, line)
        return line.is_cut

    def _met(self, tail: bytes, data: bytes, *, inward: bool) -> tuple[int, list[Trap]]:
        """How much of `data` may pass, and the traps that spring once it has; of a `BEFORE`, only what stands before it passes."""
        window, later = tail + data, list[Trap]()
        passing = len(data)
        for trap in self.traps:
            if trap.inward is not inward:
                continue
            for found in re.finditer(trap.pattern, window):
                if found.end() <= len(tail) or not trap.due():
                    continue
                later.append(trap)
                if trap.moment is Moment.BEFORE and not trap.spares:
                    passing = min(passing, max(0, found.start() - len(tail)))
                break
        return passing, later


def _sprung(trap: Trap, line: Line) -> bool:
    trap.spring()
    if not trap.spares:
        line.cut()
    return line.is_cut
