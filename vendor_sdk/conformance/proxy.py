"""A loopback proxy between an adapter and its vendor's system over HTTP, with a meddler inside."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

import httpx

from vendor_sdk.conformance.exchange import Request, read_request, write_response
from vendor_sdk.conformance.meddler import Meddler, Response

OWN_CONNECTION = frozenset({"connection", "keep-alive", "trailer", "transfer-encoding", "upgrade", "host", "content-length"})
"""Headers that belong to one connection, not to the message."""

SECONDS_MAX = 60.0


class Proxy:
    """Serves on a free port of the loopback for as long as it is open."""

    def __init__(self, target: str, *, status: Collection[str]) -> None:
        """`target` is the system's address; `status` as for the meddler."""
        self.meddler = Meddler(self._forward, status=status)
        self._target = target.rstrip("/")
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Start; the address to use instead of the target's."""
        self._client = httpx.AsyncClient(timeout=SECONDS_MAX, verify=self._target.startswith("https:"), trust_env=False)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}{urlsplit(self._target).path}"
        return self.address

    async def close(self) -> None:
        """Stop, and end what is still being waited for."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._client.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._serving.add(task)
        try:
            while request := await read_request(reader):
                response = await self.meddler.answer(request)
                if response is None:
                    return
                await write_response(writer, *response)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return
        except asyncio.CancelledError:
            return  # only `close` cancels; Python 3.11 would print a trace for each connection that still waits
        finally:
            self._serving.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _forward(self, request: Request) -> Response:
        parts = urlsplit(self._target)
        headers = {name: value for name, value in request.headers.items() if name not in OWN_CONNECTION}
        url = f"{parts.scheme}://{parts.netloc}{request.target}"
        try:
            answer = await self._client.request(request.method, url, headers=headers, content=request.body)
        except httpx.HTTPError as error:
            return 502, {}, f"{type(error).__name__} at {self._target}".encode()
        kept = {name: value for name, value in answer.headers.items() if name not in OWN_CONNECTION | {"content-encoding"}}
        return answer.status_code, kept, answer.content
