"""A vendor's own system as these tests see it: a server that keeps what it is told, and hands that drive the hub's two loops."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from sqlalchemy import text

from hub.notifications.deliver import Courier
from hub.notifications.follow import follow
from hub.notifications.rules import Limits
from hub.runtime.life import Move, record
from tests.hub_api import Api

LIMITS = Limits(allow_private=True, timeout_seconds=1)


@dataclass
class Message:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return str(self.json["type"])

    @property
    def json(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body)


Reply = Callable[[Message], tuple[int, dict[str, str]]]


@dataclass
class Receiver:
    """Keeps all it is told; answers `status`, or what `replies` says for a path; a path in `stuck` it never answers."""

    port: int = 0
    status: int = 200
    came: list[Message] = field(default_factory=list[Message])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    stuck: set[str] = field(default_factory=set[str])
    under_way: int = 0
    most: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str = "/hook") -> list[Message]:
        return [message for message in self.came if message.path == path]

    async def told(self, path: str) -> None:
        """Wait until something has come for this path."""
        while not self.at(path):
            self._arrived.clear()
            await self._arrived.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one message."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        message = Message(head[0].split(" ")[1], headers, await reader.readexactly(int(headers["content-length"])))
        self.came.append(message)
        self._arrived.set()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if message.path in self.stuck:
            await reader.read()  # until the other side gives up
        status, more = self.replies.get(message.path, lambda _: (self.status, {}))(message)
        lines = [f"HTTP/1.1 {status} X", "content-length: 2", *(f"{name}: {value}" for name, value in more.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\nok").encode())
        self.under_way -= 1
        writer.close()


@dataclass
class Desk:
    """The API, a receiver, and one worker's courier."""

    api: Api
    receiver: Receiver
    courier: Courier

    async def endpoint(self, path: str = "/hook", *, vendor: str = "acme", **more: Any) -> dict[str, Any]:
        """A registered endpoint with its secrets."""
        answer = await self.api(vendor, "POST", "/v1/vendor/webhook-endpoints", {"url": self.receiver.url(path), **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def happen(self, *events: str, vendor: str = "acme") -> None:
        """These happen to a vendor, one transaction each."""
        for event in events:
            async with self.api.wiring.database.tx() as tx:
                await tx.execute(text("UPDATE vendors SET version = version + 1 WHERE code = :code"), {"code": vendor})
                record(tx, Move(life="vendor", subject_id=vendor, saga_id=vendor, event=event, before="active", after="active"))

    async def follow(self) -> None:
        """Until all that is committed is followed (a test beside this one may have an older transaction open)."""
        for _ in range(200):
            await follow(self.api.wiring.database)
            if await self.scalar("SELECT seq >= (SELECT coalesce(max(seq), 0) FROM timeline) FROM webhook_cursors"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the timeline is not followed")

    async def deliver(self, rounds: int = 10) -> None:
        """Follow, and send what is due until nothing is."""
        await self.follow()
        for _ in range(rounds):
            await self.courier.once()
            await self.courier.idle()

    async def later(self, seconds: float = 100_000) -> None:
        """Time passes for what waits."""
        await self.sql(f"UPDATE webhook_deliveries SET due_at = due_at - interval '{seconds} s'")
        await self.sql(f"UPDATE webhook_deliveries SET leased_until = leased_until - interval '{seconds} s'")
        await self.sql(f"UPDATE webhook_endpoints SET quiet_until = quiet_until - interval '{seconds} s'")

    async def deliveries(self, vendor: str = "acme", **query: str) -> list[dict[str, Any]]:
        """A vendor's deliveries, oldest first."""
        asked = "&".join(f"{name}={value}" for name, value in {"limit": "100", **query}.items())
        answer = await self.api(vendor, "GET", f"/v1/vendor/webhook-deliveries?{asked}")
        assert answer.status_code == 200, answer.text
        return list(reversed(answer.json()["data"]))

    async def look(self, endpoint: dict[str, Any], vendor: str = "acme") -> dict[str, Any]:
        """An endpoint as it is now."""
        return (await self.api(vendor, "GET", f"/v1/vendor/webhook-endpoints/{endpoint['endpoint']['id']}")).json()

    async def sql(self, sql: str) -> None:
        async with self.api.wiring.database.tx() as tx:
            await tx.execute(text(sql))

    async def scalar(self, sql: str) -> Any:
        async with self.api.wiring.database.reading() as tx:
            return await tx.scalar(text(sql))


def now() -> datetime:
    """What the edge would say."""
    return datetime.now(UTC)  # noqa: TID251  # the tests stand for the edge


def slug(answer: httpx.Response) -> str:
    """The type of a refusal, in short."""
    return str(answer.json()["type"]).removeprefix("/problems/")


def types(messages: Sequence[Message]) -> list[str]:
    """In short."""
    return [message.type for message in messages]
