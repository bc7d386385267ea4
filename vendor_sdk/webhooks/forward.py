"""Sends what was told to a server of one's own, signed, once; says what came of it."""

import time
from http import HTTPStatus

import httpx
import msgspec

from vendor_sdk.client.answers.webhooks import DeliveryWithAttempts
from vendor_sdk.errors import Misconfigured
from vendor_sdk.webhooks.signing import sign

TIMEOUT_SECONDS = 15.0


class Forwarded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the status that was answered, or why nothing was."""

    status: int | None
    error: str
    milliseconds: int

    @property
    def taken(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and self.status < HTTPStatus.MULTIPLE_CHOICES

    def __str__(self) -> str:
        return f"{self.status or self.error} ({self.milliseconds} ms)"


class Forwarder:
    """Forwards to one URL."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = target(url)
        self._secret = secret
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)

    async def send(self, told: DeliveryWithAttempts) -> Forwarded:
        """The same body and webhook-id, with a signature of our own."""
        body = told.body.encode()
        headers = sign(self._secret, told.delivery.event_id, int(time.time()), body) | {"Content-Type": "application/json"}
        begun = time.monotonic()
        try:
            async with self._http.stream("POST", self.url, content=body, headers=headers) as answer:  # what it says is not read
                status, error = answer.status_code, ""
        except httpx.TransportError as failed:
            status, error = None, f"{type(failed).__name__}: {failed}".rstrip(": ")
        return Forwarded(status=status, error=error, milliseconds=round((time.monotonic() - begun) * 1000))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


def target(text: str) -> str:
    """The URL that is meant: ``3000/hook`` and ``localhost:3000/hook`` are on this machine. Raises `Misconfigured`."""
    if text.partition("/")[0].isdigit():
        text = f"localhost:{text}"
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL as error:
        raise Misconfigured(f"--forward-to: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise Misconfigured("--forward-to: a URL is expected, such as http://localhost:3000/hooks")
    return str(url)
