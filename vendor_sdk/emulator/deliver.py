"""Sends webhooks to the vendor's endpoints: ten attempts, each line of events in order."""

import asyncio
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx

from vendor_sdk.emulator.model import Attempt, Book, Delivery, Endpoint
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.webhooks.signing import sign

SCHEDULE = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before each attempt, counted from the one before (Standard Webhooks 1.0.0)."""
TIMEOUT = 20.0
AT_ONCE = 16
RESPONSE_CHARS_MAX = 1000

Change = Callable[[Callable[[Turn], None]], None]


def sendable(book: Book) -> Iterator[Delivery]:
    """What may be sent when its time has come: of each endpoint and key the oldest that is pending."""
    lines: set[tuple[str, str]] = set()
    for delivery in book.deliveries.values():
        line = (delivery.endpoint_id, delivery.key)
        if delivery.state == "pending" and line not in lines:
            lines.add(line)
            yield delivery


def next_due(book: Book) -> float | None:
    """When the next is to be sent."""
    return min((delivery.due_at for delivery in sendable(book)), default=None)


def record(turn: Turn, delivery_id: str, attempt: Attempt) -> None:
    """What came of an attempt: delivered, tried again, or given up; 410 disables the endpoint."""
    delivery = turn.book.deliveries.get(delivery_id)
    if delivery is None or delivery.state != "pending":
        return
    delivery.attempts.append(attempt)
    delivery.round += 1
    answer = str(attempt.status or attempt.error)
    turn.note(delivery.key, "webhook.attempt", f"webhook {delivery.type}: {answer}")
    if attempt.status is not None and HTTPStatus.OK <= attempt.status < HTTPStatus.MULTIPLE_CHOICES:
        _end(turn, delivery, "delivered", "")
    elif attempt.status == HTTPStatus.GONE:
        turn.book.endpoints[delivery.endpoint_id].state = "disabled"
        turn.book.endpoints[delivery.endpoint_id].reason = "gone"
        fail_all(turn, delivery.endpoint_id, "gone")
    elif delivery.round >= len(SCHEDULE):
        _end(turn, delivery, "failed", "exhausted")
    else:
        delivery.due_at = turn.now + SCHEDULE[delivery.round]


def fail_all(turn: Turn, endpoint_id: str, reason: str) -> None:
    """Nothing is sent there any more; what was to be has failed, and may be replayed."""
    for delivery in turn.book.deliveries.values():
        if delivery.endpoint_id == endpoint_id and delivery.state == "pending":
            _end(turn, delivery, "failed", reason)


def again(turn: Turn, delivery: Delivery) -> None:
    """Begin anew, under the same webhook-id."""
    delivery.state, delivery.reason, delivery.round = "pending", "", 0
    delivery.due_at, delivery.ended_at = turn.now, None


def _end(turn: Turn, delivery: Delivery, state: str, reason: str) -> None:
    delivery.state, delivery.reason, delivery.ended_at = state, reason, turn.now


class Courier:
    """Sends what is due; each attempt is recorded through `change`."""

    def __init__(self, change: Change, clock: Callable[[], float], stir: Callable[[], None]) -> None:
        self._change = change
        self._clock = clock
        self._stir = stir
        self._http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        self._tasks: dict[asyncio.Task[None], str] = {}

    @property
    def is_busy(self) -> bool:
        """Whether something is being sent."""
        return bool(self._tasks)

    def send_due(self, book: Book) -> None:
        """Begin to send what is due."""
        sending = set(self._tasks.values())
        due = [delivery for delivery in sendable(book) if delivery.due_at <= self._clock() and delivery.id not in sending]
        for delivery in due[: max(0, AT_ONCE - len(sending))]:
            task = asyncio.ensure_future(self._send(delivery, book.endpoints[delivery.endpoint_id]))
            self._tasks[task] = delivery.id
            task.add_done_callback(self._done)

    async def close(self) -> None:
        """Send nothing more; what is under way is sent again by the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _send(self, delivery: Delivery, endpoint: Endpoint) -> None:
        body = delivery.body.encode()
        at, began = self._clock(), time.monotonic()
        # Receivers compare the time of signing with the clock on the wall, whatever the emulator's says.
        signed = sign(endpoint.secret, delivery.event_id, int(time.time()), body)
        status, error, response = None, "", ""
        try:
            answer = await self._http.post(endpoint.url, content=body, headers={"Content-Type": "application/json", **signed})
            status, response = answer.status_code, answer.text[:RESPONSE_CHARS_MAX]
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as wrong:
            error = f"{type(wrong).__name__}: {wrong}"
        took = int((time.monotonic() - began) * 1000)
        number = len(delivery.attempts) + 1
        attempt = Attempt(number=number, at=at, milliseconds=took, status=status, error=error, response=response)
        self._change(lambda turn: record(turn, delivery.id, attempt))

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._stir()
