"""The vendor's own system over HTTP: one call, its answer, and whatever goes wrong in the words of `vendor_sdk.errors`."""

import time
from collections.abc import Collection, Mapping
from ssl import SSLContext
from typing import Any, TypeVar

import httpx
import msgspec

from vendor_sdk.errors import Misconfigured, NeedsReauth, Retry
from vendor_sdk.retry_after import seconds_asked

T = TypeVar("T")

ANSWER_BYTES_MAX = 4 * 1024 * 1024
SIGNED_OUT = frozenset({401, 403})
BUSY = frozenset({408, 425, 429})
SERVER_ERRORS = 500


class Answer(msgspec.Struct, frozen=True):
    """What the vendor's system answered."""

    status: int
    body: bytes

    def read(self, into: type[T]) -> T:
        """The body as JSON of that form. Raises `Retry` for anything else: a page of a proxy, half an answer."""
        try:
            return msgspec.json.decode(self.body, type=into)
        except msgspec.DecodeError as error:
            raise Retry(f"unreadable answer ({self.status}): {error}") from error


class Upstream:
    """An HTTP client that fails as an adapter may. It never asks twice by itself: the guard does."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        proxy: str | None = None,
        ssl: SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout` in seconds, for connecting and for each wait for bytes. Raises `Misconfigured` for no http(s) address.

        It goes through `proxy` (a URL) if that is given, and `ssl` replaces the usual authorities: nothing in the environment
        sends it elsewhere, lends it a password or has it trust others.
        """
        if proxy is not None and not proxy.startswith(("http://", "https://")):
            raise Misconfigured("proxy: it is no http(s) address")
        if not url.startswith(("http://", "https://")):
            raise Misconfigured(f"{url!r} is no http(s) address")
        self._client = httpx.AsyncClient(
            base_url=url,
            headers=dict(headers or {}),
            timeout=timeout,
            transport=transport,
            proxy=proxy,
            trust_env=False,
            verify=ssl or url.startswith("https:"),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def call(self, method: str, path: str, *, key: str = "", json: Any = None, expects: Collection[int] = (200, 201)) -> Answer:
        """The answer to one request, if its status is one of `expects`.

        `key` goes along as ``Idempotency-Key``. Raises `Retry` for time-outs, broken connections, 408, 425, 429 and 5xx
        (with their Retry-After), `NeedsReauth` for 401 and 403, `Misconfigured` for any other status.
        """
        try:
            async with self._client.stream(method, path, json=json, headers={"Idempotency-Key": key} if key else {}) as response:
                answer = Answer(response.status_code, await _bounded(response))
        except httpx.HTTPError as error:
            raise Retry(f"{method} {path}: {type(error).__name__}") from error
        if answer.status not in expects:
            raise _failure(f"{method} {path}: {answer.status}", answer.status, response.headers)
        return answer


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise Misconfigured(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    return bytes(body)


def _failure(said: str, status: int, headers: Mapping[str, str]) -> Retry | NeedsReauth | Misconfigured:
    if status in SIGNED_OUT:
        return NeedsReauth(said)
    if status in BUSY or status >= SERVER_ERRORS:
        return Retry(said, retry_after=seconds_asked(headers.get("retry-after"), time.time()))
    return Misconfigured(said)
