"""Feels every vendor's pulse: hears the spokes' heartbeats and keeps them, over all workers once in a few seconds."""

import time

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from hub.liveness import store
from hub.liveness.store import Beat
from hub.wiring import Wiring
from vendor_sdk import subjects
from vendor_sdk.messages import Heartbeat

log = structlog.get_logger("pulse")

ROUND_SECONDS = 2.0
MEASURE_SECONDS = 10.0
OLD_SECONDS = 60.0
"""A beat heard longer ago that no round has kept says nothing any more."""


class Pulse:
    """One worker's hand on all pulses. Any number of workers hear; one of them writes."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._beats: dict[str, tuple[float, Heartbeat]] = {}
        self._full: set[str] = set()
        self._hearing: Client | None = None
        self._measured = 0.0

    def full(self, vendor: str) -> None:
        """The broker takes no more for this vendor."""
        self._full.add(vendor)

    async def once(self) -> None:
        """Listen, and keep what was heard if nobody else just has."""
        if not self._wiring.bus.is_connected:
            return
        await self._listen()
        now = time.monotonic()
        async with self._wiring.database.tx() as tx:
            if self._full:
                await store.note_busy(tx, self._full)
            if await store.begin_round(tx, every=ROUND_SECONDS):
                await store.expect_all(tx)
                beats, self._beats = self._beats, {}
                fresh = {vendor: Beat(beat, now - at) for vendor, (at, beat) in beats.items() if now - at < OLD_SECONDS}
                await store.note(tx, fresh)
                if now - self._measured > MEASURE_SECONDS:
                    self._measured = now
                    await store.measure(tx)
        self._full.clear()

    async def _listen(self) -> None:
        client = self._wiring.bus.nc
        if client is not self._hearing:  # a new client has none of the old one's subscriptions
            await client.subscribe(subjects.heartbeat("*"), cb=self._heard)
            self._hearing = client

    async def _heard(self, msg: Msg) -> None:
        try:
            beat = msgspec.json.decode(msg.data, type=Heartbeat)
        except msgspec.DecodeError as error:
            log.debug("pulse.unreadable", subject=msg.subject, error=str(error))
            return
        self._beats[msg.subject.partition(".")[2]] = (time.monotonic(), beat)
