"""A hub that says what it is told to say, for both clients at once."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from vendor_sdk.client import AsyncClient, Client
from vendor_sdk.client.connection import Patience

KEY = "wk_vendor_0123456789abcdef"
QUICK = Patience(attempt=1, call=2, first_pause=0.001, longest_pause=0.002)

Reply = httpx.Response | Exception
Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Hub:
    """Answers one reply after the other, the last one for ever; keeps what it was asked."""

    replies: list[Reply]
    asked: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


def answer(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """JSON."""
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def no(status: int, code: str, **more: Any) -> httpx.Response:
    """A problem."""
    headers = more.pop("headers", {})
    body = {"type": f"/problems/{code}", "title": "No", "status": status, "detail": "no", "request_id": "req-1", **more}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


def blocking(hub: Handler, patience: Patience = QUICK) -> Client:
    return Client("https://hub.example.com", KEY, patience=patience, transport=httpx.MockTransport(hub))


def awaiting(hub: Handler, patience: Patience = QUICK) -> AsyncClient:
    return AsyncClient("https://hub.example.com", KEY, patience=patience, transport=httpx.MockTransport(hub))


async def of_both(hub: Callable[[], Hub], do: Callable[[Any], Any], patience: Patience = QUICK) -> list[tuple[Any, Hub]]:
    """What each client makes of `do`: its result, everything of an iterator, or the error; and what its hub was asked."""
    one, other = hub(), hub()
    return [(await _done(blocking(one, patience), do), one), (await _done(awaiting(other, patience), do), other)]


async def _done(client: Client | AsyncClient, do: Callable[[Any], Any]) -> Any:
    try:
        made = do(client) if isinstance(client, AsyncClient) else await asyncio.to_thread(_whole, do, client)
        if inspect.isawaitable(made):
            return await made
        if isinstance(made, AsyncGenerator):
            return [each async for each in cast("AsyncGenerator[Any]", made)]
    except Exception as error:  # noqa: BLE001  # it is what is looked at
        return error
    return made


def _whole(do: Callable[[Any], Any], client: Client) -> Any:
    made = do(client)
    return list(cast("Generator[Any]", made)) if isinstance(made, Generator) else made
