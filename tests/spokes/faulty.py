"""A vendor's HTTP server that fails on demand, whatever it serves."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from vendor_sdk.conformance.fault import RETRY_AFTER

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
STATUSES = {"broken": 500, "unauthorized": 401, "forbidden": 403, "missing": 404, "not_allowed": 405, "gone": 410, "odd": 418}


class Faulty:
    """Strikes in the order in which faults were asked for, each once, then serves again.

    Instead of the work: ``busy`` (429) and ``down`` (503), both with Retry-After, those of `STATUSES`, ``redirect``, ``silence``
    (no answer ever), ``hangup``. After the work: ``mute`` (no answer ever), ``unheard`` (the connection ends), ``garbage``,
    ``oversized``, ``packed``, ``spent`` (503), ``walled`` (403 and a page, as a firewall gives it), ``no_http``.
    """

    def __init__(self) -> None:
        self._faults: deque[str] = deque()
        self.always = ""
        """A fault that strikes each call from now on, until it is taken away."""
        self.asked = 0
        self.is_silent = asyncio.Event()
        self._never = asyncio.Event()  # held here: a task that waits for what nobody holds is swept up, and its connection ends
        self.before: Callable[[web.Request], Awaitable[None]] | None = None
        """What happens before each call is looked at."""

    def fault(self, kind: str, times: int = 1, *, after: int = 0) -> None:
        """Strike so many calls in this way, `after` so many that go well."""
        self._faults.extend([""] * after + [kind] * times)

    def recover(self) -> None:
        """What was asked for and has not struck does not."""
        self._faults.clear()

    async def serve(self, request: web.Request, handle: Handle) -> web.StreamResponse:
        self.asked += 1
        if self.before is not None:
            await self.before(request)
        fault = self._faults.popleft() if self._faults else self.always
        if fault in {"busy", "down"}:
            return web.Response(status=429 if fault == "busy" else 503, headers={"retry-after": str(RETRY_AFTER)})
        if fault in STATUSES:
            return web.Response(status=STATUSES[fault], text="<html>no</html>")
        if fault == "redirect":
            return web.Response(status=307, headers={"location": str(request.url)})
        if fault == "silence":
            self.is_silent.set()
            await self._never.wait()
        if fault == "hangup":
            return _cut(request)
        answer = await handle(request)
        if fault == "mute":
            self.is_silent.set()
            await self._never.wait()
        return SPOILED[fault](request) if fault in SPOILED else answer


def _cut(request: web.Request, last: bytes = b"") -> web.Response:
    if request.transport is not None and last:
        request.transport.write(last)
        request.transport.close()
    elif request.transport is not None:
        request.transport.abort()
    return web.Response()


SPOILED: dict[str, Callable[[web.Request], web.Response]] = {
    "unheard": _cut,
    "garbage": lambda _: web.Response(text="<html>certainly, sir</html>"),
    "oversized": lambda _: web.Response(body=b"x" * 4_000_000),
    "packed": lambda _: web.Response(body=b"{}", headers={"content-encoding": "gzip"}),
    "spent": lambda _: web.Response(status=503, headers={"retry-after": str(RETRY_AFTER)}),
    "walled": lambda _: web.Response(status=403, text="<html>no</html>"),
    "no_http": lambda request: _cut(request, b"certainly, sir\r\n\r\n"),
}


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[str]:
    """The URL at which the application is served."""
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
