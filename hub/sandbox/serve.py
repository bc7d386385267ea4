"""The sandbox behind a port: as a process of its own (`serve`), or inside one (`running`)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import uvicorn

from hub.sandbox.app import App, create_sandbox
from hub.sandbox.webhook_endpoints import Endpoint

KEEP_ALIVE_SECONDS = 75
"""Longer than a caller's pool keeps a connection, so that a call is not cut by our closing of an idle one."""


class Options(TypedDict, total=False):
    """What may be asked of a sandbox that is served."""

    secret: str
    onboard: bool
    webhooks: Sequence[Endpoint]


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(
    path: Path | None,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ready: Callable[[str], None] = lambda _: None,
    **options: Unpack[Options],
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` hears the base address; `options` are those of `create_sandbox`.

    Raises `OSError` if the port is taken.
    """
    with _bound(host, port) as listener:
        ready(_address(listener))
        await uvicorn.Server(_config(create_sandbox(path, **options))).serve(sockets=[listener])


@contextlib.asynccontextmanager
async def running(app: App, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve a sandbox in this process while the block runs; yields the base address. Raises `OSError` if the port is taken."""
    with _bound(host, port) as listener:
        server = _Quiet(_config(app))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield _address(listener)
        finally:
            server.should_exit = True
            await task


@contextlib.contextmanager
def _bound(host: str, port: int) -> Generator[socket.socket]:
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it every answer waits 40 ms for an ACK.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        yield listener


def _config(app: App) -> uvicorn.Config:
    # Injected cuts look like faults of the app to the server; they are wanted and not worth a log line.
    return uvicorn.Config(
        app, log_level="critical", access_log=False, ws="none", timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=1
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"
