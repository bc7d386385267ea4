"""Serves the API on a port of its own, for those who speak real HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import uvicorn
from litestar import Litestar


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Litestar) -> AsyncGenerator[str]:
    """The address while the block runs; what the application needs is open already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Quiet(uvicorn.Config(app, lifespan="off", log_level="critical", ws="none", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving
