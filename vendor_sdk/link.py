"""The supervised connection to the broker: it never gives up, notices when nats-py has, and frees it when it is wedged."""

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext

from vendor_sdk import messages
from vendor_sdk.envelope import Event, event_headers
from vendor_sdk.logs import said
from vendor_sdk.pages import Page
from vendor_sdk.settings import Nats, Secrets
from vendor_sdk.subjects import spoke_event, spoke_feed

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
WATCH_SECONDS = 2.0
ROUND_TRIP_SECONDS = 2
MISSES_TO_ABORT = 2
"""One missed round trip may be a restart in progress."""
MISSES_TO_REPLACE = 6
"""A client whose own tasks have died believes in its connection for ever, or reconnects for ever: no abort helps."""
PAUSE_FIRST = 0.2
RECONNECT_SECONDS = 0.3
PAUSE_MAX = 5.0


class NotConnected(ConnectionError):
    """There is no broker to talk to at this moment."""


class Link:
    """One spoke's connection. `fresh` is called with every new client, `back` when a client has reconnected by itself."""

    def __init__(
        self, nats: Nats, secrets: Secrets, name: str, *, fresh: Callable[[Client], Awaitable[None]], back: Callable[[], Awaitable[None]]
    ) -> None:
        self._nats = nats
        self._secrets = secrets
        self._name = name
        self._fresh = fresh
        self._back = back
        self._client: Client | None = None
        self._closed = asyncio.Event()
        self._trouble: Exception | None = None
        self._complaints = 0

    @property
    def is_up(self) -> bool:
        """Whether the client believes to be connected."""
        return self._client is not None and self._client.is_connected

    async def run(self, gate: asyncio.Semaphore) -> None:
        """Keep a client connected until canceled. `gate` bounds how many links of a process connect at once."""
        pause = PAUSE_FIRST
        while True:
            try:
                async with gate:
                    self._client = await self._connect()
                await self._fresh(self._client)
                pause = PAUSE_FIRST
                log.info("connected to the broker")
                await self._watch(self._client)
            except Exception as error:  # noqa: BLE001 - a seed that is no seed, say: a link that ends is a spoke that never works, unnoticed
                log.warning("no connection to the broker: %s", said(self._trouble or error))
            client, self._client = self._client, None
            if client is not None:
                await self._discard(client)
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - spreads the load, guards nothing
            pause = min(pause * 2, PAUSE_MAX)

    async def publish(self, event: Event) -> None:
        """Tell the hub; returns when the broker has stored it. Raises `NotConnected`, `nats.errors.Error` or `TimeoutError`."""
        await self._store(spoke_event(event.kind), event.body, event_headers(event))

    async def feed(self, page: Page) -> None:
        """The same for a page of a feed."""
        headers = {messages.MSG_ID: page.message_id, messages.SCHEMA: messages.SCHEMA_VERSION}
        await self._store(spoke_feed(page.kind), page.body, headers)

    async def _store(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        if self._client is None or not self._client.is_connected:
            raise NotConnected("there is no broker to talk to")
        await JetStreamContext(self._client, timeout=self._nats.publish_timeout).publish(subject, body, headers=headers)

    async def say(self, subject: str, body: bytes) -> None:
        """Core NATS, at most once; silently nothing while there is no connection."""
        if self._client is not None and self._client.is_connected:
            with suppress(NatsError):
                await self._client.publish(subject, body)

    async def close(self) -> None:
        """Send what waits, then close."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(NatsError, OSError, TimeoutError):
            if client.is_connected:
                await client.flush(timeout=2)
        await self._discard(client)

    async def _connect(self) -> Client:
        client = Client()
        self._closed = closed = asyncio.Event()
        self._trouble = None

        async def on_closed() -> None:
            closed.set()

        try:
            await asyncio.wait_for(
                client.connect(
                    self._nats.url.split(","),
                    name=self._name,
                    error_cb=self._note_error,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._found,
                    closed_cb=on_closed,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_SECONDS,  # pyright: ignore[reportArgumentType] - it only sleeps by it
                    ping_interval=self._nats.ping,  # pyright: ignore[reportArgumentType] - it only sleeps by it
                    **self._credentials(),
                ),
                CONNECT_SECONDS,
            )
        except BaseException:
            await self._discard(client)
            raise
        self._trouble = None
        return client

    def _credentials(self) -> dict[str, Any]:
        nats, secrets, options = self._nats, self._secrets, dict[str, Any]()
        if secrets.seed:
            options["nkeys_seed_str"] = secrets.seed
        elif nats.seed_file:
            options["nkeys_seed"] = nats.seed_file
        elif nats.creds_file:
            options["user_credentials"] = nats.creds_file
        elif nats.user:
            options |= {"user": nats.user, "password": secrets.password}
        if nats.tls_ca or nats.tls_cert or nats.url.startswith("tls://"):
            context = ssl.create_default_context(cafile=nats.tls_ca or None)
            if nats.tls_cert:
                context.load_cert_chain(nats.tls_cert, nats.tls_key or None)
            options["tls"] = context
        return options

    async def _watch(self, client: Client) -> None:
        """Return when `client` has closed for good or is dead inside; free it when its peer is a black hole."""
        misses = stuck = complaints = 0
        while not self._closed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._closed.wait()
            if await _answers(client):
                misses = stuck = 0
                continue
            misses += 1
            if misses % MISSES_TO_ABORT == 0:
                _abort(client)
            tries = client.is_reconnecting and self._complaints != complaints  # a broker that is away is complained about
            stuck, complaints = 0 if tries else stuck + 1, self._complaints
            if stuck >= MISSES_TO_REPLACE:
                log.warning("the connection to the broker is dead: a new one is made")
                return
        log.warning("the broker closed the connection for good: a new one is made")

    async def _lost(self) -> None:
        if self._client is not None:
            log.warning("lost the broker")

    async def _found(self) -> None:
        log.info("reconnected to the broker")
        with suppress(NatsError, OSError):
            await self._back()

    async def _discard(self, client: Client) -> None:
        with suppress(Exception):  # one that never got as far as connecting asserts that it has
            await asyncio.wait_for(client.close(), 2)
        _abort(client)

    async def _note_error(self, error: Exception) -> None:
        """Never raises: an exception here would end nats-py's read loop unnoticed."""
        self._complaints += 1
        self._trouble = error  # while it connects it says only here what is wrong
        log.debug("nats: %s", said(error))


async def _answers(client: Client) -> bool:
    """Whether a round trip works now. `flush` alone may lie: with a task of the client's dead it waits for nothing."""
    tasks: list[asyncio.Task[Any] | None] = [client._reading_task, client._flusher_task]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportUnknownMemberType] - there is no public way
    if not client.is_connected or any(task is None or task.done() for task in tasks):
        return False
    try:
        await client.flush(ROUND_TRIP_SECONDS)
    except (NatsError, OSError, RuntimeError):  # uvloop raises the last where asyncio raises an OSError
        return False
    return True


def _abort(client: Client) -> None:
    """Drop the socket without waiting for the peer, for nats-py waits forever where a peer has gone silent."""
    transport = client._transport  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no public way
    writer = getattr(transport, "_io_writer", None)
    if writer is not None:
        writer.transport.abort()
