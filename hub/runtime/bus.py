"""One supervised NATS connection per process: it never gives up, never dies of its own callbacks, and is watched.

The traps it guards against are nats-py's: it closes for good on some errors (a new client is made), an exception in
`error_cb` kills the read loop (ours never raises), a black-holed peer wedges the reconnect (the watchdog aborts the
transport).
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext

from hub.kernel.errors import Unavailable

log = structlog.get_logger("bus")

PING_SECONDS = 5
ROUND_TRIP_SECONDS = 3
MISSES_TO_ABORT = 2
"""One miss may be a restart in progress."""
MISSES_TO_REPLACE = 6
"""A client whose transport is gone can go on believing in it (uvloop raises where nats-py expects an OSError): no abort helps."""
QUIET_SECONDS = 10
"""Between two complaints that the broker cannot be reached."""


class BusSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the broker: user and password, an nkey seed, or a credentials file; TLS by files."""

    url: str
    user: str = ""
    password: str = ""
    nkey_seed: str = ""
    creds_file: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


class Bus:
    """The connection; `nc` and `js` may be replaced under it at any time, so ask for them at each use."""

    def __init__(self, settings: BusSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._nc: Client | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self._quiet_until = 0.0
        self.on_connect: list[Callable[[], Awaitable[None]]] = []
        """Run after every new client: subscriptions of an old one died with it."""

    @property
    def nc(self) -> Client:
        """The current client. Raises `Unavailable` before the first connect."""
        if self._nc is None:
            raise Unavailable("broker_unavailable", "the broker is not connected")
        return self._nc

    @property
    def is_connected(self) -> bool:
        """Whether a client exists that believes it is connected (for a certain answer ask `alive`)."""
        return self._nc is not None and self._nc.is_connected

    @property
    def js(self) -> JetStreamContext:
        """JetStream on the current client."""
        return self.nc.jetstream(timeout=ROUND_TRIP_SECONDS)

    async def start(self) -> None:
        """Begin connecting in the background and go on watching; returns at once, also with the broker down."""
        self._watch = asyncio.create_task(self._supervise(), name=f"bus:{self._name}")

    async def connected(self, within: float) -> bool:
        """Wait up to `within` seconds for a real round trip."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not await self.alive():  # noqa: ASYNC110  # a round trip has no event to wait for
                    await asyncio.sleep(0.05)
                return True
        return False

    async def alive(self) -> bool:
        """Whether a round trip works now (`is_connected` alone may lie, and so does `flush` once a task of the client's is dead)."""
        nc = self._nc
        if nc is None or not nc.is_connected or _deaf(nc):
            return False
        try:
            await nc.flush(ROUND_TRIP_SECONDS)
        except Exception:  # noqa: BLE001  # any failure means: not alive
            return False
        return True

    def hint(self, subject: str, body: bytes = b"") -> None:
        """Send a hint if we can, at once and without waiting; nothing depends on its arrival."""
        nc = self._nc
        if nc is not None and nc.is_connected:
            task = asyncio.ensure_future(self._publish_quietly(nc, subject, body))
            self._hints.add(task)
            task.add_done_callback(self._hints.discard)

    _hints: set[asyncio.Future[None]] = set()  # noqa: RUF012  # keeps tasks alive; shared on purpose

    @staticmethod
    async def _publish_quietly(nc: Client, subject: str, body: bytes) -> None:
        with contextlib.suppress(Exception):
            await nc.publish(subject, body)

    async def close(self) -> None:
        """Stop watching; flush and close."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._discard()

    async def _supervise(self) -> None:
        misses = 0
        while not self._stopping:
            nc = self._nc
            if nc is None or nc.is_closed:
                misses = 0
                await self._connect()
            elif await self.alive():
                misses = 0
            else:
                misses += 1
                if misses % MISSES_TO_ABORT == 0:
                    self._abort(nc)
                if misses >= MISSES_TO_REPLACE and nc.is_connected:
                    log.warning("bus.replaced")
                    await self._discard()
            await asyncio.sleep(1)

    async def _connect(self) -> None:
        await self._discard()
        try:
            self._nc = await nats.connect(**self._options())  # pyright: ignore[reportUnknownMemberType, reportArgumentType]  # untyped options
        except Exception as error:  # noqa: BLE001  # whatever it is, we try again
            log.warning("bus.connect_failed", error=str(error) or type(error).__name__)
            return
        log.info("bus.connected", url=self._settings.url)
        for run in self.on_connect:
            try:
                await run()
            except Exception as error:  # noqa: BLE001  # one listener's trouble is not the bus's
                log.warning("bus.on_connect_failed", error=repr(error))

    def _options(self) -> dict[str, object]:
        s = self._settings

        async def on_error(error: Exception) -> None:
            log.debug("bus.error", error=repr(error))
            now = asyncio.get_running_loop().time()
            if self._nc is None and now >= self._quiet_until:  # nats-py tries on without end, and nothing else would tell
                self._quiet_until = now + QUIET_SECONDS
                log.warning("bus.connect_failed", error=repr(error))

        options: dict[str, object] = {
            "servers": s.url.split(","),
            "name": self._name,
            "ping_interval": PING_SECONDS,
            "max_outstanding_pings": 2,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.25,
            "connect_timeout": 3,
            "error_cb": on_error,
            "pending_size": 8 * 1024 * 1024,
        }
        if s.user:
            options |= {"user": s.user, "password": s.password}
        if s.nkey_seed:
            options["nkeys_seed_str"] = s.nkey_seed
        if s.creds_file:
            options["user_credentials"] = s.creds_file
        if s.tls_ca or s.tls_cert:
            context = ssl.create_default_context(cafile=s.tls_ca or None)
            if s.tls_cert:
                context.load_cert_chain(Path(s.tls_cert), Path(s.tls_key) if s.tls_key else None)
            options["tls"] = context
        return options

    @staticmethod
    def _abort(nc: Client) -> None:
        """Cut a wedged connection, so that the client's own reconnect goes on (nats.py #671)."""
        log.warning("bus.watchdog_abort")
        with contextlib.suppress(Exception):
            nc._transport._io_writer.transport.abort()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType, reportOptionalMemberAccess]  # no public way

    async def _discard(self) -> None:
        nc, self._nc = self._nc, None
        if nc is not None and not nc.is_closed:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(nc.flush(1), 1)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(nc.close(), 2)


def _deaf(nc: Client) -> bool:
    """Whether nobody reads or writes for a client that believes it is connected."""
    tasks: list[asyncio.Task[object] | None] = [nc._reading_task, nc._flusher_task]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]  # no public way
    return any(task is None or task.done() for task in tasks)
