"""A continuous pull consumer on credit: asks JetStream for as many messages as it can work on, and notices silence.

Replaces nats-py's `fetch`, which under several pullers withholds messages for up to its whole time-out.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

log = logging.getLogger(__name__)

HEARTBEAT = "100"
MISSED_HEARTBEATS = 2.5
GONE_RETRY_FIRST = 0.25
GONE_RETRY_MAX = 5.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How to pull: `credit` messages at most in work or on the way; times in seconds, `expires` over twice `heartbeat`."""

    credit: int = 16
    expires: float = 30.0
    heartbeat: float = 5.0


def always() -> float:
    """Pull whenever there is credit."""
    return 0.0


class Puller:
    """Pulls one durable consumer through `prefix` and runs `handle` for each message.

    `handle` must not raise and acknowledges by itself. `closed_for` says for how many seconds nothing should be
    pulled (0: pull now); it is asked again at each message and after each. What was asked for before may still come:
    to listen no longer would lose it until its redelivery, for the broker counts it as delivered.
    """

    def __init__(
        self,
        client: Client,
        consumer: tuple[str, str],
        handle: Callable[[Msg], Awaitable[None]],
        *,
        prefix: str = "$JS.API",
        terms: Terms | None = None,
        closed_for: Callable[[], float] = always,
    ) -> None:
        stream, durable = consumer
        self._client = client
        self._subject = f"{prefix}.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._handle = handle
        self._terms = terms or Terms()
        self._closed_for = closed_for
        self._inbox = ""
        self._serial = 0
        self._expected = 0
        self._working: set[asyncio.Future[None]] = set()
        self._pulling: set[asyncio.Future[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._gone_pause = GONE_RETRY_FIRST
        self._heard = time.monotonic()
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Messages in work."""
        return len(self._working)

    async def start(self) -> None:
        """Subscribe and pull. Raises `nats.errors.Error` if the connection is gone."""
        await self._subscribe()
        self._watch = asyncio.create_task(self._watch_silence())
        await self._pull()

    async def renew(self) -> None:
        """Forget outstanding pulls (they died with the connection or the broker) and pull anew, on an inbox of its own.

        Across accounts the broker keeps an old connection's pull for as long as somebody listens on its inbox, and
        what it sends there reaches nobody.
        """
        self._cancel_later()
        old = self._subscription
        await self._subscribe()
        with suppress(NatsError):
            await old.unsubscribe()
        await self._pull()

    async def _subscribe(self) -> None:
        self._inbox = self._client.new_inbox()
        self._serial = 0
        self._expected = 0
        self._heard = time.monotonic()
        limit = self._terms.credit * 4
        subscribing = self._client.subscribe(f"{self._inbox}.*", cb=self._receive, pending_msgs_limit=limit)  # pyright: ignore[reportUnknownMemberType] - nats-py leaves a Future bare
        self._subscription = await subscribing

    async def stop(self, *, patience: float) -> None:
        """Pull no more, let handlers end for `patience` seconds, cancel the rest (they will be delivered again)."""
        self._stopping = True
        self._cancel_later()
        if self._watch:
            self._watch.cancel()
        try:
            await self._subscription.unsubscribe()
        except (NatsError, AttributeError):
            log.debug("nothing to unsubscribe")
        if self._working:
            _, slow = await asyncio.wait(self._working, timeout=patience)
            for task in slow:
                task.cancel()
            if slow:
                await asyncio.wait(slow, timeout=1)

    async def _pull(self) -> None:
        """Ask for what the credit allows; half of it at least, lest every message cost a request."""
        want = self._terms.credit - self._expected - len(self._working)
        if self._stopping or not self._client.is_connected:
            return
        if (closed := self._closed_for()) > 0:
            self._pull_in(closed)
            return
        if self._later is not None:
            return
        if want <= 0 or (self._expected > 0 and want < self._terms.credit // 2):
            return
        self._serial += 1
        self._expected += want
        request = {"batch": want, "expires": int(self._terms.expires * 1e9), "idle_heartbeat": int(self._terms.heartbeat * 1e9)}
        try:
            await self._client.publish(self._subject, json.dumps(request).encode(), reply=f"{self._inbox}.{self._serial}")
        except NatsError as error:
            self._expected -= want
            log.debug("cannot pull: %s", error)

    async def _receive(self, msg: Msg) -> None:
        self._heard = time.monotonic()
        if msg.reply.startswith("$JS.ACK."):
            self._gone_pause = GONE_RETRY_FIRST
            self._expected = max(0, self._expected - 1)
            task = asyncio.ensure_future(self._handle(msg))
            self._working.add(task)
            task.add_done_callback(self._worked)
        else:
            self._heed(msg.subject, msg.headers or {})
        await self._pull()

    def _heed(self, subject: str, headers: dict[str, str]) -> None:
        """A status. Anything but a heartbeat ends the pull it names, with so many messages not delivered."""
        status = headers.get("Status", "")
        if status == HEARTBEAT or not subject.startswith(f"{self._inbox}."):
            return
        undelivered = headers.get("Nats-Pending-Messages", "")
        self._expected = max(0, self._expected - int(undelivered)) if undelivered.isdigit() else 0
        if not undelivered.isdigit():
            log.debug("pull ended: %s %s", status, headers.get("Description", ""))
            self._pull_in(self._gone_pause)
            self._gone_pause = min(self._gone_pause * 2, GONE_RETRY_MAX)

    def _worked(self, task: asyncio.Future[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a message's handler failed", exc_info=error)
        self._pull_soon()

    def _pull_later(self) -> None:
        self._later = None
        self._pull_soon()

    def _pull_soon(self) -> None:
        """Look again whether, and how much, to pull."""
        if not self._stopping:
            self._keep(self._pull())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._pulling.add(task)
        task.add_done_callback(self._pulling.discard)

    def _pull_in(self, seconds: float) -> None:
        if self._later is None and not self._stopping:
            self._later = asyncio.get_running_loop().call_later(seconds, self._pull_later)

    def _cancel_later(self) -> None:
        if self._later:
            self._later.cancel()
            self._later = None

    async def _watch_silence(self) -> None:
        """Missed heartbeats mean that the pull is lost: the broker restarted, or the consumer moved."""
        while True:
            await asyncio.sleep(self._terms.heartbeat)
            if self._client.is_connected and time.monotonic() - self._heard > MISSED_HEARTBEATS * self._terms.heartbeat:
                log.debug("missed heartbeats: pulling anew")
                try:
                    await self.renew()
                except (NatsError, OSError) as error:  # the connection went just now; a watch that ends would never pull again
                    log.debug("cannot pull anew: %s", error)
