"""A continuous, credit-based pull consumer: work in hand eats credit, so a slow handler slows its own stream only.

It replaces `PullSubscription.fetch`, which with two pullers on one durable now and then holds messages for its whole
time-out. Heartbeats from the broker tell a dead pull request from a quiet stream.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from hub.runtime.bus import Bus

log = structlog.get_logger("puller")

MessageHandler = Callable[[Msg], Awaitable[None]]

HEARTBEAT_STATUS = "100"
LOW_WATER = 2


class Puller:
    """Pulls one durable consumer and hands each message to `handler`, which acknowledges it.

    An exception in the handler leaves the message unacknowledged with a delay, so it comes again.
    `on_gone` is told when stream or consumer do not exist.
    """

    def __init__(  # noqa: PLR0913  # one consumer's whole description
        self,
        bus: Bus,
        stream: str,
        durable: str,
        handler: MessageHandler,
        *,
        credit: int = 64,
        heartbeat: float = 5.0,
        on_gone: Callable[[str], None] | None = None,
    ) -> None:
        self._bus = bus
        self.stream = stream
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._handler = handler
        self._credit = credit
        self._heartbeat = heartbeat
        self._on_gone = on_gone
        self._pulls: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._client: object = None
        self._inbox = ""
        self._count = 0
        self._last = 0.0
        self._stopping = False

    async def tend(self) -> None:
        """Called now and then: (re)subscribe on a new client, ask again when heartbeats stay away."""
        if self._stopping or not self._bus.is_connected:
            return
        if self._client is not self._bus.nc:
            await self._subscribe()
        elif time.monotonic() - self._last > 2.5 * self._heartbeat:
            self._pulls.clear()
            await self._pull()

    async def stop(self, within: float = 10) -> None:
        """Ask for nothing more and wait for the work in hand."""
        self._stopping = True
        if self._subscription is not None:
            with contextlib.suppress(Exception):
                await self._subscription.unsubscribe()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def _subscribe(self) -> None:
        nc = self._bus.nc
        self._client = nc
        self._pulls.clear()
        self._inbox = nc.new_inbox()
        self._subscription = await nc.subscribe(f"{self._inbox}.*", cb=self._received, pending_msgs_limit=self._credit * 8)
        await self._pull()

    async def _pull(self) -> None:
        want = self._credit - sum(self._pulls.values()) - len(self._tasks)
        if want <= 0 or self._stopping:
            return
        self._count += 1
        self._last = time.monotonic()
        self._pulls[str(self._count)] = want
        body = {"batch": want, "expires": int(self._heartbeat * 6e9), "idle_heartbeat": int(self._heartbeat * 1e9)}
        await self._bus.nc.publish(self._subject, msgspec.json.encode(body), reply=f"{self._inbox}.{self._count}")

    async def _received(self, msg: Msg) -> None:
        self._last = time.monotonic()
        status = (msg.headers or {}).get("Status") if not msg.data else None
        if status is None or not msg.subject.startswith(self._inbox):
            self._charge_oldest_pull()
            task = asyncio.create_task(self._run(msg))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif status == HEARTBEAT_STATUS:
            return
        else:
            self._pulls.pop(msg.subject.rsplit(".", 1)[1], None)
            description = (msg.headers or {}).get("Description", "")
            if status == "503" or "Deleted" in description:
                if self._on_gone is not None:
                    self._on_gone(self.stream)
                return  # `tend` asks again once the topology is back
        if sum(self._pulls.values()) < self._credit // LOW_WATER:
            await self._pull()

    def _charge_oldest_pull(self) -> None:
        # A delivered message keeps its original subject, so the pull it belongs to is not visible.
        for token in self._pulls:
            self._pulls[token] -= 1
            if self._pulls[token] <= 0:
                del self._pulls[token]
            return

    async def _run(self, msg: Msg) -> None:
        try:
            await self._handler(msg)
        except Exception as error:  # noqa: BLE001  # the message comes again; the reason is logged
            log.warning("puller.handler_failed", stream=self.stream, error=repr(error))
            with contextlib.suppress(Exception):
                await msg.nak(delay=1)
        if not self._stopping and sum(self._pulls.values()) < self._credit // LOW_WATER:
            with contextlib.suppress(Exception):
                await self._pull()
