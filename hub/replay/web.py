"""Owns how the replay speaks to the hub: JSON over HTTP, asked again with the same key when the answer did not come."""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

PATIENCE_SECONDS = 120.0
"""How long one request is asked again before the replay gives up."""
TRY_SECONDS = 60.0
PAUSES = (0.1, 0.3, 1.0, 2.0)
AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
TWIN_RUNS = "idempotency_key_in_use"


class Refused(RuntimeError):
    """The hub said no, or said nothing for `PATIENCE_SECONDS`."""


class Web:
    """One session; `again` counts the requests that had to be repeated."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.again = 0

    async def __call__(self, key: str, method: str, path: str, body: Any = None, more: Mapping[str, str] | None = None) -> Any:
        """The decoded answer to a request of the holder of `key`; `more` headers make it wait or be done once. Raises `Refused`."""
        headers = {"Authorization": f"Bearer {key}", **(more or {})}
        sent = None
        if body is not None:
            sent = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        begun, tries = time.monotonic(), 0
        while True:
            status, answer = await self._ask(method, path, sent, headers)
            if 0 < status < HTTPStatus.BAD_REQUEST:
                return msgspec.json.decode(answer)
            if not _worth_again(status, answer) or time.monotonic() - begun > PATIENCE_SECONDS:
                raise Refused(f"{method} {path}: {status or 'no answer'} {answer.decode(errors='replace')}")
            self.again += 1
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    async def pages(self, key: str, path: str) -> list[Any]:
        """Everything a list holds."""
        found: list[Any] = []
        cursor = ""
        while True:
            page = await self(key, "GET", f"{path}?limit=100{cursor}")
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def _ask(self, method: str, path: str, sent: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body; status 0 if nothing came back."""
        try:
            async with self._session.request(method, self._url + path, data=sent, headers=headers) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, repr(error).encode()


def session() -> aiohttp.ClientSession:
    """A session for many requests at once; close it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=TRY_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
    )


def _worth_again(status: int, answer: bytes) -> bool:
    return status == 0 or status in AGAIN or (status == HTTPStatus.CONFLICT and TWIN_RUNS.encode() in answer)
