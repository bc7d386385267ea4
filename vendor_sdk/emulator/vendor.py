"""The vendor's side: its own adapter behind the SDK's real desk, guard, inbox and outbox, on the in-process link."""

import logging
from pathlib import Path
from typing import Any

from vendor_sdk import dead_letter, messages, subjects
from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.desk import Desk, seconds_left
from vendor_sdk.emulator.cut import Cable, over
from vendor_sdk.emulator.link import Link, Wire
from vendor_sdk.envelope import Command, Event, Unreadable, event_id, read_command
from vendor_sdk.errors import AdapterError, retry_after
from vendor_sdk.guard import Guard
from vendor_sdk.inbox import Clock, Inbox
from vendor_sdk.outbox import Outbox
from vendor_sdk.ports import capabilities
from vendor_sdk.registry import find
from vendor_sdk.settings import Loaded

log = logging.getLogger(__name__)

FILE = "spokes.sqlite"
NAK_DELAY_FIRST = 1.0


class Vendor:
    """One vendor's spoke without a broker. `start` once, `stop` once."""

    def __init__(self, loaded: Loaded, data: Path, clock: Clock, link: Link) -> None:
        settings = loaded.settings
        self.name = settings.vendor
        self.cable = Cable()
        self._settings = settings
        self._data = data
        self._clock = clock
        self._link = link
        adapter_type = find(settings.adapter)
        self._config = read_config(adapter_type, settings.config)
        self.capabilities = frozenset(capabilities(adapter_type))
        self._adapter_type = over(adapter_type, self.cable)
        self._guard = Guard(settings.guard, self.capabilities, opened=self.cable.note_opened)

    async def start(self) -> None:
        """Open the memory and the adapter. Raises what the adapter's `open` raises."""
        self._inbox = await Inbox.open(self.name, self._data / FILE, self._clock)
        try:
            self.outbox = Outbox(self._inbox, self._link.publish, self._clock)
            self._adapter: Adapter[Any] = self._adapter_type(self.name, self._config, self.outbox, self._data)
            await self._adapter.open()
        except BaseException:
            await self._inbox.close()
            raise
        self._desk = Desk(self._adapter, self._guard, self._inbox, self.outbox, self._clock)

    async def stop(self) -> None:
        """Let go of everything."""
        self._desk.leave()
        await self._adapter.close()
        await self._inbox.close()

    async def next_due(self) -> float | None:
        """When the adapter has something to tell."""
        return await self._inbox.next_due()

    async def serve(self, wire: Wire) -> float | None:
        """Answer a command; seconds after which it is to come again, or None."""
        try:
            command = read_command(self.name, wire.subject, wire.headers, wire.body)
            return await self._answer(wire, command)
        except Unreadable as error:
            await self._bury(wire, error.code, str(error), None)
        return None

    async def _answer(self, wire: Wire, command: Command) -> float | None:
        try:
            event = await self._desk.answer(command)
        except AdapterError as error:
            backoff = min(NAK_DELAY_FIRST * 2 ** min(wire.delivery - 1, 10), self._settings.nak_delay_max)
            delay = max(backoff, retry_after(error))
            left = seconds_left(command, self._clock())
            if error.retryable and (left is None or left > delay):
                log.warning("%s: asked again in %.1f s: %s", command.kind, delay, error.message)
                return delay
            await self._bury(wire, error.code, error.message, command)
            return None
        if event is not None:
            await self._link.answer(event)
        return None

    async def _bury(self, wire: Wire, code: str, detail: str, command: Command | None) -> None:
        dead = dead_letter.build(subjects.kind_of(wire.subject), code, detail, attempts=wire.delivery, payload=wire.body)
        event = Event(
            id=event_id(wire.command_id, dead_letter.KIND),
            command_id=wire.command_id,
            kind=dead_letter.KIND,
            body=messages.encode(dead),
            attempt=command.attempt if command else 1,
        )
        await self._link.answer(event)
