"""Delivers what is due: claims, commits, sends, and records what came of it; a killed worker's are due again when its lease ends."""

import asyncio
import time

import structlog

from hub.notifications import claim, endpoints, signing, store
from hub.notifications.claim import Claimed
from hub.notifications.register import disable
from hub.notifications.rules import Answer, Limits, Verdict, is_hopeless, judge
from hub.notifications.send import Sender
from hub.notifications.states import EndpointState
from hub.runtime.database import Database, Tx
from hub.runtime.entropy import random_bytes

log = structlog.get_logger("notifications")

GONE, FAILING = "gone", "failing"
REPLAY_AT_ONCE = 500


class Courier:
    """One worker's hands. It never waits for a receiver to take more: what is under way has room of its own."""

    def __init__(self, database: Database, limits: Limits, sender: Sender | None = None) -> None:
        self._database = database
        self._limits = limits
        self._sender = sender or Sender(limits)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def once(self) -> None:
        """Take what is due and there is room for."""
        room = self._limits.concurrency - len(self._tasks)
        if room <= 0 or self._stopping:
            return
        async with self._database.tx() as tx:
            await store.work_off(tx, most=REPLAY_AT_ONCE)
            claimed = await claim.claim(tx, most=room, per_endpoint=self._limits.per_endpoint, seconds=self._limits.timeout_seconds)
        for each in claimed:
            task = asyncio.create_task(self._act(each), name=f"webhook:{each.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until what is under way has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self, within: float) -> None:
        """Take nothing more, let what is under way end for so many seconds; what is cut off is sent again by somebody else."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()

    async def _act(self, claimed: Claimed) -> None:
        try:
            async with self._database.reading() as tx:
                keys = await endpoints.keys(tx, claimed.endpoint_id)
            headers = signing.headers(keys, claimed.event_id, int(time.time()), claimed.body)
            answer = await self._sender.send(claimed.url, headers, claimed.body)
            verdict = judge(answer, claimed.step, int.from_bytes(random_bytes(4)) / 2**32)
            async with self._database.tx() as tx:
                await record(tx, self._limits, claimed, answer, verdict)
            log.info("webhook.sent", delivery=claimed.id, attempt=claimed.attempts, status=answer.status, fate=verdict.fate)
        except Exception as error:  # noqa: BLE001  # it is due again when its lease ends
            log.warning("webhook.failed", delivery=claimed.id, attempt=claimed.attempts, error=repr(error))


async def record(tx: Tx, limits: Limits, claimed: Claimed, answer: Answer, verdict: Verdict) -> None:
    """One attempt with all that follows, in one transaction: the delivery's fate, and what it says of the endpoint."""
    await claim.settle(tx, claimed, answer, verdict)
    if verdict.fate == "delivered":
        await claim.note_well(tx, claimed.endpoint_id)
        return
    illness = await claim.note_ill(tx, claimed.endpoint_id, verdict.quiet)
    if illness.state == EndpointState.ENABLED and (verdict.gone or is_hopeless(illness.now - illness.failing_since, limits)):
        reason = GONE if verdict.gone else FAILING
        await disable(tx, claimed.endpoint_id, reason)
        log.warning("webhook.endpoint_disabled", endpoint=claimed.endpoint_id, reason=reason)
