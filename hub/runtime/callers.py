"""Owns who asks over HTTP: API keys looked up once and remembered for a few seconds, and the guards of each area."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from hub.runtime import auth
from hub.runtime.auth import USED_SECONDS, Caller
from hub.runtime.database import Actor, Database

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]

REMEMBER_SECONDS = 5.0
"""How long a revoked key may still work in a process that has just seen it."""
REMEMBERED_MAX = 10_000
SCHEME = "bearer "

NOBODY = Actor("anonymous", "-")
"""Who asks where no key is needed."""


class Callers:
    """The callers of this process. Only known keys are remembered, so that made-up ones cannot push them out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[Caller, float]] = {}
        self._told: dict[str, float] = {}

    def remembered(self, key_hash: str) -> Caller | None:
        """Whose key this is, if that was asked in the last `REMEMBER_SECONDS`."""
        known = self._known.get(key_hash)
        return known[0] if known is not None and known[1] > time.monotonic() else None

    async def look_up(self, key: str, key_hash: str) -> Caller | None:
        """Whose key this is; None if it is unknown or revoked."""
        untold = self._told.get(key_hash, 0.0) <= time.monotonic()
        async with self._database.tx() if untold else self._database.reading() as tx:
            caller = await auth.find(tx, key)
            if untold and caller is not None:
                self._tell_later(key_hash)
                await auth.note_used(tx, key)
        self._known.pop(key_hash, None)
        if caller is not None:
            if len(self._known) >= REMEMBERED_MAX:
                del self._known[next(iter(self._known))]
            self._known[key_hash] = (caller, time.monotonic() + REMEMBER_SECONDS)
        return caller

    def _tell_later(self, key_hash: str) -> None:
        """Who asks again and again costs a write a minute."""
        if len(self._told) >= REMEMBERED_MAX:
            self._told.clear()
        self._told[key_hash] = time.monotonic() + USED_SECONDS


def key_of(authorization: str) -> str | None:
    """The key in an `Authorization` header, if it is of the right scheme."""
    return authorization[len(SCHEME) :].strip() or None if authorization[: len(SCHEME)].lower() == SCHEME else None


def caller_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
    """Whose valid key came with the request, if any (the edge has looked)."""
    return cast("dict[str, Any]", connection.scope).get("user")


def area(kind: str, scope: str) -> Guard:
    """A guard that lets in callers of `kind` with ``<scope>:read`` for reads and ``<scope>:write`` for the rest."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:  # a sync one would run in a thread
        caller = caller_of(connection)
        if caller is None:
            raise NotAuthorizedException("a valid API key is needed: Authorization: Bearer <key>")
        need = f"{scope}:{'read' if cast('dict[str, Any]', connection.scope)['method'] in {'GET', 'HEAD'} else 'write'}"
        if caller.actor.kind != kind or need not in caller.scopes:
            raise PermissionDeniedException(f"this key does not carry {need}, a scope of {kind}s")

    return guard


BUYERS = area("customer", "orders")
VENDORS = area("vendor", "vendor")
OPERATORS = area("operator", "admin")
