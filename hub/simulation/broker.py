"""The simulated broker, shared by all processes and vendors, and what goes wrong with it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NoStreamResponseError

from hub.runtime import topology
from hub.simulation.bus import Line, Said, SimulatedBus
from hub.simulation.nature import Nature
from hub.simulation.process import Process
from hub.simulation.stored import Stored
from hub.simulation.streams import LATENCY, Delivery, Shared, Stream, Taker
from hub.simulation.terms import Terms
from vendor_sdk import subjects

__all__ = ["FAULTS", "Broker", "SimulatedBus"]

FAULTS = {
    "broker_loses": "a message never gets to the broker, and its sender waits in vain",
    "broker_loses_answer": "a message is stored, but its sender never hears of it",
    "broker_slow": "a message is stored after so long that its sender may have stopped waiting",
    "broker_buffers": "what is sent while the broker is down is stored when it is back, long after its sender stopped waiting",
    "broker_loses_delivery": "a message is sent to its consumer and lost on the way",
    "broker_loses_ack": "an acknowledgment is lost, so the message comes again",
    "broker_repeats": "a message is delivered twice",
    "broker_reorders": "a message is overtaken by later ones",
    "broker_delays": "a message is on its way for seconds to minutes",
    "broker_loses_hint": "a hint to another process is lost",
}
"""What goes wrong by itself. Outages, wipes and restores are made by who calls `Broker.down`, `wipe`, `restore`; they are counted too."""

NAK_SECONDS = 1.0
"""As hub/runtime/puller.py: when a message that could not be applied comes again."""
NOTICE_GONE = (0.05, 5.0)
"""Seconds until a puller hears that it asked in vain; then it asks again."""

Handler = Callable[[Delivery], Awaitable[None]]


class Published(Protocol):
    """Told of what is published: its stream, its headers, and whether the broker took it for what it had."""

    def __call__(self, stream: str, headers: Mapping[str, str], /, *, duplicate: bool) -> None: ...


class Broker:
    """All streams. Everything of it but hints outlives the processes."""

    def __init__(self, nature: Nature) -> None:
        self.nature = nature
        self.streams: dict[str, Stream] = {}
        self.stored: Counter[str] = Counter()
        """Messages stored, by stream."""
        self.epoch = 0
        """Counts how often the broker went down or came back."""
        self.changed_at = 0.0
        self.acknowledged: Callable[[str, Delivery], None] | None = None
        """Told of what a process acknowledges, with its stream."""
        self.published: Published | None = None
        self._shared = Shared(nature, self._advise)
        self._takers: dict[str, list[Taker]] = {}
        self._known: dict[Process, None] = {}
        self._lines: list[Line] = []
        self._hinted: dict[str, None] = {}
        self._when_up: list[Callable[[], None]] = []

    @property
    def down(self) -> bool:
        """Whether nothing gets to or from it. Processes notice a change a little later."""
        return self._shared.down

    @down.setter
    def down(self, down: bool) -> None:
        if down == self._shared.down:
            return
        self._shared.down = down
        self.epoch += 1
        self.changed_at = asyncio.get_running_loop().time()
        self._strike("broker_down" if down else "broker_up")
        if not down:
            waiting, self._when_up = self._when_up, []
            for store in waiting:
                store()
            self._wake()

    def wipe(self) -> None:
        """Lose every stream with all that it held; who pulls one hears of it soon."""
        self._strike("broker_wiped")
        gone, self.streams = self.streams, {}
        for name, stream in gone.items():
            stream.close()
            for taker in self._takers.get(name, ()):
                self._ask_in_vain(taker, name)

    def restore(self, seconds: float) -> None:
        """Be a copy that is so many seconds old, `hub.simulation.streams.HISTORY` at most: acknowledged messages are lost."""
        self._strike("broker_restored")
        for stream in self.streams.values():
            stream.set_back(seconds)
        self._wake()

    def ensure(self, vendor: str) -> None:
        """Have a vendor's streams and consumers as hub/runtime/topology.py would make them, at once; `ADV` with them."""
        for config in topology.streams(vendor):
            self.add_stream(config)
        for stream, consumer in topology.consumers(vendor):
            self.add_consumer(stream, consumer)
        if subjects.ADVISORY_STREAM not in self.streams:
            self.add_stream(StreamConfig(name=subjects.ADVISORY_STREAM, max_msgs=topology.EVENTS_MAX))
            self.add_consumer(subjects.ADVISORY_STREAM, ConsumerConfig(durable_name=subjects.CONSUMER_HUB, ack_wait=30))

    def add_stream(self, config: StreamConfig) -> None:
        """Make a stream unless it is there."""
        name = str(config.name)
        if name not in self.streams:
            self.streams[name] = Stream(self._shared, config, self._takers.setdefault(name, []))

    def add_consumer(self, stream: str, config: ConsumerConfig) -> None:
        """Make a consumer or change it. Raises `NoStreamResponseError` if the stream is not there."""
        if stream not in self.streams:
            raise NoStreamResponseError
        terms = Terms.of(config)
        if self.streams[stream].terms.get(terms.name) != terms:
            self.streams[stream].terms[terms.name] = terms
            self.streams[stream].wake()

    def consume(self, stream: str, process: Process, handler: Handler, gone: Callable[[str], None] | None = None) -> None:
        """Pull a stream (``EVT_<vendor>``, ``ADV``) in a process until it dies: `handler` acknowledges, or raises and gets it again.

        Of all processes that pull it, any one gets a message. `gone` is told as long as there is no such stream, or nothing of it is
        for anybody.
        """
        self._mourn(process)

        def take(delivery: Delivery) -> None:
            delivery.process, delivery.seen = process, self.acknowledged
            process.start(self._handle(delivery, handler))

        taker = Taker(take, process, gone)
        self._takers.setdefault(stream, []).append(taker)
        if self._is_whole(stream):
            self.streams[stream].wake()
        else:
            self._ask_in_vain(taker, stream)

    def serve(self, vendor: str, take: Callable[[Delivery], None]) -> None:
        """Pull a vendor's commands, until `absent`; the taker acknowledges with `Delivery.accept`."""
        stream = subjects.command_stream(vendor)
        takers = self._takers.setdefault(stream, [])
        takers[:] = [Taker(take)]
        if stream in self.streams:
            self.streams[stream].wake()

    def absent(self, vendor: str) -> None:
        """Nobody pulls a vendor's commands: they wait."""
        if (takers := self._takers.get(subjects.command_stream(vendor))) is not None:
            takers.clear()

    def leave(self, process: Process) -> None:
        """A process pulls and listens no more."""
        self._known.pop(process, None)
        self._lines = [line for line in self._lines if line.process is not process]
        for takers in self._takers.values():
            takers[:] = [taker for taker in takers if taker.process is not process]

    def store(self, subject: str, headers: Mapping[str, str], data: bytes) -> tuple[str, int, bool]:
        """The stream, the place in it, and whether it is a duplicate. Raises `NoStreamResponseError`, or `APIError` if full."""
        name = stream_of(subject)
        stream = self.streams.get(name)
        if stream is None:
            raise NoStreamResponseError
        seq, duplicate = stream.store(subject, headers, data)
        self.stored[name] += not duplicate
        if self.published is not None:
            self.published(name, headers, duplicate=duplicate)
        if self.nature.telling:
            self.nature.tell(f"broker {'knows' if duplicate else 'stores'} {subject} as {name} {seq}")
        return name, seq, duplicate

    def store_when_up(self, process: Process, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        """Store it when the broker is back, for it waits in a process's buffer, and dies with it."""
        self._when_up.append(lambda: self.store_late(subject, headers, data) if process.alive else None)

    def store_late(self, subject: str, headers: Mapping[str, str], data: bytes) -> None:
        """Store what nobody waits for any more, if the broker takes it."""
        if self._shared.down:
            return
        try:
            self.store(subject, headers, data)
        except NatsError as error:
            self.nature.tell(f"broker takes no {subject}: {error!r}")

    def tell(self, vendor: str, kind: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A vendor publishes an event; False where its spoke would not know whether it is stored."""
        if self._shared.down or self.nature.strikes("broker_loses"):
            return False
        try:
            self.store(subjects.event(vendor, kind), headers, body)
        except NatsError as error:
            if self.nature.telling:
                self.nature.tell(f"broker takes no {kind} of {vendor}: {error!r}")
            return False
        return not self.nature.strikes("broker_loses_answer")

    def say(self, subject: str, data: bytes = b"") -> None:
        """Core NATS: whoever listens now may hear it. The same said twice before it is heard is heard once."""
        heard = any(subject.startswith(line.prefix) for line in self._lines)
        if not heard or self._shared.down or (not data and subject in self._hinted) or self.nature.strikes("broker_loses_hint"):
            return
        self._hinted[subject] = None
        asyncio.get_running_loop().call_later(LATENCY, self._spread, subject, data)

    def listen(self, line: Line) -> None:
        """Hear what is said, until the process dies."""
        self._mourn(line.process)
        self._lines.append(line)

    def _spread(self, subject: str, data: bytes) -> None:
        self._hinted.pop(subject, None)
        if self._shared.down:
            return
        for line in list(self._lines):
            if line.process.alive and subject.startswith(line.prefix):
                _finish(line.hear(Said(subject, data)))

    async def _handle(self, delivery: Delivery, handler: Handler) -> None:
        try:
            await handler(delivery)
        except Exception as error:  # noqa: BLE001  # as the real puller: it comes again, and the reason is told
            self.nature.tell(f"{delivery.subject} could not be applied: {error!r}")
            delivery.nak(NAK_SECONDS)

    def _advise(self, what: str, stream: str, consumer: str, given_up: Stored) -> None:
        advisory = {
            "type": f"io.nats.jetstream.advisory.v1.{'max_deliver' if what == 'MAX_DELIVERIES' else 'terminated'}",
            "stream": stream,
            "consumer": consumer,
            "stream_seq": given_up.seq,
            "deliveries": given_up.deliveries,
        }
        self.store_late(f"$JS.EVENT.ADVISORY.CONSUMER.{what}.{stream}.{consumer}", {}, msgspec.json.encode(advisory))

    def _mourn(self, process: Process) -> None:
        if process not in self._known:
            self._known[process] = None
            process.died.append(partial(self.leave, process))

    def _is_whole(self, stream: str) -> bool:
        """Whether it stands and has a consumer: whoever made it may have died in between."""
        return stream in self.streams and bool(self.streams[stream].terms)

    def _ask_in_vain(self, taker: Taker, stream: str) -> None:
        if taker.gone is not None:
            seconds = self.nature.seconds("broker: notice gone", *NOTICE_GONE)
            asyncio.get_running_loop().call_later(seconds, self._tell_gone, taker, stream)

    def _tell_gone(self, taker: Taker, stream: str) -> None:
        if taker.gone is None or self._is_whole(stream) or (taker.process is not None and not taker.process.alive):
            return
        taker.gone(stream)
        self._ask_in_vain(taker, stream)

    def _wake(self) -> None:
        for stream in self.streams.values():
            stream.wake()

    def _strike(self, what: str) -> None:
        self.nature.struck[what] += 1
        self.nature.tell(f"fault: {what}")


def stream_of(subject: str) -> str:
    """The stream that captures a subject; a name that no stream has if none does."""
    first, _, rest = subject.partition(".")
    match first:
        case "cmd":
            return subjects.command_stream(rest.partition(".")[0])
        case "evt":
            return subjects.event_stream(rest.partition(".")[0])
        case _:
            return subjects.ADVISORY_STREAM if subject.startswith("$JS.EVENT.ADVISORY.") else ""


def _finish(hearing: Coroutine[Any, Any, None]) -> None:
    """Run to the end what never waits, at a fraction of a task's cost."""
    try:
        hearing.send(None)
    except StopIteration:
        return
    hearing.close()
    raise RuntimeError("who hears a hint must not wait")
