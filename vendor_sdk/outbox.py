"""The facts of one vendor on their way to the hub: stored when told, published when due, forgotten when acknowledged."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from vendor_sdk import messages
from vendor_sdk.envelope import Command, Event, event_id
from vendor_sdk.inbox import Clock, Fact, Inbox
from vendor_sdk.logs import said
from vendor_sdk.messages import Message

log = logging.getLogger(__name__)

Publish = Callable[[Event], Awaitable[None]]
"""Sends an event and returns when the broker has stored it; raises if it may not have."""

BATCH = 64
RETRY_FIRST = 0.5
RETRY_MAX = 10.0

TELLABLE = frozenset(kind for kind in messages.EVENTS if not kind.startswith("spoke."))
"""What an adapter may tell: everything but the runner's own words."""


class Held:
    """The facts told while one command is being answered; after `seal` they go their own way."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.facts: list[Fact] = []
        self.open = True

    def seal(self) -> list[Fact]:
        """What was told until now."""
        self.open = False
        return self.facts


_held: ContextVar[Held | None] = ContextVar("held", default=None)


class Outbox:
    """The `vendor_sdk.adapter.Facts` of a running spoke."""

    def __init__(self, inbox: Inbox, publish: Publish, clock: Clock = time.time) -> None:
        self._inbox = inbox
        self._clock = clock
        self._publish = publish
        self._stirred = asyncio.Event()

    async def tell(self, kind: str, message: Message, *, command_id: str, after: float = 0.0) -> None:
        """See `vendor_sdk.adapter.Facts.tell`."""
        if messages.EVENTS.get(kind) is not type(message) or kind not in TELLABLE:
            raise ValueError(f"{type(message).__name__} is no {kind}")
        body = messages.encode(message)
        messages.decode_event(kind, body)
        held = _held.get()
        own = held is not None and held.open and held.command.id == command_id
        event = Event(
            id=event_id(command_id, kind),
            command_id=command_id,
            kind=kind,
            body=body,
            attempt=held.command.attempt if held and own else 1,
            carried=held.command.carried if held and own else {},
        )
        fact = Fact(event=event, due_at=self._clock() + after)
        if held and own:
            held.facts.append(fact)
            return
        await self._inbox.tell(fact)
        self.wake()

    async def withdraw(self, kind: str, *, command_id: str) -> bool:
        """See `vendor_sdk.adapter.Facts.withdraw`."""
        return await self._inbox.withdraw(event_id(command_id, kind))

    @contextmanager
    def held(self, command: Command) -> Generator[Held]:
        """Keep what is told about `command` inside the block until it can be stored with the answer."""
        held = Held(command)
        token = _held.set(held)
        try:
            yield held
        finally:
            held.open = False
            _held.reset(token)

    def wake(self) -> None:
        """There may be something due."""
        self._stirred.set()

    async def run(self) -> None:
        """Publish facts as they fall due, until canceled."""
        pause = RETRY_FIRST
        while True:
            self._stirred.clear()
            try:
                due_at = await self._flush()
                pause = RETRY_FIRST
            except Exception as error:  # noqa: BLE001 - whatever the broker does, facts are tried again
                log.warning("facts wait: %s", said(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_MAX)
                continue
            seconds = None if due_at is None else max(0.0, due_at - self._clock())
            try:
                await asyncio.wait_for(self._stirred.wait(), seconds)
            except TimeoutError:
                continue

    async def _flush(self) -> float | None:
        """Publish all that is due, in order; when the next will be."""
        while events := await self._inbox.due(self._clock(), BATCH):
            sent: list[Event] = []
            try:
                for event in events:
                    await self._publish(event)
                    sent.append(event)
            finally:
                await self._inbox.sent(sent)
        return await self._inbox.next_due()
