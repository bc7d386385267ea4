"""Sends one webhook: to a public address that was checked after it was resolved, bounded in time and size, following nothing."""

import asyncio
import socket
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from ssl import SSLContext
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from hub.notifications.destination import is_public
from hub.notifications.resolve import AddressRefused, Checked, Threaded
from hub.notifications.rules import Answer, Limits, retry_after

RESPONSE_BYTES_KEPT = 1024
BODY_SECONDS = 1.0
AGENT = "Wheelwright-Webhooks/1.0"
REFUSED = "address_refused"


def checked_socket(info: Any) -> socket.socket:
    """The last door: the very address that is about to be connected to, wherever it came from. Raises `AddressRefused`."""
    family, kind, protocol, _, address = info
    if not is_public(address[0]):
        raise AddressRefused(address[0])
    return socket.socket(family, kind, protocol)


class Sender:
    """One process's way out. Each attempt has a connection of its own, so that no answer is taken for another's."""

    def __init__(self, limits: Limits, *, resolver: AbstractResolver | None = None, ssl: SSLContext | None = None) -> None:
        self._limits = limits
        self._resolver = resolver
        self._ssl = ssl
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST it once. Whatever goes wrong is an answer too."""
        began = time.monotonic()
        try:
            answer = await self._post(url, headers, body)
        except TimeoutError:
            answer = Answer(error=f"no answer within {self._limits.timeout_seconds:g} s", timed_out=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer = Answer(error=_said(error))
        return Answer(
            status=answer.status,
            error=answer.error,
            response=answer.response,
            seconds=time.monotonic() - began,
            retry_after=answer.retry_after,
            timed_out=answer.timed_out,
        )

    async def close(self) -> None:
        """Let go of it."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sent = {"content-type": "application/json", "user-agent": AGENT, "accept-encoding": "identity", **headers}
        async with asyncio.timeout(self._limits.timeout_seconds):
            response = await self._open().post(URL(url), data=body, headers=sent, allow_redirects=False)
        try:
            kept = await self._beginning(response)
        finally:
            response.close()
        asked = response.headers.get("retry-after")
        return Answer(status=response.status, response=kept, retry_after=retry_after(asked, time.time(), _date(asked)))

    async def _beginning(self, response: aiohttp.ClientResponse) -> str:
        """What it says first. It has answered already: a body that never ends, or comes drop by drop, changes nothing."""
        kept = b""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while len(kept) < RESPONSE_BYTES_KEPT and (chunk := await response.content.read(RESPONSE_BYTES_KEPT - len(kept))):
                    kept += chunk
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        return kept.decode(errors="replace").replace("\0", "")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            free = self._limits.allow_private
            inner = self._resolver or Threaded()
            connector = aiohttp.TCPConnector(
                resolver=inner if free else Checked(inner),
                socket_factory=None if free else checked_socket,
                ssl=self._ssl or True,
                use_dns_cache=False,
                force_close=True,
                limit=0,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=False,
            )
        return self._session


def _said(error: Exception) -> str:
    """For the vendor: what went wrong, without the names of our insides."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressRefused):
        return f"{REFUSED}: {cause}"
    return f"{type(error).__name__}: {error}".replace("\0", "")[:300]


def _date(value: str | None) -> float | None:
    try:
        return None if value is None else parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
