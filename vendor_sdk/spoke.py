"""The runner of one vendor's spoke: pulls commands, answers them, tells facts, says that it is alive."""

import asyncio
import logging
import random
import secrets
import time
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from vendor_sdk import dead_letter, messages, subjects
from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.desk import Desk, seconds_left
from vendor_sdk.envelope import Command, Event, Unreadable, carried, event_id, read_command
from vendor_sdk.errors import AdapterError, retry_after
from vendor_sdk.feeder import Feeder
from vendor_sdk.guard import Guard
from vendor_sdk.inbox import Inbox
from vendor_sdk.link import Link
from vendor_sdk.logs import bound, said
from vendor_sdk.messages import Heartbeat
from vendor_sdk.outbox import Outbox
from vendor_sdk.pages import Pages
from vendor_sdk.ports import PORTS, Catalog, capabilities
from vendor_sdk.puller import Puller, Terms
from vendor_sdk.registry import find
from vendor_sdk.settings import Loaded

log = logging.getLogger(__name__)

NAK_DELAY_FIRST = 1.0
ACK_SECONDS = 2.0
CANCEL_SECONDS = 1.0
FILE = "spokes.sqlite"


class Spoke:
    """One vendor, served by one adapter. `start` once, `stop` once."""

    def __init__(self, loaded: Loaded, data: Path, gate: asyncio.Semaphore | None = None) -> None:
        self.settings = loaded.settings
        self.vendor = loaded.settings.vendor
        self._data = data
        self._gate = gate or asyncio.Semaphore(1)
        self._adapter_type = find(self.settings.adapter)
        self._config = read_config(self._adapter_type, self.settings.config)
        self._capabilities = capabilities(self._adapter_type)
        self._guard = Guard(self.settings.guard, self._capabilities)
        self._link = Link(self.settings.nats, loaded.secrets, f"spoke {self.vendor}", fresh=self._connected, back=self._reconnected)
        self._boot_id = secrets.token_hex(8)
        self._since: dict[str, float] = {}
        self._pullers: dict[str, Puller] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there, as far as is known."""
        return self._link.is_up

    @property
    def breakers(self) -> dict[str, str]:
        """Each capability's breaker: ``closed``, ``open`` or ``half-open``."""
        return self._guard.states

    @property
    def in_flight(self) -> int:
        """Commands in work."""
        return len(self._since)

    async def start(self) -> None:
        """Open the memory and the adapter, then begin to connect. Raises what the adapter's `open` raises."""
        with bound(vendor=self.vendor):
            self._inbox = await Inbox.open(self.vendor, self._data / FILE)
            try:
                self._pages = await Pages.open(self.vendor, self._data)
            except BaseException:
                await self._inbox.close()
                raise
            try:
                self._feeder = Feeder(self._pages, self._link.feed, self.settings.feeds)
                self._outbox = Outbox(self._inbox, self._link.publish)
                self._adapter: Adapter[Any] = self._adapter_type(self.vendor, self._config, self._outbox, self._data)
                self._adapter.feeds = self._feeder
                await self._adapter.open()
            except BaseException:
                await self._forget()
                raise
            self._desk = Desk(self._adapter, self._guard, self._inbox, self._outbox)
            work = (
                self._link.run(self._gate),
                self._outbox.run(),
                self._feeder.send(),
                self._feeder.keep_time(self._adapter),
                self._beat(),
            )
            self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        """Pull no more, let commands in work end, send what waits, close. Safe after a failed start."""
        with bound(vendor=self.vendor):
            if self._tasks:
                self._desk.leave()
            await asyncio.gather(*(puller.stop(patience=self.settings.drain) for puller in self._pullers.values()))
            if not self._tasks:
                return
            await _end(self._tasks)
            await self._link.close()
            await self._adapter.close()
            await self._forget()
            log.info("stopped")

    async def _forget(self) -> None:
        await self._pages.close()
        await self._inbox.close()

    async def _connected(self, client: Client) -> None:
        old, self._pullers = self._pullers, {area: self._puller(client, area) for area in PORTS}
        try:
            for puller in self._pullers.values():
                await puller.start()
        finally:
            for puller in old.values():
                await puller.stop(patience=0)
        self._outbox.wake()
        self._feeder.wake()

    def _puller(self, client: Client, area: str) -> Puller:
        """Pulls one capability's commands, also of one that the adapter has not: what cannot be done is given up at once."""
        nats = self.settings.nats
        return Puller(
            client,
            (subjects.command_stream(self.vendor), subjects.spoke_consumer(area)),
            self._handle,
            prefix=subjects.SPOKE_JETSTREAM_PREFIX,
            terms=Terms(credit=self.settings.concurrency, expires=nats.pull_expires, heartbeat=nats.idle_heartbeat),
            closed_for=partial(self._guard.closed_for, area),
        )

    async def _reconnected(self) -> None:
        for puller in self._pullers.values():
            await puller.renew()
        self._outbox.wake()
        self._feeder.wake()

    async def _handle(self, msg: Msg) -> None:
        """Answer one message, keeping it ours meanwhile; on any surprise it stays unacknowledged and comes again."""
        self._since[msg.reply] = time.monotonic()
        headers = msg.headers or {}
        facts = carried(headers)
        with bound(
            vendor=self.vendor,
            command_id=headers.get(messages.COMMAND_ID, ""),
            correlation_id=facts.get(messages.CORRELATION_ID, ""),
            traceparent=facts.get(messages.TRACEPARENT, ""),
        ):
            work = asyncio.ensure_future(self._serve(msg))
            try:
                while not work.done():
                    await asyncio.wait({work}, timeout=self.settings.progress)
                    if not work.done():
                        with suppress(NatsError):
                            await msg.in_progress()
                work.result()
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("not told, will come again: %s", said(error))
            except Exception:
                log.exception("command failed unexpectedly, will come again")
            finally:
                work.cancel()
                del self._since[msg.reply]

    async def _serve(self, msg: Msg) -> None:
        try:
            command = read_command(self.vendor, msg.subject, msg.headers or {}, msg.data)
            await self._answer(msg, command)
        except Unreadable as error:
            await self._bury(msg, error.code, str(error))

    async def _answer(self, msg: Msg, command: Command) -> None:
        try:
            event = await self._desk.answer(command)
        except AdapterError as error:
            delay = self._nak_delay(msg, error)
            left = seconds_left(command, time.time())
            if not error.retryable or (left is not None and left <= delay):
                await self._bury(msg, error.code, error.message, command)
                return
            log.warning("%s: asked again in %.1f s: %s", command.kind, delay, error.message)
            await msg.nak(delay=delay)
            return
        if event is None:
            log.warning("%s came after its deadline and was not done", command.kind)
            await msg.term()
            return
        await self._link.publish(event)
        await msg.ack_sync(timeout=ACK_SECONDS)
        log.info("%s: %s", command.kind, event.kind)

    def _nak_delay(self, msg: Msg, error: AdapterError) -> float:
        backoff = NAK_DELAY_FIRST * 2 ** min(msg.metadata.num_delivered - 1, 10) * (0.75 + random.random() / 2)  # noqa: S311 - spreads the load, guards nothing
        return max(min(backoff, self.settings.nak_delay_max), retry_after(error))

    async def _bury(self, msg: Msg, code: str, detail: str, command: Command | None = None) -> None:
        """Tell the hub that this message is given up for good, then end it at the broker."""
        headers, meta = msg.headers or {}, msg.metadata
        known = command.id if command else _usable_id(headers.get(messages.COMMAND_ID))
        dead = dead_letter.build(subjects.kind_of(msg.subject), code, detail, attempts=meta.num_delivered, payload=msg.data)
        stored_at = int(meta.timestamp.timestamp() * 1000)  # stream sequences are used again after the broker lost data
        event = Event(
            id=event_id(known or f"{meta.stream[:32]}-{meta.sequence.stream}-{stored_at}", dead_letter.KIND),
            command_id=known or "",
            kind=dead_letter.KIND,
            body=messages.encode(dead),
            attempt=command.attempt if command else 1,
            carried=carried(headers),
        )
        await self._link.publish(event)
        await msg.term()
        log.error("given up: %s: %s", code, detail)

    async def _beat(self) -> None:
        """Say that we are alive, first at a random moment so that many spokes do not beat as one."""
        await asyncio.sleep(random.random() * self.settings.heartbeat)  # noqa: S311 - spreads the load, guards nothing
        while True:
            oldest = min(self._since.values(), default=None)
            beat = Heartbeat(
                boot_id=self._boot_id,
                version=_version(),
                capabilities=[*self._capabilities, *(["catalog"] if issubclass(self._adapter_type, Catalog) else [])],
                breakers=self._guard.states,
                in_flight=len(self._since),
                oldest_command_age=0.0 if oldest is None else time.monotonic() - oldest,
            )
            await self._link.say(subjects.SPOKE_HEARTBEAT, messages.encode(beat))
            await asyncio.sleep(self.settings.heartbeat)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until each has ended: before Python 3.12 `wait_for` forgets a cancel that meets the result it waits for."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


def _usable_id(text: str | None) -> str | None:
    """A command id that the hub could know, if a message bears one."""
    return text if text and len(text) <= 64 and all(c.isascii() and (c.isalnum() or c in "._-") for c in text) else None  # noqa: PLR2004 - as messages.Id


def _version() -> str:
    try:
        return version("wheelwright-vendor-sdk")
    except PackageNotFoundError:
        return "0"
