"""Owns how handlers write and read: one transaction, as the caller, once per `Idempotency-Key`, answered with an ETag."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from hub.kernel.errors import Conflict
from hub.runtime import idempotency
from hub.runtime.callers import NOBODY, caller_of
from hub.runtime.database import Actor, Database, Tx
from hub.runtime.idempotency import Answer, Asker
from hub.runtime.problems import documented
from hub.runtime.trace import Trace, current

JSON = "application/json"
BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
"""The security requirement of every handler behind a guard."""

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="the same key with the same request is done once and answered the same"),
]
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description="the ETag last seen; refused with 412 if it has changed")]

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def refuses(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems of a handler that needs a key: its own `statuses` and those any such handler can give."""
    return documented(400, 401, 403, 429, 503, *statuses)


def refuses_write(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems of a write: those of `refuses` and what bodies and idempotency keys add."""
    return refuses(409, 413, 415, 422, *statuses)


def refuses_act(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems of a write without a body: those of `refuses` and what idempotency keys add."""
    return refuses(409, 413, 422, *statuses)


def refuses_public(*statuses: int) -> dict[int, ResponseSpec]:
    """The problems of a handler that needs no key."""
    return documented(400, 429, 503, *statuses)


class Reader:
    """Answers a GET from one reading transaction; `actor` is who asks."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self.actor = actor

    async def __call__(self, use_case: Callable[[Tx], Awaitable[T]]) -> Response[T]:
        """Run `use_case` and answer what it found."""
        async with self._database.reading() as tx:
            tx.actor = self.actor
            found = await use_case(tx)
        return shown(found)


class Writer:
    """Answers a write from one transaction as the caller; with a key, the answer commits beside what was written."""

    def __init__(self, database: Database, actor: Actor, claim: tuple[str, bytes] | None) -> None:
        self._database = database
        self._claim = claim
        self.actor = actor

    async def __call__(
        self, use_case: Callable[[Tx], Awaitable[T]], *, status: int = 200, keep: Callable[[T], object] | None = None
    ) -> Response[T]:
        """Run `use_case`, or answer what it answered to the same key before; `keep` leaves out what may be shown only once."""
        async with self._database.tx(self.actor, current.get() or Trace.new()) as tx:
            if self._claim is not None and (before := await idempotency.begin(tx, *self._claim)) is not None:
                return _answered(before)
            done = await use_case(tx)
            body = _encoder.encode(done)
            if self._claim is not None:
                kept = body if keep is None else _encoder.encode(keep(done))
                idempotency.keep(tx, self._claim[0], Answer(status, kept))
        return _response(body, status)

    async def together(self, act: Callable[[Asker], Awaitable[Answer]]) -> Response[Any]:
        """The same from a transaction that it shares with others, which keeps the answer."""
        return _answered(await act(Asker(self.actor, current.get() or Trace.new(), self._claim)))


def shown(found: T) -> Response[T]:
    """The answer of a GET."""
    return _response(_encoder.encode(found), 200)


Reading = NamedDependency[Reader]
Writing = NamedDependency[Writer]


def provide_read(request: Request[Any, Any, Any]) -> Reader:
    """The `read` of a handler."""
    return Reader(request.app.state.database, _actor(request))


async def provide_write(request: Request[Any, Any, Any], idempotency_key: IdempotencyKey = None) -> Writer:
    """The `write` of a handler."""
    claim = None
    if idempotency_key is not None:
        body = await request.body()
        claim = (idempotency.check_key(idempotency_key), idempotency.fingerprint(request.method, request.scope["path"], body))
    return Writer(request.app.state.database, _actor(request), claim)


DEPENDENCIES = {"read": Provide(provide_read, sync_to_thread=False), "write": Provide(provide_write)}


def check_version(if_match: str | None, version: int) -> None:
    """Refuse a stale edit (RFC 9110, 13.1.1). Raises `Conflict` (``version_mismatch``, answered as 412)."""
    if if_match is None or if_match.strip() == "*":
        return
    if f'"{version}"' not in {tag.strip().removeprefix("W/") for tag in if_match.split(",")}:
        raise Conflict("version_mismatch", f"it is at version {version} by now", field="header:If-Match", version=version)


def _actor(request: Request[Any, Any, Any]) -> Actor:
    caller = caller_of(request)
    return NOBODY if caller is None else caller.actor


class _Versioned(msgspec.Struct):
    version: int | None = None


def _answered(answer: Answer) -> Response[Any]:
    return _response(answer.body, answer.status, replayed=answer.replayed)


def _response(body: bytes, status: int, *, replayed: bool = False) -> Response[Any]:
    headers: dict[str, str] = {}
    if body.startswith(b"{") and b'"version":' in body and (version := msgspec.json.decode(body, type=_Versioned).version) is not None:
        headers["ETag"] = f'W/"{version}"'
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status_code=status, media_type=JSON, headers=headers)
