"""The sender of webhooks: signs what is queued and posts it, tries again later, and can be told to misbehave."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hub.sandbox import webhook_queue
from hub.sandbox.answers import Json
from hub.sandbox.store import Store
from hub.sandbox.webhook_endpoints import Mode, secrets_of, sign

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_SECONDS = 10.0
GATHERS_SECONDS = 0.05
"""How long a shuffling sender waits for more to shuffle."""

IDLE_SECONDS_MAX = 3600.0
COPIES_MAX = 3

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
"""Sends a body with its headers to an address; the HTTP status that came back."""


class Sender:
    """Sends what is queued. `mode` is how; `post` may be replaced by whoever wants no network."""

    def __init__(self, store: Store, now: Callable[[], int], settle: Callable[[], None]) -> None:
        self.mode: Mode = "normal"
        self.seed = 0
        self.post: Post = self._post
        self._store = store
        self._now = now
        self._settle = settle
        self._random = random.Random(0)  # noqa: S311  # repeatable disorder, no secret
        self._session: aiohttp.ClientSession | None = None
        self._wake: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def misbehave(self, mode: Mode, seed: int) -> None:
        """Send in that mode from now on; what a mode held back goes out."""
        self.mode, self.seed = mode, seed
        self._random.seed(seed)

    def wake(self) -> None:
        """There may be something to send."""
        if self._wake is not None:
            self._wake.set()

    def start(self) -> None:
        """Send in the background, on the running loop."""
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(self._wake))

    async def stop(self) -> None:
        """Stop; what is queued stays queued."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = self._wake = None
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self) -> int:
        """Make one attempt at all that is due, endpoint beside endpoint, and say how many were made. A held sender makes none."""
        self._settle()
        if self.mode == "hold":
            return 0
        by_endpoint: dict[str, list[dict[str, Any]]] = {}
        for delivery in webhook_queue.due(self._store, self._now()):
            by_endpoint.setdefault(delivery["endpoint"], []).append(delivery)
        rounds = [self._order(found) for found in by_endpoint.values()]
        await asyncio.gather(*[self._in_turn(found) for found in rounds])
        if self._task is None:  # nobody would ever stop us
            await self._hang_up()
        return sum(map(len, rounds))

    def _order(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        match self.mode:
            case "duplicate":
                found = [delivery for delivery in found for _ in range(2)]
            case "shuffle":
                self._random.shuffle(found)
            case "chaos":
                found = [delivery for delivery in found for _ in range(self._random.randint(1, COPIES_MAX))]
                self._random.shuffle(found)
            case _:
                pass
        return found

    async def _in_turn(self, found: list[dict[str, Any]]) -> None:
        for delivery in found:
            await self._attempt(delivery)

    async def _attempt(self, delivery: dict[str, Any]) -> None:
        event, endpoint = self._store.get(delivery["event"]), self._store.get(delivery["endpoint"])
        if event is None or endpoint is None or self.mode == "hold":
            return
        status, error = await self._send(endpoint, event)
        webhook_queue.record(self._store, delivery, self._now(), status=status, error=error)

    async def _send(self, endpoint: Json, event: Json) -> tuple[int | None, str | None]:
        headers, body = sign(event, *secrets_of(endpoint, self._now()))
        try:
            return await self.post(endpoint["url"], headers, body), None
        except Exception as error:  # noqa: BLE001  # whatever the receiver does, it is noted and tried again
            return None, f"{type(error).__name__}: {error}"

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        async with self._session.post(url, headers=headers, data=body, allow_redirects=False) as answer:
            await answer.read()
            return answer.status

    async def _run(self, wake: asyncio.Event) -> None:
        while True:
            wake.clear()
            if self.mode in {"shuffle", "chaos"}:
                await asyncio.sleep(GATHERS_SECONDS)
            if await self.deliver():
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle()):
                    await wake.wait()

    def _idle(self) -> float:
        """Seconds until something happens by itself."""
        due = self._store.due()
        known: list[int | None] = [webhook_queue.next_due(self._store), due["_due"] if due else None]
        moments = [moment for moment in known if moment is not None]
        return min(max(min(moments, default=self._now() + IDLE_SECONDS_MAX) - self._now(), 1.0), IDLE_SECONDS_MAX)
