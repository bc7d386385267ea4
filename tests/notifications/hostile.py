"""Servers that mean harm, and resolvers that lie: what a sender of webhooks meets."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from socket import AddressFamily

import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

Handle = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

NAME = "shop.example.com"


class Names(AbstractResolver):
    """Answers each question with the next list of addresses, the last one for ever."""

    def __init__(self, *answers: Sequence[str], port: int | None = None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: AddressFamily = AddressFamily.AF_INET,  # noqa: ARG002 - it answers with both, as a hostile one would
    ) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        kind = {True: AddressFamily.AF_INET6, False: AddressFamily.AF_INET}
        return [
            ResolveResult(hostname=host, host=each, port=self.port or port, family=kind[":" in each], proto=0, flags=0) for each in found
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def serving(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """A server that reads a request and answers as `handle` does; its port, and the requests that came."""
    came: list[bytes] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
            came.append(head + await reader.readexactly(length))
            await handle(came[-1], writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()


def says(text: str) -> Handle:
    """Answers always the same."""

    async def handle(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())

    return handle


def certificates(name: str = NAME) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for `name`, and a client's that trusts it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(client)
    return server, client
