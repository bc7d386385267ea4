"""Owns what happens around every request, known path or not: its trace, its room, its share of the rate, and text nobody can store."""

import re
import time
from functools import partial
from typing import Any, cast

import msgspec
import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.runtime import problems
from hub.runtime.auth import hash_key
from hub.runtime.callers import Callers, key_of
from hub.runtime.trace import Trace, current
from hub.runtime.traffic import Traffic

log = structlog.get_logger("http")

DOWN = (DBAPIError, PoolTimeoutError, OSError)
WINDOW_SECONDS = 60
WEBHOOKS = "/v1/webhooks/"
HEALTH = "/health/"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NAMES_MAX = 100_000
"""Callers counted per window; beyond it all newcomers share one count."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_encoder = msgspec.json.Encoder()


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a minute for each key of a kind of caller, and for each address without a valid key.

    Payment providers have no key of ours and come in bursts: an address may send so many to the webhooks.
    """

    anonymous: int
    customer: int
    vendor: int
    operator: int
    webhooks: int = 6_000


class Count(msgspec.Struct, frozen=True):
    """How a caller stands in this window: `left` may be negative; `reset` is in seconds."""

    limit: int
    left: int
    reset: int


class Windows:
    """Requests counted by name in fixed windows, in this process alone."""

    def __init__(self) -> None:
        self._window = 0
        self._counts: dict[str, int] = {}

    def count(self, name: str, limit: int, now: float, *, add: int = 1) -> Count:
        """Count `add` requests of `name` at `now` (seconds)."""
        window = int(now // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._counts = window, {}
        if name not in self._counts and len(self._counts) >= NAMES_MAX:
            name = "others"
        used = self._counts.get(name, 0) + add
        if add:
            self._counts[name] = used
        return Count(limit, limit - used, int((window + 1) * WINDOW_SECONDS - now) + 1)


class Edge:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, callers: Callers, rates: Rates, traffic: Traffic | None = None) -> None:
        self._app = app
        self._traffic = traffic or Traffic()
        self._callers = callers
        self._rates = rates
        self._windows = Windows()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
        asked = headers.get(b"x-request-id", "")
        trace = Trace.new(asked if _REQUEST_ID.fullmatch(asked) else None, headers.get(b"traceparent"))
        token = current.set(trace)
        extra = [(b"x-request-id", trace.correlation_id.encode())]

        call = _Call(scope["method"], self._traffic, extra)
        try:
            await self._enter(scope, receive, partial(call.send, send), extra)
        finally:
            call.over()
            current.reset(token)

    async def _enter(self, scope: HTTPScope, receive: Receive, send: Send, extra: list[tuple[bytes, bytes]]) -> None:
        """Turn away what would make everybody wait; who asks after our health is always answered."""
        traffic = self._traffic
        if scope["path"].startswith(HEALTH):
            await self._pass(scope, receive, send, extra)
        elif traffic.under_way > traffic.most:
            traffic.turned_away += 1
            await _refuse(503, "too_busy", "more requests than can be answered in time; nothing was done", 1, send)
        else:
            await self._pass(scope, receive, send, extra)

    async def _pass(self, scope: HTTPScope, receive: Receive, send: Send, extra: list[tuple[bytes, bytes]]) -> None:
        authorization = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")
        try:
            count = await self._admit(cast("dict[str, Any]", scope), authorization)
        except DOWN as error:
            log.warning("http.database_unavailable", error=repr(error))
            await _refuse(503, "database_unavailable", "the database is not available", 1, send)
            return
        extra += [
            (b"ratelimit-limit", b"%d" % count.limit),
            (b"ratelimit-remaining", b"%d" % max(0, count.left)),
            (b"ratelimit-reset", b"%d" % count.reset),
        ]
        if count.left < 0:
            await _refuse(429, "too_many_requests", f"more than {count.limit} requests a minute", count.reset, send)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await _refuse(400, "malformed_request", "the character U+0000 is not text", None, send)
        else:
            await self._app(scope, receive, send)

    async def _admit(self, scope: dict[str, Any], authorization: str) -> Count:
        """Find out who asks and count the request: towards a valid key's own rate, else towards the sender's address."""
        now = time.monotonic()
        address = f"at:{scope['client'][0] if scope['client'] else 'unknown'}"
        key = key_of(authorization)
        if scope["path"].startswith(WEBHOOKS):
            return self._windows.count(f"webhooks {address}", self._rates.webhooks, now)
        if key is None:
            return self._windows.count(address, self._rates.anonymous, now)
        name = hash_key(key)
        caller = self._callers.remembered(name)
        if caller is None:
            # Who has guessed too often is not even looked up: an invented key costs us a query.
            guesses = self._windows.count(address, self._rates.anonymous, now, add=0)
            if guesses.left < 0:
                return guesses
            caller = await self._callers.look_up(key, name)
        if caller is None:
            return self._windows.count(address, self._rates.anonymous, now)
        scope["user"] = caller
        return self._windows.count(name, getattr(self._rates, caller.actor.kind), now)


class _Call:
    """One request under way: until its answer begins it takes room."""

    def __init__(self, method: str, traffic: Traffic, extra: list[tuple[bytes, bytes]]) -> None:
        self._method = method if method in METHODS else "OTHER"
        self._traffic = traffic
        self._extra = extra
        self._began: float | None = time.monotonic()
        traffic.under_way += 1

    async def send(self, send: Send, message: Message) -> None:
        """Pass a message on; the first is the answer's head."""
        if message["type"] == "http.response.start":
            closing = [(b"connection", b"close")] if self._traffic.draining else []
            self.over(message["status"])
            message = {**message, "headers": [*message["headers"], *self._extra, *closing]}  # a copy of it may be kept for others
        await send(message)

    def over(self, status: int = 0) -> None:
        """It takes no more room; without a status nobody heard an answer."""
        if self._began is not None:
            self._traffic.under_way -= 1
            if status:
                self._traffic.answered(self._method, status, time.monotonic() - self._began)
            self._began = None


_READ = frozenset({b"x-request-id", b"traceparent"})


async def _refuse(status: int, slug: str, detail: str, retry_after: int | None, send: Send) -> None:
    body = _encoder.encode(problems.problem(status, slug, detail))
    headers = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
