"""Lets a request wait for a change of one order: hints over the broker, a slow poll underneath in case one is lost."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

from hub.kernel.errors import Unavailable
from hub.runtime.bus import Bus
from hub.runtime.database import Tx

CHANGED = "hub.changed"
WAKE = "hub.wake"
POLL_SECONDS = 0.5

Hear = Callable[[Msg], Awaitable[None]]


class Changes:
    """Who waits for what in this process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._heeded: dict[str, Hear] = {}
        """What somebody in this process wants to hear: a hint costs whoever hears it as much as a small answer."""
        self._heeding: set[asyncio.Task[None]] = set()
        self.due = asyncio.Event()
        """Set when steps may have become due."""

    async def listen(self) -> None:
        """Subscribe on the current client (run on every new one)."""
        for subject, hear in list(self._heeded.items()):
            await self._bus.nc.subscribe(subject, cb=hear)

    def heed_wakes(self) -> None:
        """Let `due` be set by what other processes write, too: for who acts on steps."""
        self._heed(WAKE, self._woken)

    def tell(self, tx: Tx) -> None:
        """After a commit: tell this process at once and the others by a hint."""
        for saga_id in sorted(tx.changed):
            self._wake(saga_id)
            self._bus.hint(f"{CHANGED}.{saga_id}")
        if tx.woken:
            self.due.set()
            self._bus.hint(WAKE)

    async def wait(self, saga_id: str, seconds: float = POLL_SECONDS) -> None:
        """Return when `saga_id` may have changed, at the latest after `seconds`."""
        event = asyncio.Event()
        self._waiting[saga_id].add(event)
        self._heed(f"{CHANGED}.*", self._heard)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), seconds)
        finally:
            self._waiting[saga_id].discard(event)
            if not self._waiting[saga_id]:
                del self._waiting[saga_id]

    def _heed(self, subject: str, hear: Hear) -> None:
        if subject in self._heeded:
            return
        self._heeded[subject] = hear
        try:
            client = self._bus.nc
        except Unavailable:  # the first one is told by `listen`
            return
        task = asyncio.ensure_future(self._subscribe(client, subject, hear))
        self._heeding.add(task)
        task.add_done_callback(self._heeding.discard)

    @staticmethod
    async def _subscribe(client: Client, subject: str, hear: Hear) -> None:
        """Also on a client that is reconnecting, which says it when it is back; one that is closed has a successor, for `listen`."""
        with contextlib.suppress(Exception):
            await client.subscribe(subject, cb=hear)

    async def _heard(self, msg: Msg) -> None:
        self._wake(msg.subject.rsplit(".", 1)[1])

    async def _woken(self, _: Msg) -> None:
        self.due.set()

    def _wake(self, saga_id: str) -> None:
        for event in self._waiting.get(saga_id, ()):
            event.set()
