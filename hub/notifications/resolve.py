"""Finds the addresses of a host: public ones alone, and in threads of its own, so that a slow name server holds up nothing else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from hub.notifications.destination import is_public

THREADS = 64
"""A thread is taken for as long as the system's resolver tries, which may be half a minute."""


class AddressRefused(OSError):
    """The name leads to an address where no webhook may go."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is not a public address")


class Threaded(AbstractResolver):
    """The system's resolver."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "webhook-dns")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """What the name stands for now. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Checked(AbstractResolver):
    """A resolver whose answers are all public, or refused as a whole."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """What the name stands for now. Raises `AddressRefused`."""
        found = await self._inner.resolve(host, port, family)
        for each in found:
            if not is_public(each["host"]):
                raise AddressRefused(each["host"])
        return found

    async def close(self) -> None:
        """Let go of the inner one."""
        await self._inner.close()
