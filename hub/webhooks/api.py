"""Webhooks over HTTP: what providers send, and what became of it, for operators."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import structlog
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from hub.kernel.errors import Invalid
from hub.runtime.callers import OPERATORS
from hub.runtime.database import HUB, Database, Tx
from hub.runtime.http import BEARER, Reading, Writing, refuses, refuses_act
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of
from hub.runtime.problems import documented
from hub.runtime.trace import Trace, current
from hub.webhooks import receive, store
from hub.webhooks.ports import BadEvent, BadSignature, Endpoints
from hub.webhooks.store import ProviderEventView, State

log = structlog.get_logger("webhooks")

EventId = Annotated[str, PathParameter(max_length=255)]
InState = Annotated[State | None, QueryParameter(name="state", description="only those in this state")]

REFUSED = documented(400, 404, 413, 429, 503)


class Received(msgspec.Struct, frozen=True):
    """It is kept; what it means is found out later."""

    received: bool = True


class WebhookController(Controller):
    """Where payment providers tell us things."""

    path = "/v1/webhooks"
    tags = ["webhooks"]  # noqa: RUF012  # litestar's shape

    @post("/stripe", status_code=200, responses=REFUSED, request_max_body_size=receive.BODY_BYTES_MAX)
    async def stripe(
        self, request: Request[Any, Any, Any], database: NamedDependency[Database], endpoints: NamedDependency[Endpoints]
    ) -> Response[Received]:
        """Stripe's events of our own account."""
        return await _taken(request, database, endpoints, "stripe")

    @post("/stripe/connect", status_code=200, responses=REFUSED, request_max_body_size=receive.BODY_BYTES_MAX)
    async def stripe_connect(
        self, request: Request[Any, Any, Any], database: NamedDependency[Database], endpoints: NamedDependency[Endpoints]
    ) -> Response[Received]:
        """Stripe's events of vendors' connected accounts."""
        return await _taken(request, database, endpoints, "stripe/connect")


class ProviderEventController(Controller):
    """What providers told us."""

    path = "/v1/admin/provider-events"
    tags = ["operations"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(
        self, read: Reading, in_state: InState = None, limit: Limit = LIMIT, cursor: Cursor = None
    ) -> Response[Page[ProviderEventView]]:
        """Events of providers, latest first; without what stood in them."""
        after = position_of(cursor, tuple[datetime, str])

        async def found(tx: Tx) -> Page[ProviderEventView]:
            events = await store.browse(tx, state=in_state, after=after, limit=limit + 1)
            return page(events, limit, lambda event: (event.received_at, event.id))

        return await read(found)

    @post("/{event_id:str}/apply", status_code=200, responses=refuses_act(404))
    async def apply(self, event_id: EventId, write: Writing) -> Response[ProviderEventView]:
        """Apply an event again: what it speaks of is looked at anew, so this can do no harm."""
        log.info("webhook.again", event_id=event_id, actor=str(write.actor))
        return await write(lambda tx: store.again(tx, event_id))


async def _taken(request: Request[Any, Any, Any], database: Database, endpoints: Endpoints, path: str) -> Response[Received]:
    at = receive.endpoint(endpoints, path)
    raw = await request.body()
    now = datetime.now(UTC)  # noqa: TID251  # the edge is where time enters
    try:
        event = receive.read(at, raw, request.headers.get(at.signature_header, ""), now)
    except BadSignature:
        # One answer for forged, tampered, old and missing: who tries learns nothing from it.
        log.warning("webhook.refused", endpoint=at.name, reason="signature")
        raise Invalid("bad_signature", "this is not signed by the provider, or too long ago") from None
    except BadEvent:
        log.warning("webhook.refused", endpoint=at.name, reason="event")
        raise Invalid("bad_event", "this is signed, and not an event") from None
    async with database.tx(HUB, current.get() or Trace.new()) as tx:
        fresh = await receive.keep(tx, at, event, raw, dict(request.headers))
    log.info("webhook.received", endpoint=at.name, event_id=event.id, kind=event.kind, fresh=fresh)
    return Response(Received(), status_code=200)
