"""One vendor's system over HTTP: each call bounded in time and size, following nothing, sent to where it may go."""

import time
from collections.abc import Mapping
from ssl import SSLContext

import aiohttp
import msgspec
from yarl import URL

from spokes.web.address import AddressRefused, checked_socket
from spokes.web.failures import Unsure, excerpt, failure
from vendor_sdk.errors import AdapterError, Misconfigured
from vendor_sdk.retry_after import seconds_asked

BODY_BYTES_MAX = 1024 * 1024
CALL_SECONDS = 60.0
"""The last bound, for what is called outside the guard; the guard's own is shorter."""
AGENT = "Wheelwright-Spoke/1.0"


class Answer(msgspec.Struct, frozen=True):
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def failure(self) -> AdapterError | None:
        """The error of its status, with the beginning of its body; None for a success."""
        wait = seconds_asked(self.headers.get("retry-after"), time.time())
        return failure(self.status, wait=wait, said=excerpt(self.body))


class Door:
    """The way to one system at `base`, a URL that `checked_url` has passed."""

    def __init__(self, base: str, *, allow_private: bool = False, body_max: int = BODY_BYTES_MAX, ssl: SSLContext | None = None) -> None:
        """`body_max` bounds an answer in bytes; `ssl` replaces the usual authorities."""
        self._base = base
        self._allow_private = allow_private
        self._body_max = body_max
        self._ssl = ssl
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Call once; any status is an answer.

        Raises `Unsure` when nobody answers or the answer is no HTTP, `Misconfigured` for a certificate or an address that is
        refused, and `AdapterError` for an answer that is too long or packed: what was asked has been done then, as far as we know.
        """
        url = URL(self._base + path).update_query(query or {})
        sent = {"user-agent": AGENT, "accept": "application/json", "accept-encoding": "identity", **headers}
        try:
            async with self._open().request(method, url, data=body, headers=sent, allow_redirects=False) as response:
                return await self._read(response)
        except TimeoutError as error:
            raise Unsure("no answer in time") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise Misconfigured(f"the certificate is not to be trusted: {error.certificate_error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error

    async def close(self) -> None:
        """Let go of its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise AdapterError("the answer is packed, although that was not asked for")
        body = b""
        while len(body) <= self._body_max and (chunk := await response.content.read(self._body_max + 1 - len(body))):
            body += chunk
        if len(body) > self._body_max:
            response.close()
            raise AdapterError(f"the answer is longer than {self._body_max} bytes")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(socket_factory=None if self._allow_private else checked_socket, ssl=self._ssl or True, limit=0)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
                trust_env=False,
            )
        return self._session


def _translated(error: aiohttp.ClientError | OSError) -> AdapterError:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    refused = cause if isinstance(cause, AddressRefused) else cause.__cause__
    if isinstance(refused, AddressRefused):
        return Misconfigured(str(refused))
    if isinstance(error, aiohttp.InvalidURL):
        return AdapterError(f"{type(error).__name__}: {error}"[:300])
    if isinstance(error, aiohttp.ClientResponseError):
        return Unsure(f"the answer is no HTTP: {type(error).__name__}")
    return Unsure(f"{type(error).__name__}: {error}"[:300])
