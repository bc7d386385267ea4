"""A line to a server on which the answer to one change is lost: it is done there, and nobody hears of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from tests.spokes.faulty import serving


class Line:
    """To the server at `target`."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self.lost = 0
        self._after: int | None = None
        self._client = httpx.AsyncClient(base_url=target, timeout=60)

    def lose(self, after: int) -> None:
        """Lose the answer to one change, after so many that are heard."""
        self._after = after

    async def carry(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        answer = await self._client.request(request.method, request.raw_path, headers=headers, content=await request.read())
        if self._after is not None and request.method != "GET":
            self._after -= 1
            if self._after < 0:
                self._after = None
                self.lost += 1
                assert request.transport is not None
                request.transport.abort()
        return web.Response(status=answer.status_code, body=answer.content, content_type="application/json")

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def a_line(target: str) -> AsyncGenerator[Line]:
    """A line, serving at its `url`."""
    line = Line(target)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", line.carry)
    try:
        async with serving(app) as line.url:
            yield line
    finally:
        await line.close()
