"""Claims due steps, commits, and only then acts: publishes commands to vendors, performs the hub's own steps."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NoStreamResponseError

from hub.checkout.conclude import conclude
from hub.kernel.errors import Unavailable
from hub.payments import authorize, capture
from hub.payments.ports import GatewayRefused, Gateways, InDoubt, NotSent, NotYet
from hub.payouts import send as payout
from hub.refunds import dispute, reverse, send
from hub.returns import give_back
from hub.runtime import failures, steps
from hub.runtime.database import HUB, Database, Tx
from hub.runtime.put_off import put_off, retry_in
from hub.runtime.steps import HUB_TARGET, Outcome, Step, Verdict
from hub.runtime.trace import Trace, current
from hub.runtime.unsend import unsend
from hub.transfers import credit, release, transfer
from hub.triage.discard import COMPENSATE, compensate
from hub.wiring import Wiring
from hub.worker.absence import Absence
from vendor_sdk import messages, subjects

log = structlog.get_logger("dispatch")

Perform = Callable[[Database, Gateways, Step], Awaitable[Outcome]]
Conclude = Callable[[Tx, Step, Outcome], Awaitable[None]]

PERFORM: dict[str, Perform] = {
    authorize.AUTHORIZE: authorize.perform_authorize,
    authorize.VOID: authorize.perform_void,
    capture.CAPTURE: capture.perform_capture,
    release.RELEASE: release.perform_release,
    transfer.TRANSFER_STEP: transfer.perform_transfer,
    reverse.REVERSE: reverse.perform_reverse,
    send.REFUND: send.perform_refund,
    **dispute.PERFORM,
    **give_back.PERFORM,
    **credit.PERFORM,
    **payout.PERFORM,
}
"""What the hub does by itself, by kind of step."""

CONCLUDE: dict[str, Conclude] = {**credit.CONCLUDE, **payout.CONCLUDE}
"""What is of no order, and therefore not concluded by checkout."""

PUBLISH_SECONDS = 3
RETRY_SECONDS_MAX = 60
ASKED_SECONDS_MAX = 6 * 3600
"""However long somebody asks us to wait, be it a provider (Retry-After) or our own rule."""
BUSY_SECONDS = 5
"""Before a vendor whose stream is full is asked anew."""
STREAM_FULL = frozenset({10077, 10047, 10023})
"""The broker's words for it: too many messages, too many bytes, no room at all. All are said before anything is stored."""


def _nobody(_: str) -> None:
    """Nobody wants to know."""


class Dispatcher:
    """One worker's sending side."""

    def __init__(
        self, wiring: Wiring, gateways: Gateways, on_missing_stream: Callable[[str], None], on_full: Callable[[str], None] = _nobody
    ) -> None:
        self._wiring = wiring
        self._gateways = gateways
        self._on_missing_stream = on_missing_stream
        self._on_full = on_full
        self._room = asyncio.Semaphore(wiring.settings.worker.concurrency)
        self._own_room = wiring.settings.worker.concurrency
        self._tasks_max = 2 * wiring.settings.worker.concurrency
        """What the hub does itself has room of its own, so that a slow payment provider holds up no vendor."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._absence = Absence()
        """Of streams that do not answer: wiped and made anew, or of a cluster without leader or quorum."""
        self._stopping = False
        wiring.changes.heed_wakes()
        self._more = True
        """Whether there may be more that is due than was taken the last time."""

    def takes(self, target: str) -> bool:
        """Whether a step that is due when it is written may be left to us at once, with nobody claiming it."""
        if self._stopping:
            return False
        if target == HUB_TARGET:
            return self._own_room > 0
        return self._wiring.bus.is_connected and not self._room.locked() and len(self._tasks) < self._tasks_max

    def take(self, written: Sequence[Step]) -> None:
        """Act on what was left to us, now that it is committed. What is lost on the way here is due again when its lease ends."""
        for step in written:
            if step.target == HUB_TARGET:
                self._own_room -= 1
                self._start(step, self._own_done)
            else:
                self._start(step, self._tasks.discard, room=self._room)

    async def once(self) -> None:
        """Take what is due; before that, where nothing can be left from the last time, wait to be woken."""
        due = self._wiring.changes.due
        if not self._more and not self._stopping:
            poll = asyncio.get_running_loop().call_later(self._wiring.settings.worker.poll_seconds, due.set)
            try:
                await due.wait()
            finally:
                poll.cancel()
        if self._stopping:
            return
        due.clear()
        self._more = True  # should the claim fail
        most = self._wiring.settings.worker.claim_per_vendor
        own = max(0, min(most, self._own_room))
        async with self._wiring.database.tx() as tx:
            claimed = await steps.claim(tx, per_target=most, own=own, sending=self._wiring.bus.is_connected)
        taken = Counter(step.target for step in claimed)
        self._more = any(number >= (own if target == HUB_TARGET else most) for target, number in taken.items())
        for step in sorted(claimed, key=lambda step: step.target != HUB_TARGET):
            if step.target == HUB_TARGET:
                self._own_room -= 1
                self._start(step, self._own_done)
            else:
                await self._room.acquire()
                self._start(step, self._done)

    async def idle(self) -> None:
        """Wait until what is under way has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def drain(self, within: float) -> None:
        """Take nothing more and let what is under way end."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    def _start(self, step: Step, done: Callable[[asyncio.Task[None]], None], room: asyncio.Semaphore | None = None) -> None:
        task = asyncio.create_task(self._act(step) if room is None else self._act_within(room, step), name=f"step:{step.id}")
        self._tasks.add(task)
        task.add_done_callback(done)

    async def _act_within(self, room: asyncio.Semaphore, step: Step) -> None:
        async with room:
            await self._act(step)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    def _own_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._own_room += 1
        if self._own_room == 1:
            self._wiring.changes.due.set()

    async def _act(self, step: Step) -> None:
        current.set(Trace(step.correlation_id, step.traceparent))
        try:
            if step.target == HUB_TARGET:
                await self._perform(step)
            else:
                await self._publish(step)
        except Exception as error:  # noqa: BLE001  # the step is still open and due again when its lease ends
            log.warning("step.failed", step=step.id, kind=step.kind, attempt=step.attempt, error=repr(error))

    async def _publish(self, step: Step) -> None:
        headers = {
            messages.MSG_ID: f"{step.id}.{step.attempt}",  # a re-drive under the same id would be swallowed as a duplicate
            messages.COMMAND_ID: step.id,
            messages.ORDER_ID: step.saga_id,
            messages.ATTEMPT: str(step.attempt),
            messages.SCHEMA: messages.SCHEMA_VERSION,
            messages.TRACEPARENT: step.traceparent,
            messages.CORRELATION_ID: step.correlation_id,
        }
        if step.deadline is not None:
            headers[messages.DEADLINE] = step.deadline.isoformat()
        if step.attempt > 1 and step.verdict is None:
            await self._unheard(step)
        subject = subjects.command(step.target, step.kind)
        try:
            await self._wiring.bus.js.publish(subject, msgspec.json.encode(step.payload), timeout=PUBLISH_SECONDS, headers=headers)
        except (NatsError, TimeoutError, Unavailable, OSError) as error:
            if isinstance(error, APIError) and error.err_code in STREAM_FULL:
                self._on_full(step.target)
                await self._later(step, error, BUSY_SECONDS)
            elif isinstance(error, NoStreamResponseError):
                self._on_missing_stream(step.target)
                await self._later(step, error, self._absence.pause(step.target))
            else:
                await self._again(step, error)
            return
        self._absence.over(step.target)
        log.info("step.sent", step=step.id, kind=step.kind, vendor=step.target, attempt=step.attempt)

    async def _unheard(self, step: Step) -> None:
        async with self._wiring.database.tx(HUB, current.get()) as tx:
            await failures.note(tx, msgspec.structs.replace(step, attempt=step.attempt - 1), "no answer")

    async def _later(self, step: Step, error: Exception, seconds: float) -> None:
        """The broker surely kept nothing: the step stays as if it had not been sent, so that no time of the vendor's runs."""
        log.warning("step.not_taken", step=step.id, kind=step.kind, vendor=step.target, error=repr(error), again_in=seconds)
        async with self._wiring.database.tx(HUB, current.get()) as tx:
            await unsend(tx, step, seconds)

    async def _perform(self, step: Step) -> None:
        try:
            if step.kind == COMPENSATE:
                await compensate(self._wiring.database, self._wiring.timing, step)
                return
            outcome = await PERFORM[step.kind](self._wiring.database, self._gateways, step)
        except GatewayRefused as no:
            outcome = Outcome.refused(no.code, no.message)
        except (InDoubt, NotSent) as error:
            await self._again(step, error)
            return
        async with self._wiring.database.tx(HUB, current.get()) as tx:
            applied = await (
                self._conclude(tx, step, outcome) if step.kind in CONCLUDE else conclude(tx, self._wiring.timing, step, outcome)
            )
        log.info("step.performed", step=step.id, kind=step.kind, verdict=outcome.verdict, reason=outcome.reason, applied=applied)

    async def _conclude(self, tx: Tx, step: Step, outcome: Outcome) -> bool:
        """Record an answer to a step of no order, and what follows from it."""
        if outcome.verdict is Verdict.PENDING:
            await retry_in(tx, step.id, self._wiring.timing.settling, attempt=step.attempt)
            return False
        if not await steps.end(tx, step.id, outcome):
            return False
        await CONCLUDE[step.kind](tx, step, outcome)
        return True

    async def _again(self, step: Step, error: Exception) -> None:
        """The same step, key and parameters once more: an outcome in doubt is asked for again, never guessed."""
        asked = error.retry_after if isinstance(error, NotSent) else None
        seconds = min(RETRY_SECONDS_MAX, 0.5 * 2 ** min(step.attempt, 10)) if asked is None else min(ASKED_SECONDS_MAX, asked)
        if isinstance(error, NotYet):
            log.info("step.not_yet", step=step.id, kind=step.kind, reason=str(error), again_in=seconds)
            async with self._wiring.database.tx(HUB, current.get()) as tx:
                await put_off(tx, step, seconds)
            return
        log.warning("step.in_doubt", step=step.id, kind=step.kind, attempt=step.attempt, error=repr(error), again_in=seconds)
        async with self._wiring.database.tx(HUB, current.get()) as tx:
            await failures.note(tx, step, str(error) or type(error).__name__)
            await retry_in(tx, step.id, seconds, attempt=step.attempt)
