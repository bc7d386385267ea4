"""The rig: one adapter with the SDK's desk, guard, inbox and outbox around it, asked as a hub asks, without a broker."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vendor_sdk import messages, subjects
from vendor_sdk.adapter import Adapter, read_config
from vendor_sdk.conformance import commands
from vendor_sdk.conformance.fault import Fault
from vendor_sdk.conformance.heard import Broken, Heard, Late, Unfinished, said
from vendor_sdk.conformance.leftovers import Leftovers
from vendor_sdk.conformance.stage import Stage
from vendor_sdk.desk import Desk
from vendor_sdk.envelope import Event, read_command
from vendor_sdk.errors import AdapterError, Unsupported
from vendor_sdk.guard import Guard, Limits
from vendor_sdk.inbox import Inbox
from vendor_sdk.messages import ANSWERS, Message, Pending
from vendor_sdk.outbox import Outbox
from vendor_sdk.ports import CommandBody, answer_kind, capabilities

PLENTY = 1_000_000
FEW = 4
ASK_AGAIN_FIRST = 0.02
ASK_AGAIN_MAX = 0.5
GRACE_SECONDS = 1.0
"""So much later than its deadline a call may end."""
CANCEL_SECONDS = 0.05

PATIENT = Limits(timeout=60.0, attempts=3, wait_first=0.2, wait_max=5.0, breaker_failures=1_000)
"""A busy sandbox is asked again; no breaker falls over the trials."""


class Rig:
    """Open it, ask, close it: then what was set aside is given back and what was ordered is recalled."""

    def __init__(self, adapter: type[Adapter[Any]], stage: Stage, folder: Path, limits: Limits) -> None:
        self.patience = stage.settings.patience
        self.capabilities = capabilities(adapter)
        self._adapter_type = adapter
        self._stage = stage
        self._folder = folder
        self._limits = limits
        self._config = read_config(adapter, stage.config)
        self._token = secrets.token_hex(5)
        self._numbers = 0
        self._memories = 0
        self._unwritten = ""
        self._leftovers = Leftovers()
        self._is_failing = False
        self.told: list[Event] = []

    async def open(self) -> None:
        """Start as a spoke does, with an empty memory. Raises what the adapter's `open` raises."""
        self._memories += 1
        vendor, data = self._stage.settings.vendor, self._folder / "data"
        data.mkdir(exist_ok=True)
        self._inbox = await Inbox.open(vendor, self._folder / f"memory-{self._memories}.sqlite")
        self._guard = Guard(self._limits, self.capabilities)
        self._outbox = Outbox(self._inbox, self._hear)
        self._adapter = self._stage.adapter = self._adapter_type(vendor, self._config, self._outbox, data)
        try:
            await self._adapter.open()
        except BaseException:
            await self._inbox.close()
            raise
        self._desk = Desk(self._adapter, self._guard, self._inbox, self._outbox)
        self._telling = asyncio.create_task(self._outbox.run())

    async def close(self) -> None:
        """Give back and recall, where the same SKUs serve the next trial; stop."""
        if self._stage.settings.skus:
            self._guard = Guard(PATIENT, self.capabilities)
            self._desk = Desk(self._adapter, self._guard, self._inbox, self._outbox)
            for asked, body in self._leftovers.undoing():
                await self._undo(asked, body)
        await self._stop()

    async def forget(self) -> None:
        """As after a crash that took the spoke's memory along: what was answered is not known; the vendor's system is as it was."""
        await self._stop()
        await self.open()

    async def _stop(self) -> None:
        while not self._telling.done():  # before Python 3.12 `wait_for` forgets a cancel that meets the result it waits for
            self._telling.cancel()
            await asyncio.wait({self._telling}, timeout=CANCEL_SECONDS)
        await self._adapter.close()
        await self._inbox.close()

    @property
    def left(self) -> str:
        """What may be in the vendor's system still, where the same SKUs serve the next trial; empty if nothing is."""
        return self._leftovers.told() if self._stage.settings.skus else ""

    def serves(self, area: str) -> bool:
        """Whether the adapter has that capability."""
        return area in self.capabilities

    def new_id(self) -> str:
        """A sub-order or a command that nobody has heard of."""
        self._numbers += 1
        return f"kit-{self._token}-{self._numbers}"

    @property
    def reaches(self) -> str:
        """The kind of command that reaches the vendor's system, where that of the first capability does not."""
        return self._stage.settings.reaches

    def breaker(self, body: CommandBody) -> str:
        """The state of the breaker that such a command goes through."""
        return self._guard.states[commands.kind_of(body).partition(".")[0]]

    @property
    def sent(self) -> list[str] | None:
        """What the vendor's system was sent so far, if that can be seen."""
        return self._stage.meddler.sent if self._stage.meddler else None

    @property
    def struck(self) -> int | None:
        """How many calls met a fault so far, if that can be seen."""
        return self._stage.meddler.struck if self._stage.meddler else None

    async def few(self) -> tuple[str, int]:
        """A SKU, and how many free units of it there are."""
        if skus := self._stage.settings.skus:
            return skus.few, skus.units
        sku = self.new_id()
        await self._stage.stock(sku, FEW)
        return sku, FEW

    async def plenty(self) -> str:
        """A SKU of which there are more units than any trial takes."""
        if skus := self._stage.settings.skus:
            return skus.plenty
        sku = self.new_id()
        await self._stage.stock(sku, PLENTY)
        return sku

    @asynccontextmanager
    async def failing(self, fault: Fault) -> AsyncGenerator[None]:
        """The vendor's system fails in this way inside the block. Raises `Broken` at its end if no call met it."""
        before = self.struck
        await self._stage.fault(fault)
        self._is_failing = True
        try:
            yield
        finally:
            await self._stage.fault(None)
            self._is_failing = False
        if self._unwritten:
            raise Unfinished(self._unwritten)
        if before is not None and self.struck == before:
            raise Broken(asked=f"calls into a system that fails: {fault}", came="no call that met the fault", expected="at least one")

    async def ask(
        self, body: CommandBody, command_id: str = "", *, attempt: int = 1, seconds: float | None = None, note: str = ""
    ) -> Heard:
        """What comes of one command, asked over the wire's own form; `seconds` until its deadline (default: the patience)."""
        command_id = command_id or self.new_id()
        self._leftovers.ask(body, command_id)
        heard = await self._asked(body, command_id, attempt, self.patience if seconds is None else seconds, note)
        if not self._is_failing or isinstance(heard.error, Unsupported):
            self._leftovers.hear(body, command_id, heard)
        return heard

    async def _asked(self, body: CommandBody, command_id: str, attempt: int, seconds: float, note: str) -> Heard:
        kind, wire = commands.kind_of(body), messages.encode(body)
        await self._stage.asked(body, command_id)
        headers = {
            messages.COMMAND_ID: command_id,
            messages.ATTEMPT: str(attempt),
            messages.DEADLINE: datetime.fromtimestamp(time.time() + seconds, UTC).isoformat(),
        }
        vendor = self._stage.settings.vendor
        command = read_command(vendor, subjects.command(vendor, kind), headers, wire)
        asked, began = " ".join(filter(None, [said(kind, body), note])), time.monotonic()
        answering = asyncio.create_task(self._desk.answer(command))
        await asyncio.wait({answering}, timeout=seconds + GRACE_SECONDS)
        if not answering.done():
            answering.cancel()  # and not waited for: it has not heeded the deadline either
            raise Late(asked=asked, came="nothing, long after its deadline", expected="an answer or Retry in time")
        try:
            event = answering.result()
        except AdapterError as error:
            self._unwritten = error.message if isinstance(error, Unsupported) else ""
            return Heard(asked=asked, error=error, seconds=time.monotonic() - began)
        answer = None if event is None else messages.decode_event(event.kind, event.body)
        size, lasted = len(event.body) if event else 0, time.monotonic() - began
        return Heard(asked=asked, kind=event.kind if event else "", body=answer, size=size, seconds=lasted)

    async def settled(self, body: CommandBody, command_id: str = "", *, attempt: int = 1, note: str = "") -> Heard:
        """As `ask`; a pending answer is asked for again, as the hub does, until it is final or patience ends."""
        command_id = command_id or self.new_id()
        ends, pause = time.monotonic() + self.patience, ASK_AGAIN_FIRST
        heard = await self.ask(body, command_id, attempt=attempt, note=note)
        while isinstance(heard.body, Pending) and time.monotonic() < ends:
            await asyncio.sleep(pause)
            pause = min(pause * 2, ASK_AGAIN_MAX)
            attempt += 1
            heard = await self._fact(body, command_id, heard) or await self.ask(body, command_id, attempt=attempt, note=note)
        return heard

    async def _fact(self, body: CommandBody, command_id: str, pending: Heard) -> Heard | None:
        """The answer that was told instead of asked for, by the adapter or by the vendor's people."""
        kinds = {kind for kind in ANSWERS[commands.kind_of(body)] if not kind.endswith(".pending")}
        for event in self.told:
            if event.command_id == command_id and event.kind in kinds:
                answer: Message = messages.decode_event(event.kind, event.body)
                return Heard(asked=pending.asked, kind=event.kind, body=answer, size=len(event.body))
        told = await self._stage.told(body, command_id)
        if told is None:
            return None
        return Heard(asked=pending.asked, kind=answer_kind(commands.kind_of(body), told), body=told, size=len(messages.encode(told)))

    async def _hear(self, event: Event) -> None:
        self.told.append(event)

    async def _undo(self, asked: str, body: CommandBody) -> None:
        """Tidying up is no trial: what it cannot do is told, and fails nothing."""
        try:
            self._leftovers.failed(asked, (await self.ask(body)).came)
        except Exception as error:  # noqa: BLE001 - whatever an adapter does, the others are tidied up
            self._leftovers.failed(asked, str(error))
