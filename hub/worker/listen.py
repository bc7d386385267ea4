"""Hears every vendor: a puller for each one's events and one for its feeds, and the streams themselves kept in being."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.checkout.conclude import give_up
from hub.checkout.hear import Foreign, Heard, attempt_of, hear, keep_for_triage
from hub.feeds import hear as feeds
from hub.kernel.errors import Unavailable
from hub.runtime import steps, topology
from hub.runtime.database import HUB
from hub.runtime.puller import Puller
from hub.runtime.steps import Outcome
from hub.runtime.trace import Trace
from hub.vendors import store as vendors
from hub.wiring import Wiring
from vendor_sdk import messages, subjects

log = structlog.get_logger("listen")

SETTLE_AT_ONCE = 16
CATCH_UP_SECONDS = 5.0
SETTLE_PAUSE_MAX = 30.0
TRIES_MAX = 10
FEED_HEARTBEAT_SECONDS = 30.0
"""Each vendor has a pull for its feeds that nearly always waits; a page may come a minute late, a thousand heartbeats a second may not."""


class Listener:
    """One worker's hearing side."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._pullers: dict[str, Puller] = {}
        self._missing: set[str] = set()
        self._again_at: dict[str, tuple[float, int]] = {}
        self._shared_missing = True
        self.hearing_since: float | None = None
        self._handling = asyncio.Semaphore(max(1, wiring.settings.database.pool_size // 2))
        """Half of the connections at most: who waits here has not taken one yet, and sending needs the others."""
        self._feeding = asyncio.Semaphore(max(1, wiring.settings.database.pool_size // 8))
        """Feeds have a share of their own, so that no answer waits for a catalog."""

    @property
    def hears(self) -> bool:
        """Whether we have been listening for long enough to have heard what vendors said while we, or the broker, were away."""
        return self.hearing_since is not None and time.monotonic() - self.hearing_since > CATCH_UP_SECONDS

    def missing(self, stream_or_vendor: str) -> None:
        """A stream is not there (a wiped broker, a new vendor): put it right at the next look."""
        vendor = stream_or_vendor.removeprefix("CMD_").removeprefix("EVT_").removeprefix("FEED_")
        if vendor == subjects.ADVISORY_STREAM:
            self._shared_missing = True
        else:
            self._missing.add(vendor)

    async def once(self) -> None:
        """See that every vendor has its streams and its puller."""
        if not self._wiring.bus.is_connected:
            self.hearing_since = None
            return
        async with self._wiring.database.reading() as tx:
            wanted = {row.code for row in await vendors.broker_accounts(tx)}
        if self._shared_missing:
            await topology.ensure_shared(self._wiring.bus.js, self._wiring.settings.nats.replicas)
            self._shared_missing = False
            if subjects.ADVISORY_STREAM not in self._pullers:
                self._pullers[subjects.ADVISORY_STREAM] = Puller(
                    self._wiring.bus, subjects.ADVISORY_STREAM, subjects.CONSUMER_HUB, self._advised, on_gone=self.missing
                )
        now = time.monotonic()
        todo = sorted(v for v in (wanted - self._pullers.keys()) | (self._missing & wanted) if self._again_at.get(v, (0.0, 0))[0] <= now)
        for start in range(0, len(todo), SETTLE_AT_ONCE):
            await asyncio.gather(*(self._try_to_settle(vendor) for vendor in todo[start : start + SETTLE_AT_ONCE]))
        for puller in list(self._pullers.values()):
            await puller.tend()
        self.hearing_since = (self.hearing_since or time.monotonic()) if await self._streams_answer() else None

    async def stop(self) -> None:
        """Ask for nothing more and let what was heard be applied."""
        await asyncio.gather(*(puller.stop() for puller in self._pullers.values()))

    async def _streams_answer(self) -> bool:
        """A cluster without its quorum keeps its connections and tells us nothing."""
        try:
            await self._wiring.bus.js.account_info()
        except (NatsError, OSError, RuntimeError, Unavailable):  # uvloop raises the third where asyncio raises an OSError
            return False
        return True

    async def _try_to_settle(self, vendor: str) -> None:
        try:
            await self._settle(vendor)
        except Exception as error:  # noqa: BLE001  # one vendor's streams are not the others'; looked at again, later each time
            tries = self._again_at.get(vendor, (0.0, 0))[1] + 1
            self._again_at[vendor] = (time.monotonic() + min(SETTLE_PAUSE_MAX, 0.25 * 2**tries), tries)
            self._missing.add(vendor)
            log.warning("listen.not_settled", vendor=vendor, tries=tries, error=repr(error))
        else:
            self._again_at.pop(vendor, None)

    async def _settle(self, vendor: str) -> None:
        await topology.ensure_vendor(self._wiring.bus.js, vendor, self._wiring.settings.nats.replicas)
        self._missing.discard(vendor)
        if vendor not in self._pullers:

            async def heard(msg: Msg) -> None:
                await self._heard(vendor, msg)

            self._pullers[vendor] = Puller(
                self._wiring.bus,
                subjects.event_stream(vendor),
                subjects.CONSUMER_HUB,
                heard,
                credit=self._wiring.settings.worker.event_credit,
                on_gone=self.missing,
            )

            async def fed(msg: Msg) -> None:
                async with self._feeding:
                    await take_feed(self._wiring, vendor, msg)

            stream = subjects.feed_stream(vendor)
            self._pullers[stream] = Puller(
                self._wiring.bus,
                stream,
                subjects.CONSUMER_HUB,
                fed,
                credit=topology.FEEDS_AT_ONCE,
                heartbeat=FEED_HEARTBEAT_SECONDS,
                on_gone=self.missing,
            )

    async def _heard(self, vendor: str, msg: Msg) -> None:
        async with self._handling:
            await take_event(self._wiring, vendor, msg)

    async def _advised(self, msg: Msg) -> None:
        await take_advisory(self._wiring, msg)


class Count(Protocol):
    """How often a message was delivered, this time included, and when the broker got it."""

    @property
    def num_delivered(self) -> int: ...
    @property
    def timestamp(self) -> datetime: ...


class Given(Protocol):
    """A message as a consumer of the broker gets it."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str] | None: ...
    @property
    def metadata(self) -> Count: ...
    async def ack(self) -> None:
        """It need not come again."""


async def take_event(wiring: Wiring, vendor: str, msg: Given) -> None:
    """What a vendor tells, applied (or put aside if that fails again and again) and then acknowledged; it comes again if this raises."""
    told_at = msg.metadata.timestamp
    message = Heard(vendor=vendor, subject=msg.subject, headers=dict(msg.headers or {}), body=msg.data, told_at=told_at)
    try:
        await hear(wiring.database, wiring.timing, message)
    except Exception as error:
        if msg.metadata.num_delivered < TRIES_MAX or is_away(error):
            raise
        await keep_for_triage(wiring.database, message, Foreign("not_applicable", repr(error)), Trace.new())
    await msg.ack()


async def take_feed(wiring: Wiring, vendor: str, msg: Given) -> None:
    """The same for a page of a feed."""
    told = feeds.Told(vendor=vendor, subject=msg.subject, headers=dict(msg.headers or {}), body=msg.data)
    try:
        await feeds.hear(wiring.database, told)
    except Exception as error:
        if msg.metadata.num_delivered < TRIES_MAX or is_away(error):
            raise
        await feeds.put_aside(wiring.database, told, feeds.Unfit("not_applicable", repr(error)), Trace.new())
    await msg.ack()


def is_away(error: Exception) -> bool:
    """Whether it only says that the database cannot be reached now: that is no fault of the message, however often it happens."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, OSError | PoolTimeoutError)


async def take_advisory(wiring: Wiring, msg: Given) -> None:
    """The broker gave a command up: it was delivered again and again and never acknowledged."""
    advisory = msgspec.json.decode(msg.data)
    if "MAX_DELIVERIES" in msg.subject and advisory.get("stream", "").startswith("CMD_"):
        try:
            lost = await wiring.bus.js.get_msg(advisory["stream"], seq=advisory["stream_seq"], direct=True)
        except NotFoundError:  # gone with its stream, or too old: its step's deadline will tell
            await msg.ack()
            return
        headers: dict[str, str] = lost.headers or {}  # pyright: ignore[reportUnknownVariableType]  # nats-py says `dict` alone
        command_id = headers.get(messages.COMMAND_ID, "")
        async with wiring.database.tx(HUB) as tx:
            step = await steps.get(tx, command_id)
            ours = step is not None and step.target == advisory["stream"].removeprefix("CMD_")
            if step is not None and ours and attempt_of(headers) >= step.attempt:
                outcome = Outcome.dead("max_deliveries", f"delivered {advisory.get('deliveries')} times and never acknowledged")
                await give_up(tx, wiring.timing, step, outcome)
                log.warning("step.given_up_by_broker", step=command_id)
    await msg.ack()
