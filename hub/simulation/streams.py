"""One simulated stream and its consumers: what JetStream keeps, to whom it gives it, how often, and when it gives up."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from nats.js.api import DiscardPolicy, StreamConfig
from nats.js.errors import ServiceUnavailableError

from hub.simulation.nature import EPOCH, Nature
from hub.simulation.process import Process
from hub.simulation.stored import Stored
from hub.simulation.terms import Terms
from vendor_sdk.messages import MSG_ID

LATENCY = 0.001
"""Seconds on the way, if nothing goes wrong."""
HISTORY = 900.0
"""How many seconds back a stream can be set."""


class Metadata(NamedTuple):
    """What a consumer learns beside the message, in nats-py's words."""

    num_delivered: int
    stream: str
    sequence: int
    timestamp: datetime


class Delivery:
    """One delivery of a message, as its taker holds it. Whoever is no process acknowledges with `accept`."""

    __slots__ = ("_stored", "_stream", "data", "headers", "num_delivered", "process", "seen", "seq", "subject")

    def __init__(self, stream: "Stream", stored: Stored, num_delivered: int) -> None:
        self._stream = stream
        self._stored = stored
        self.seq = stored.seq
        self.subject = stored.subject
        self.headers = stored.headers
        self.data = stored.data
        self.num_delivered = num_delivered
        self.process: Process | None = None
        self.seen: Callable[[str, Delivery], None] | None = None
        """Told when a process acknowledges it."""

    @property
    def metadata(self) -> Metadata:
        """See nats-py."""
        at = datetime.fromtimestamp(EPOCH + self._stored.at, UTC)
        return Metadata(self.num_delivered, self._stream.name, self.seq, at)

    async def ack(self) -> None:
        """It need not come again, if the broker hears of this."""
        if self.process is None:
            self.accept()
            return
        self.process.effect("ack")
        if self.seen is not None:
            self.seen(self._stream.name, self)
        self.accept()
        self.process.effect("acked")

    def accept(self) -> None:
        """The same for who is no process."""
        self._stream.accept(self.seq)

    def nak(self, delay: float) -> None:
        """It is wanted again in so many seconds."""
        self._stream.again_in(self.seq, delay)

    def term(self) -> None:
        """It is given up for good."""
        self._stream.terminate(self.seq)


class Taker:
    """Someone who pulls a stream: a vendor's spoke, or one process's puller. `gone` is told as long as it pulls in vain."""

    def __init__(self, take: Callable[[Delivery], None], process: Process | None = None, gone: Callable[[str], None] | None = None) -> None:
        self.take = take
        self.process = process
        self.gone = gone


class Shared:
    """What all streams of one broker have in common."""

    def __init__(self, nature: Nature, advise: Callable[[str, str, str, Stored], None]) -> None:
        self.nature = nature
        self.down = False
        self.advise = advise
        """Told of what is given up: the advisory's name, stream, consumer, message."""
        self.choose = nature.dice("broker: who gets it")


class Stream:
    """Kept until acknowledged, each message for one consumer; the takers outlive the stream, they belong to the broker."""

    def __init__(self, shared: Shared, config: StreamConfig, takers: list[Taker]) -> None:
        self.name = str(config.name)
        self.terms: dict[str, Terms] = {}
        self.most = config.max_msgs or 0
        self.messages: dict[int, Stored] = {}
        self.last = 0
        self._refuses = config.discard == DiscardPolicy.NEW
        self._max_age = config.max_age or 0.0
        self._window = config.duplicate_window or 120.0
        self._shared = shared
        self._takers = takers
        self._waiting: dict[int, None] = {}
        self._pending: dict[str, dict[int, None]] = {}
        """What each consumer has delivered and nobody has acknowledged."""
        self._ids: dict[str, int] = {}
        self._ids_at: deque[tuple[float, str]] = deque()
        self._journal: deque[tuple[float, Stored, bool]] = deque()
        self._loop = asyncio.get_running_loop()

    def store(self, subject: str, headers: Mapping[str, str], data: bytes) -> tuple[int, bool]:
        """Its place, and whether it was there already. Raises `ServiceUnavailableError` if the stream is full."""
        now = self._loop.time()
        msg_id = headers.get(MSG_ID)
        if msg_id is not None:
            while self._ids_at and self._ids_at[0][0] < now - self._window:
                self._ids.pop(self._ids_at.popleft()[1], None)
            if (known := self._ids.get(msg_id)) is not None:
                return known, True
        if 0 < self.most <= len(self.messages):
            self._make_room(now)
        self.last += 1
        stored = self.messages[self.last] = Stored(self.last, subject, dict(headers), data, now)
        if msg_id is not None:
            self._ids[msg_id] = stored.seq
            self._ids_at.append((now, msg_id))
        self._note(now, stored, added=True)
        self._offer(stored)
        return stored.seq, False

    def accept(self, seq: int) -> None:
        """An acknowledgment arrives, or does not. Sequences are used again after a loss, so it may mean another message."""
        stored = self.messages.get(seq)
        if stored is None or self._shared.down or stored.deliveries == 0 or self._shared.nature.strikes("broker_loses_ack"):
            return
        self._drop(stored)

    def terminate(self, seq: int) -> None:
        """Given up by its taker: gone, with an advisory."""
        stored = self.messages.get(seq)
        if stored is not None and not self._shared.down and stored.deliveries:
            self._drop(stored)
            self._advise("MSG_TERMINATED", stored)

    def again_in(self, seq: int, seconds: float) -> None:
        """Deliver it anew then, be it acknowledged by nobody until that time."""
        stored = self.messages.get(seq)
        if stored is not None and not self._shared.down and stored.deliveries:
            stored.stop()
            stored.timer = self._loop.call_later(seconds, self._offer, stored)

    def wake(self) -> None:
        """Somebody pulls (again), or the broker is back: send what waits."""
        waiting, self._waiting = self._waiting, {}
        for seq in waiting:
            if (stored := self.messages.get(seq)) is not None:
                self._offer(stored)

    def set_back(self, seconds: float) -> None:
        """Be as it was so long ago: what came since is lost, its places are used again; what was acknowledged since comes again."""
        since = self._loop.time() - seconds
        back: dict[int, Stored] = {}
        while self._journal and self._journal[-1][0] > since:
            _, stored, added = self._journal.pop()
            if added:
                stored.stop()
                back.pop(stored.seq, None)
                self.messages.pop(stored.seq, None)
                self._waiting.pop(stored.seq, None)
                self.last = stored.seq - 1
            else:
                stored.deliveries = 0
                back[stored.seq] = self.messages[stored.seq] = stored
        self.messages = dict(sorted(self.messages.items()))
        kept = [(stored.at, stored.headers[MSG_ID], stored.seq) for stored in self.messages.values() if MSG_ID in stored.headers]
        self._ids = {msg_id: seq for _, msg_id, seq in kept}
        self._ids_at = deque((at, msg_id) for at, msg_id, _ in kept)
        self._waiting |= dict.fromkeys(sorted(back))
        self._pending.clear()

    def close(self) -> None:
        """All of it is lost."""
        for stored in self.messages.values():
            stored.stop()
        self.messages.clear()

    def _make_room(self, now: float) -> None:
        for stored in list(self.messages.values()):
            if self._refuses and (self._max_age == 0.0 or stored.at >= now - self._max_age):
                break
            self._drop(stored)
            if len(self.messages) < self.most:
                return
        if len(self.messages) >= self.most:
            raise ServiceUnavailableError(code=503, err_code=10077, description="maximum messages exceeded")

    def _terms_of(self, subject: str) -> Terms | None:
        for terms in self.terms.values():
            if subject.startswith(terms.prefix):
                return terms
        return None

    def _offer(self, stored: Stored) -> None:
        """Send it out, or keep it for when somebody pulls."""
        stored.stop()
        if self.messages.get(stored.seq) is not stored:
            return
        now, nature, terms = self._loop.time(), self._shared.nature, self._terms_of(stored.subject)
        if self._max_age and stored.at < now - self._max_age:
            self._drop(stored)
            return
        if terms is None or self._shared.down or not self._takers:
            self._waiting[stored.seq] = None
            return
        pending = self._pending.setdefault(terms.name, {})
        if terms.most and stored.deliveries >= terms.most:
            self._advise("MAX_DELIVERIES", stored)  # it stays, to be read back
            self._settled(stored, pending)
            return
        if stored.seq not in pending and 0 < terms.pending <= len(pending):
            self._waiting[stored.seq] = None
            return
        pending[stored.seq] = None
        stored.deliveries += 1
        wait = terms.waits[min(stored.deliveries, len(terms.waits)) - 1]
        stored.timer = self._loop.call_later(wait, self._offer, stored)
        if nature.strikes("broker_loses_delivery"):
            return
        arrives = LATENCY
        if nature.strikes("broker_reorders"):
            arrives += nature.seconds("broker_reorders: seconds", 0.001, 2)
        if nature.strikes("broker_delays"):
            arrives += nature.seconds("broker_delays: seconds", 1, 600)
        self._loop.call_later(arrives, self._hand, stored, stored.deliveries)
        if nature.strikes("broker_repeats"):
            arrives += nature.seconds("broker_repeats: seconds", 0.001, 90)
            self._loop.call_later(arrives, self._hand, stored, stored.deliveries + 1)

    def _hand(self, stored: Stored, number: int) -> None:
        if self._shared.down or not self._takers:
            return
        taker = self._takers[0] if len(self._takers) == 1 else self._takers[self._shared.choose.randrange(len(self._takers))]
        if self._shared.nature.telling:
            whom = taker.process.name if taker.process else "spoke"
            self._shared.nature.tell(f"broker delivers to {whom}: {stored}, delivery {number}")
        taker.take(Delivery(self, stored, number))

    def _drop(self, stored: Stored) -> None:
        stored.stop()
        del self.messages[stored.seq]
        self._waiting.pop(stored.seq, None)
        self._note(self._loop.time(), stored, added=False)
        if (terms := self._terms_of(stored.subject)) is not None:
            self._settled(stored, self._pending.get(terms.name, {}))

    def _settled(self, stored: Stored, pending: dict[int, None]) -> None:
        """One less is pending: another may go."""
        if pending.pop(stored.seq, 0) is None and self._waiting:
            following = next(iter(self._waiting))
            del self._waiting[following]
            if (message := self.messages.get(following)) is not None:
                self._offer(message)

    def _note(self, now: float, stored: Stored, *, added: bool) -> None:
        self._journal.append((now, stored, added))
        while self._journal[0][0] < now - HISTORY:
            self._journal.popleft()

    def _advise(self, what: str, stored: Stored) -> None:
        terms = self._terms_of(stored.subject)
        if terms is not None:
            self._loop.call_later(LATENCY, partial(self._shared.advise, what, self.name, terms.name, stored))
