"""Sends calls: again where that may help, within the call's time, under one key."""

import time
from collections.abc import AsyncIterator
from typing import TypeVar

import httpx
from tenacity import AsyncRetrying

from vendor_sdk.client.answers import Page
from vendor_sdk.client.call import Call
from vendor_sdk.client.connection import Connection
from vendor_sdk.client.errors import Answered, Unreachable
from vendor_sdk.client.retry import AGAIN, Pause, until

T = TypeVar("T")


class Sender:
    """Speaks to one hub as one vendor."""

    def __init__(self, connection: Connection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connection = connection
        self._http = httpx.AsyncClient(
            base_url=connection.base_url, headers=connection.headers, follow_redirects=False, transport=transport
        )

    async def __call__(self, call: Call[T]) -> T:
        """What is answered. Raises any of `vendor_sdk.client.errors`."""
        patience = self._connection.patience
        end = time.monotonic() + patience.call
        async for attempt in AsyncRetrying(retry=AGAIN, wait=Pause(patience), stop=until(patience), reraise=True):
            with attempt:
                return call.read(await self._once(call, end))
        raise AssertionError("the last attempt's error is raised")

    async def each(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Everything on all pages, asked for page by page as it is needed."""
        while True:
            page = await self(call)
            for one in page.data:
                yield one
            if page.next_cursor is None:
                return
            call = call.asking(cursor=page.next_cursor)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def _once(self, call: Call[T], end: float) -> Answered:
        """One attempt, over by the moment `end` however slowly the answer drips."""
        end = min(end, time.monotonic() + self._connection.patience.attempt)
        request = self._http.build_request(
            call.method,
            call.path,
            params=call.query,
            content=call.content,
            headers=call.headers,
            timeout=max(0.001, end - time.monotonic()),
        )
        try:
            answer = await self._http.send(request, stream=True)
            try:
                content = bytearray()
                async for part in answer.aiter_bytes():
                    content += part
                    if time.monotonic() > end:
                        raise httpx.ReadTimeout("the answer is not whole in time", request=request)
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise Unreachable(f"{call.method} {call.path}: {type(error).__name__}: {error}") from error
        return Answered(answer.status_code, answer.headers, bytes(content))
