"""How our requests reach Stripe: pool, deadlines, proxy, and whether a failed request had left us or not."""

import asyncio
import ssl
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import stripe

Reply: TypeAlias = tuple[bytes, int, Mapping[str, str]]
Message: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

CONNECT_SECONDS_MAX = 5.0
KEEP_ALIVE_SECONDS = 15.0


class Unreachable(stripe.APIConnectionError):
    """No whole answer came. `sent` is False only if the request certainly never left."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message, should_retry=False)  # pyright: ignore[reportUnknownMemberType]  # untyped in the wheel
        self.sent = sent


class Wire(stripe.HTTPClient):
    """Stripe's own hook for an HTTP client. Raises `Unreachable` and nothing else (the wheel's clients let body errors escape)."""

    def __init__(self, timeout: float) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]  # untyped in the wheel
        self._timeout = timeout

    @abstractmethod
    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """One request and its whole answer."""

    async def request_async(self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None) -> Reply:
        body = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            async with asyncio.timeout(self._timeout):
                return await self.exchange(method.upper(), url, headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise Unreachable(f"not connected: {error}", sent=False) from error
        except Exception as error:
            raise Unreachable(f"no answer: {type(error).__name__} {error}", sent=True) from error

    async def sleep_async(self, secs: float) -> None:
        await asyncio.sleep(secs)


class Network(Wire):
    """Over TCP with a pool of kept connections. To be used and closed on one event loop."""

    name: ClassVar[str] = "aiohttp"

    def __init__(self, timeout: float, *, proxy: str | None = None, connections: int = 50) -> None:
        super().__init__(timeout)
        self._proxy_address = proxy
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        session = self._opened()
        async with session.request(
            method, url, headers=dict(headers), data=body, proxy=self._proxy_address, allow_redirects=False
        ) as reply:
            return await reply.read(), reply.status, reply.headers

    async def close_async(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A wait for a free connection or for the handshake is bounded apart, because then nothing was sent.
            waiting = aiohttp.ClientTimeout(total=None, connect=min(CONNECT_SECONDS_MAX, self._timeout / 2))
            pool = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=_trusted())
            self._session = aiohttp.ClientSession(connector=pool, timeout=waiting)
        return self._session


def _trusted() -> ssl.SSLContext:
    """The machine's authorities (a company's proxy may have its own) and Stripe's list (a slim container may have none)."""
    context = ssl.create_default_context()
    context.load_verify_locations(stripe.ca_bundle_path)
    return context


class InProcess(Wire):
    """To an ASGI app in this process, without a socket."""

    name: ClassVar[str] = "in-process"

    def __init__(self, app: App, timeout: float) -> None:
        super().__init__(timeout)
        self._app = app

    async def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        inbox = [{"type": "http.request", "body": body or b""}]
        outbox: list[Message] = []

        async def receive() -> Message:
            if inbox:
                return inbox.pop()
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            outbox.append(message)

        await self._app(scope, receive, send)
        if len(outbox) < 2:  # noqa: PLR2004  # a whole answer is a start and a body
            raise ConnectionResetError("the answer was cut")
        start, *chunks = outbox
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return b"".join(chunk.get("body", b"") for chunk in chunks), start["status"], fields

    async def close_async(self) -> None:
        """Nothing to let go of."""
