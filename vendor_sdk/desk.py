"""The desk: one command in, its one answer out, done at most once however often it is asked."""

import asyncio
import random
import time
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from vendor_sdk import messages, ports
from vendor_sdk.adapter import Adapter
from vendor_sdk.breaker import Open
from vendor_sdk.envelope import Command, Event, Unreadable, event_id
from vendor_sdk.errors import Rejected, Retry
from vendor_sdk.guard import Guard
from vendor_sdk.inbox import Clock, Fact, Inbox, Known
from vendor_sdk.messages import Cancel, Message, Recall, Recalled, Release
from vendor_sdk.outbox import Outbox

NEVER_TOO_LATE = (Release, Recall, Cancel)
"""Undoing is right even after the deadline; doing is not."""


class Desk:
    """Answers commands with an adapter, from memory where it can."""

    def __init__(self, adapter: Adapter[Any], guard: Guard, inbox: Inbox, outbox: Outbox, clock: Clock = time.time) -> None:
        self._adapter = adapter
        self._clock = clock
        self._guard = guard
        self._inbox = inbox
        self._outbox = outbox
        self._leaving = asyncio.Event()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def leave(self) -> None:
        """Nothing waits for a breaker any more: another start of this spoke will."""
        self._leaving.set()

    async def answer(self, command: Command) -> Event | None:
        """The answer, recorded before it is returned; None if the deadline has passed and nothing was ever done.

        Raises `AdapterError` if there is no answer to give (yet, when it is retryable) and `Unreadable` for a command
        id that was another command's.
        """
        async with self._turn(command.body.sub_order_id):
            known = await self._inbox.look(command)
            if isinstance(known, tuple):
                return self._remembered(command, known)
            if known is not None and (refusal := ports.refusal(command.body, known, "undone before it was done")):
                return await self._record(command, refusal, [])
            if seconds_left(command, self._clock()) == 0.0:
                return None
            return await self._do(command)

    async def _do(self, command: Command) -> Event:
        with self._outbox.held(command) as held:
            try:
                answer = await self._ask(command)
            except Rejected as error:
                refusal = ports.refusal(command.body, error.reason, error.message)
                if refusal is None:
                    raise
                answer = refusal
            facts = held.seal()
        event = await self._record(command, answer, facts)
        self._outbox.wake()
        return event

    async def _ask(self, command: Command) -> Message:
        """The adapter's answer. While the breaker is open the command waits here: handing it back would burn a delivery."""
        while True:
            left = seconds_left(command, self._clock())
            try:
                return await self._guard.call(command.area, lambda: self._checked(command), seconds=left)
            except Open as error:
                if left is not None and error.seconds >= left:
                    raise Retry(str(error), retry_after=error.seconds) from error
                if self._leaving.is_set():
                    raise Retry(str(error)) from error
                await self._pause(error.seconds + random.random() * 0.1)  # noqa: S311 - spreads the load, guards nothing

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()

    async def _checked(self, command: Command) -> Message:
        """The adapter's answer if it is one; `ValueError` (a fault of the adapter) if it is garbage."""
        answer = await ports.ask(self._adapter, command.body, command.context)
        kind = ports.answer_kind(command.kind, answer)
        if getattr(answer, "sub_order_id", None) != command.body.sub_order_id:
            raise ValueError(f"the answer to {command.kind} names another sub-order")
        return messages.decode_event(kind, messages.encode(answer))

    async def _record(self, command: Command, answer: Message, facts: list[Fact]) -> Event:
        kind = ports.answer_kind(command.kind, answer)
        event = Event(
            id=event_id(command.id, kind),
            command_id=command.id,
            kind=kind,
            body=messages.encode(answer),
            attempt=command.attempt,
            carried=command.carried,
        )
        await self._inbox.record(command, event, facts, _tombstone(command, answer))
        return event

    def _remembered(self, command: Command, known: Known) -> Event:
        kind, event = known
        if kind != command.kind:
            raise Unreadable("command_id_reused", f"{command.id} was a {kind}, now it is a {command.kind}")
        self._outbox.wake()
        return event

    def _turn(self, sub_order_id: str) -> asyncio.Lock:
        """One sub-order's commands go one after another, so that a release cannot overtake its reserve."""
        lock = self._turns.get(sub_order_id)
        if lock is None:
            lock = self._turns[sub_order_id] = asyncio.Lock()
        return lock


def seconds_left(command: Command, now: float) -> float | None:
    """From `now` (unix seconds) until the deadline, not below 0; None for a command that has none or is never too late."""
    if command.deadline is None:
        return None
    left = max(0.0, command.deadline - now)
    return None if left == 0.0 and isinstance(command.body, NEVER_TOO_LATE) else left


def _tombstone(command: Command, answer: Message) -> tuple[str, str] | None:
    match command.body, answer:
        case Release(), _:
            return command.body.reserve_command_id, "released"
        case Recall(), Recalled():
            return command.body.submit_command_id, "recalled"
        case Cancel(), _:
            return command.body.authorize_command_id, "canceled"
        case _:
            return None
