"""Group commit: whatever waits is done together, and nobody is answered before it is durable."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

A = TypeVar("A")
R = TypeVar("R")


class Batch(Generic[A, R]):
    """Takes all that has come, in the order in which it came, does it, answers it, and looks again; `lanes` times side by side.

    So an idle hub does one thing at once and at once, and a busy one pays for one commit what many have asked. How many may
    wait is bounded by the requests that a process takes in (`hub.runtime.traffic`).
    """

    def __init__(self, act: Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]], *, most: int, lanes: int = 1) -> None:
        """`act` does at most `most` and says for each what came of it; what it raises is everybody's answer."""
        self._act = act
        self._most = most
        self._lanes = lanes
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: A) -> R:
        """What came of it. Who is canceled while waiting takes nothing from the others, and may have been served."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if len(self._running) < self._lanes:
            self._running.add(asyncio.create_task(self._run()))
        return await answer

    async def _run(self) -> None:
        taken: list[tuple[A, asyncio.Future[R]]] = []
        try:
            while self._waiting:
                await asyncio.sleep(0)  # what the network has brought by now comes along
                taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                if still := [each for each in taken if not each[1].done()]:
                    await self._serve(still)
        finally:
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            left = [] if self._running else [self._waiting.popleft() for _ in range(len(self._waiting))]
            for _, answer in (*taken, *left):  # some have none yet only where this task itself was canceled
                answer.cancel()

    async def _serve(self, taken: Sequence[tuple[A, "asyncio.Future[R]"]]) -> None:
        try:
            found = await self._act([asked for asked, _ in taken])
        except Exception as error:  # noqa: BLE001  # each is told, and the next are served
            found = [error] * len(taken)
        for (_, answer), came in zip(taken, found, strict=True):
            if answer.done():
                continue
            if isinstance(came, Exception):
                answer.set_exception(came)
            else:
                answer.set_result(came)
