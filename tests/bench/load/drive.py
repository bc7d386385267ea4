"""Drives journeys over connections, as uvloop protocols: what that costs beside other clients is in `tests/bench/README.md`."""

import asyncio
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from tests.bench.load.journeys import JOURNEYS, Ask, Journey
from tests.bench.load.wire import answer
from tests.bench.load.work import Heard, Work


class Load:
    """Work under way."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._start = JOURNEYS[work.journey]
        self._given: Iterator[Any] = cycle(work.given) if work.again else iter(work.given)
        self._begun = 0
        self._busy = 0
        self.calls_ms: dict[str, list[float]] = {}
        self.journeys_ms: list[float] = []
        self.ids: list[str] = []
        self.due_at: list[float] = []
        self.clock = time.time() - time.perf_counter()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> Heard:
        """All of it. Raises `Wrong` for a wrong answer, `ConnectionError` for none."""
        work = self._work
        ports = islice(cycle(work.ports), work.connections)
        opened = [await self._loop.create_connection(lambda: _Connection(self), "127.0.0.1", port) for port in ports]
        before = time.process_time()
        self.since = time.perf_counter()
        self._until = self.since + work.seconds if work.seconds else float("inf")
        self._busy = len(opened)
        for _, connection in opened:
            connection.next()
        await self.ended
        seconds, cpu = time.perf_counter() - self.since, time.process_time() - before
        for transport, _ in opened:
            transport.abort()
        return Heard(
            seconds=seconds,
            cpu_seconds=cpu,
            calls_ms=self.calls_ms,
            journeys_ms=self.journeys_ms,
            ids=self.ids,
            due_at=self.due_at,
            left=0 if work.again else len(work.given) - self._begun,
        )

    def begin(self) -> tuple[Journey, float] | None:
        """The next journey and the moment at which it is due; None if there is none."""
        now = time.perf_counter()
        due = now if self._work.per_second is None else self.since + self._begun / self._work.per_second
        if max(now, due) >= self._until or (given := next(self._given, None)) is None:
            return None
        self._begun += 1
        return self._start(given), due

    def over(self) -> None:
        """A connection has nothing more to do."""
        self._busy -= 1
        if not self._busy and not self.ended.done():
            self.ended.set_result(None)

    def fail(self, error: Exception) -> None:
        """Nothing that follows counts."""
        if not self.ended.done():
            self.ended.set_exception(error)


class _Connection(asyncio.Protocol):
    """One buyer."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._kind = ""
        self._asked = self._due = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.fail(exc or ConnectionResetError("the server closed a connection"))

    def next(self) -> None:
        """Begin a journey, now or when it is due."""
        begun = self._load.begin()
        if begun is None:
            self._load.over()
            return
        self._journey, self._due = begun
        wait = self._due - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._set_out)
        else:
            self._set_out()

    def _set_out(self) -> None:
        self._ask(next(self._journey))

    def _ask(self, ask: Ask) -> None:
        self._kind = ask.kind
        self._asked = time.perf_counter()
        self._transport.write(ask.sent)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._received = self._received + data if self._received else data
        load = self._load
        try:
            if (said := answer(self._received)) is None:
                return
            self._received = b""
            load.calls_ms.setdefault(self._kind, []).append((now - self._asked) * 1000)
            self._ask(self._journey.send(said))
        except StopIteration as end:
            load.journeys_ms.append((now - self._due) * 1000)
            if end.value:
                load.ids.append(end.value)
                load.due_at.append(load.clock + self._due)
            self.next()
        except Exception as error:  # noqa: BLE001 - raised where the work was given
            load.fail(error)
