"""One process's connection to the simulated broker, in the place of hub/runtime/bus.py's."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, PubAck, RawStreamMsg, StreamConfig
from nats.js.errors import NotFoundError

from hub.kernel.errors import Unavailable
from hub.runtime.bus import ROUND_TRIP_SECONDS, Bus, BusSettings
from hub.simulation.process import Process
from hub.simulation.streams import LATENCY

if TYPE_CHECKING:
    from hub.simulation.broker import Broker

NOTICES = (0.05, 3.0)
"""Seconds until a process knows that the broker went away or came back."""
SLOW = (0.05, 30.0)


class Said(NamedTuple):
    """A message of core NATS, in nats-py's words."""

    subject: str
    data: bytes
    reply: str = ""
    headers: Mapping[str, str] | None = None


Hear = Callable[[Said], Coroutine[Any, Any, None]]


class Line(NamedTuple):
    """A subscription of one process, to all subjects that begin so."""

    process: Process
    prefix: str
    hear: Hear


class SimulatedClient:
    """As much of nats-py's client as the hub uses outside the parts that are replaced."""

    def __init__(self, broker: "Broker", process: Process) -> None:
        self._broker = broker
        self._process = process

    async def subscribe(self, subject: str, *, cb: Hear) -> None:
        """Hear a subject, or with ``*`` at its end all that begin so; `cb` must not wait."""
        self._broker.listen(Line(self._process, subject.removesuffix("*"), cb))


class SimulatedJetStream:
    """As much of JetStream as the hub uses."""

    def __init__(self, broker: "Broker", process: Process) -> None:
        self._broker = broker
        self._process = process

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109  # nats-py's name
        headers: dict[str, str] | None = None,
    ) -> PubAck:
        """Raises nats-py's errors: a time-out says nothing about whether the message is stored."""
        self._process.effect(f"publish {subject}")
        broker, nature, patience = self._broker, self._broker.nature, timeout or ROUND_TRIP_SECONDS
        if broker.down:
            if nature.strikes("broker_buffers"):
                broker.store_when_up(self._process, subject, headers or {}, payload)
            await self._in_vain(patience)
        if nature.strikes("broker_loses"):
            await self._in_vain(patience)
        after = nature.seconds("broker_slow: seconds", *SLOW) if nature.strikes("broker_slow") else LATENCY
        if after >= patience:
            asyncio.get_running_loop().call_later(after, broker.store_late, subject, headers or {}, payload)
            await self._in_vain(patience)
        await nature.sleep(after)
        if broker.down:
            await self._in_vain(patience)
        stream, seq, duplicate = broker.store(subject, headers or {}, payload)
        if nature.strikes("broker_loses_answer"):
            await self._in_vain(patience)
        self._process.effect(f"published {subject}")
        return PubAck(stream=stream, seq=seq, duplicate=duplicate or None)

    async def get_msg(self, stream_name: str, seq: int, *, direct: bool = False) -> RawStreamMsg:
        """Read a message back. Raises `NotFoundError`."""
        del direct
        await self._asked()
        stream = self._broker.streams.get(stream_name)
        stored = stream.messages.get(seq) if stream else None
        if stored is None:
            raise NotFoundError(code=404, err_code=10037, description="no message found")
        return RawStreamMsg(subject=stored.subject, seq=seq, data=stored.data, headers=dict(stored.headers), stream=stream_name)

    async def add_stream(self, config: StreamConfig) -> None:
        """See `Broker.add_stream`."""
        await self._asked()
        self._broker.add_stream(config)

    async def add_consumer(self, stream: str, config: ConsumerConfig) -> None:
        """See `Broker.add_consumer`."""
        await self._asked()
        self._broker.add_consumer(stream, config)

    async def _asked(self) -> None:
        self._process.effect("ask the broker")
        await self._broker.nature.sleep(LATENCY)
        if self._broker.down:
            await self._in_vain(ROUND_TRIP_SECONDS)

    @staticmethod
    async def _in_vain(patience: float) -> None:
        await asyncio.sleep(patience)
        raise NatsTimeout


class SimulatedBus(Bus):
    """A process's connection. It is there once `start` has run with the broker up."""

    def __init__(self, broker: "Broker", process: Process) -> None:
        super().__init__(BusSettings(url=""), process.name)
        self._broker = broker
        self._process = process
        self._client = SimulatedClient(broker, process)
        self._stream = SimulatedJetStream(broker, process)
        self._made = False
        self._epoch = 0
        self._until = 0.0

    @property
    def nc(self) -> Client:
        """The client."""
        return cast("Client", self._there(self._client))

    @property
    def js(self) -> JetStreamContext:
        """JetStream."""
        return cast("JetStreamContext", self._there(self._stream))

    @property
    def is_connected(self) -> bool:
        """What the process believes: the truth of a moment ago."""
        broker = self._broker
        if self._epoch != broker.epoch:
            self._epoch = broker.epoch
            self._until = broker.changed_at + broker.nature.seconds("broker: notice", *NOTICES)
        return self._made and broker.down == (broker.nature.time() < self._until)

    async def start(self) -> None:
        """Connect as soon as the broker is up; returns at once."""
        self._process.start(self._supervise())

    async def alive(self) -> bool:
        """Whether a round trip works now."""
        await asyncio.sleep(LATENCY)
        return self._made and not self._broker.down

    def hint(self, subject: str, body: bytes = b"") -> None:
        """See `Bus.hint`."""
        if self._process.alive and self.is_connected:
            self._broker.say(subject, body)

    async def close(self) -> None:
        """Pull and listen no more."""
        self._made = False
        self._broker.leave(self._process)

    async def _supervise(self) -> None:
        while self._broker.down:  # noqa: ASYNC110  # as the real one, which tries once a second
            await asyncio.sleep(1)
        self._made = True
        for run in self.on_connect:
            await run()

    def _there(self, part: object) -> object:
        if not self._made:
            raise Unavailable("broker_unavailable", "the broker is not connected")
        return part
