"""A test stand: a real broker with one account per vendor, the hub's end of it in hand, and spokes to run against it."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from hub.embedded.nats import Nats
from hub.embedded.nats_config import BrokerUser, VendorAccount, nats_config
from hub.embedded.nkey import new_seed, public_of
from hub.runtime.topology import ensure_vendor
from tests.broker import sent
from tests.vendor_sdk import orders
from vendor_sdk import messages, subjects
from vendor_sdk.messages import Message
from vendor_sdk.settings import Loaded, Secrets, SpokeSettings
from vendor_sdk.spoke import Spoke

HUB = BrokerUser(user="hub", password="hub")
SYSTEM = BrokerUser(user="sys", password="sys")

WITHIN = 30.0
"""Seconds for what comes in milliseconds: that a machine stands still for a while is no failure."""

_numbers = itertools.count(1)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the hub got it."""

    kind: str
    body: Message
    headers: dict[str, str]


class Stand:
    """The hub's side: sends commands, hears events."""

    def __init__(self, folder: Path, vendors: list[str]) -> None:
        self.data = folder / "spokes"
        self.seeds = {vendor: new_seed() for vendor in vendors}
        accounts = [VendorAccount(vendor, public_of(seed)) for vendor, seed in self.seeds.items()]
        self.server = Nats(folder / "nats", nats_config(accounts, hub=HUB, system=SYSTEM))
        self.heard: list[Heard] = []
        self._news = asyncio.Condition()
        self.leaf_url = ""

    async def open(self) -> None:
        self.server.start()
        self.hub: Client = await nats.connect(self.server.url, user="hub", password="hub")
        self.js: JetStreamContext = self.hub.jetstream()
        for vendor in self.seeds:
            await ensure_vendor(self.js, vendor)
        await self.hub.subscribe("evt.>", cb=self._hear)
        await sent(self.hub)

    async def close(self) -> None:
        await self.hub.close()
        await asyncio.to_thread(self.server.stop)

    def new_vendor(self) -> str:
        """A vendor that no other test of this module uses."""
        return list(self.seeds)[next(_numbers) % len(self.seeds)]

    async def command(
        self,
        vendor: str,
        body: Message,
        command_id: str,
        *,
        attempt: int = 1,
        deadline: float | None = 30.0,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Ask a vendor, as the hub's worker does; `deadline` in seconds from now."""
        kind = next(kind for kind, struct in messages.COMMANDS.items() if type(body) is struct)
        await self.raw(vendor, kind, messages.encode(body), command_id, attempt=attempt, deadline=deadline, headers=headers)

    async def raw(
        self,
        vendor: str,
        kind: str,
        body: bytes,
        command_id: str,
        *,
        attempt: int = 1,
        deadline: float | None = 30.0,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Ask a vendor with any bytes."""
        head = {messages.MSG_ID: f"{command_id}.{attempt}", messages.COMMAND_ID: command_id, messages.ATTEMPT: str(attempt)}
        if deadline is not None:
            head[messages.DEADLINE] = orders.later(deadline).isoformat()
        await self.js.publish(subjects.command(vendor, kind), body, headers=head | (headers or {}))

    async def event(self, event_id: str, *, attempt: int | None = None, within: float = WITHIN) -> Heard:
        """The event of that name, as soon as it has come."""

        def find() -> Heard | None:
            for heard in self.heard:
                h = heard.headers
                if h.get(messages.EVENT_ID) == event_id and attempt in {None, int(h[messages.ATTEMPT])}:
                    return heard
            return None

        async with asyncio.timeout(within), self._news:
            while (found := find()) is None:
                await self._news.wait()
            return found

    async def dead(self, code: str, within: float = WITHIN) -> Heard:
        """The dead letter with that error."""

        def find() -> Heard | None:
            return next((h for h in self.heard if isinstance(h.body, messages.Dead) and h.body.error == code), None)

        async with asyncio.timeout(within), self._news:
            while (found := find()) is None:
                await self._news.wait()
            return found

    async def stored(self, vendor: str, kind: str) -> bool:
        """Whether the vendor's stream holds an event of that kind, heard or not."""
        with suppress(NotFoundError):
            await self.js.get_last_msg(subjects.event_stream(vendor), subjects.event(vendor, kind))
            return True
        return False

    def count(self, event_id: str) -> int:
        """How often an event was told; the stream keeps what is told again under the same message id once."""
        return sum(heard.headers.get(messages.EVENT_ID) == event_id for heard in self.heard)

    async def kept(self, vendor: str) -> list[str]:
        """The ids of all events in the vendor's stream."""
        stream = subjects.event_stream(vendor)
        state = (await self.js.stream_info(stream)).state
        stored = [await self.js.get_msg(stream, number) for number in range(state.first_seq, state.last_seq + 1)]
        return [(message.headers or {}).get(messages.EVENT_ID, "") for message in stored]

    async def settled(self, vendor: str, within: float = WITHIN) -> None:
        """Wait until nothing is with the spoke or on its way to it."""

        async def done() -> bool:
            infos = await self.js.consumers_info(subjects.command_stream(vendor))
            return not any(info.num_ack_pending or info.num_pending for info in infos)

        await until(done, within)

    def settings(self, vendor: str, config: dict[str, Any] | None = None, **changes: Any) -> Loaded:
        """Settings of a dummy spoke for a vendor."""
        data: dict[str, Any] = {"vendor": vendor, "adapter": "dummy", "config": config or {}, "nats": {"url": self.server.url}} | changes
        settings = msgspec.convert(data, SpokeSettings)
        return Loaded(settings=settings, secrets=Secrets(seed=self.seeds[vendor]))

    async def spoke(self, vendor: str, config: dict[str, Any] | None = None, **changes: Any) -> Spoke:
        """A running spoke in this process."""
        spoke = Spoke(self.settings(vendor, config, **changes), self.data)
        await spoke.start()
        return spoke

    def effects(self, vendor: str) -> list[tuple[str, str]]:
        """(command id, verb) of everything the vendor's system did."""
        return self._dummy("SELECT command_id, verb FROM effects WHERE vendor = ? ORDER BY id", vendor)

    def calls(self, vendor: str, command_id: str) -> int:
        """How often the adapter was asked."""
        return self._dummy("SELECT count(*) FROM calls WHERE vendor = ? AND command_id = ?", vendor, command_id)[0][0]

    def _dummy(self, query: str, *values: str) -> list[Any]:
        db = sqlite3.connect(self.data / "dummy.sqlite")
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()

    async def _hear(self, msg: Msg) -> None:
        kind = subjects.kind_of(msg.subject)
        with suppress(KeyError, msgspec.ValidationError):
            self.heard.append(Heard(kind=kind, body=messages.decode_event(kind, msg.data), headers=dict(msg.headers or {})))
        async with self._news:
            self._news.notify_all()


async def until(done: Callable[[], Any], within: float = WITHIN) -> None:
    """Wait until `done` says yes. Raises `TimeoutError`."""
    ends = time.monotonic() + within
    while True:
        answer = done()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > ends:
            raise TimeoutError
        await asyncio.sleep(0.02)
