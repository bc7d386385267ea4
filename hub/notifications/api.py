"""Webhook endpoints and deliveries over HTTP, for vendors: all of it is theirs to see, to change and to send again."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from hub.notifications import endpoints, register, replay, store
from hub.notifications.model import (
    DeliveryState,
    DeliveryView,
    DeliveryWithAttempts,
    EndpointChange,
    EndpointView,
    EndpointWithSecrets,
    EventType,
    Example,
    NewEndpoint,
    ReplayFrom,
    ReplayView,
    Rotation,
)
from hub.notifications.rules import Limits
from hub.notifications.store import Filter
from hub.runtime.callers import VENDORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, IfMatch, Reading, Writing, refuses, refuses_act, refuses_write
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

Id = Annotated[str, PathParameter(max_length=64)]
AtEndpoint = Annotated[str | None, QueryParameter(name="endpoint", max_length=64, description="only those to this endpoint")]
InState = Annotated[DeliveryState | None, QueryParameter(name="state", description="only those in this state")]
OfType = Annotated[EventType | None, QueryParameter(name="type", description="only those of this type")]


class WebhookEndpointController(Controller):
    """Where a vendor is told what happens (standardwebhooks.com)."""

    path = "/v1/vendor/webhook-endpoints"
    tags = ["webhooks (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @post("", responses=refuses_write())
    async def register(self, data: JSONBody[NewEndpoint], write: Writing, limits: NamedDependency[Limits]) -> Response[EndpointWithSecrets]:
        """Register an endpoint; its secrets are shown this once."""
        return await write(lambda tx: register.register(tx, limits, tx.actor.id, data), status=201, keep=register.forget_secrets)

    @get("", responses=refuses())
    async def browse(self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None) -> Response[Page[EndpointView]]:
        """Your endpoints, newest first."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[EndpointView]:
            rows = await endpoints.browse(tx, vendor=tx.actor.id, after=after, limit=limit + 1)
            return page(rows, limit, lambda endpoint: endpoint.id)

        return await read(found)

    @get("/{endpoint_id:str}", responses=refuses(404))
    async def one(self, endpoint_id: Id, read: Reading) -> Response[EndpointView]:
        """One endpoint with its keys in force."""
        return await read(lambda tx: endpoints.get(tx, endpoint_id, vendor=tx.actor.id))

    @patch("/{endpoint_id:str}", responses=refuses_write(404, 412))
    async def change(  # a request's parts, all by name
        self,
        endpoint_id: Id,
        data: JSONBody[EndpointChange],
        write: Writing,
        limits: NamedDependency[Limits],
        if_match: IfMatch = None,
    ) -> Response[EndpointView]:
        """Change an endpoint, disable it or enable it again."""
        return await write(lambda tx: register.change(tx, limits, endpoint_id, data, if_match))

    @delete("/{endpoint_id:str}", status_code=200, responses=refuses_act(404, 412))
    async def remove(self, endpoint_id: Id, write: Writing, if_match: IfMatch = None) -> Response[EndpointView]:
        """Remove an endpoint; what is pending for it is sent no more."""
        return await write(lambda tx: register.remove(tx, endpoint_id, if_match))

    @post("/{endpoint_id:str}/keys", responses=refuses_write(404))
    async def rotate(self, endpoint_id: Id, data: JSONBody[Rotation], write: Writing) -> Response[EndpointWithSecrets]:
        """Give it a new key, shown this once; the old one signs beside it for a while."""
        return await write(lambda tx: register.rotate(tx, endpoint_id, data), status=201, keep=register.forget_secrets)

    @post("/{endpoint_id:str}/test", responses=refuses_write(404))
    async def test(self, endpoint_id: Id, write: Writing, data: JSONBody[Example | None] = None) -> Response[DeliveryView]:
        """Send it an example of an event: one of type ``test``, without a body."""
        now = datetime.now(UTC)  # noqa: TID251  # the edge is where time enters
        kind = data.type if data is not None else "test"
        return await write(lambda tx: replay.send_test(tx, endpoint_id, kind, now=now), status=201)

    @post("/{endpoint_id:str}/replays", responses=refuses_write(404))
    async def replay(self, endpoint_id: Id, data: JSONBody[ReplayFrom], write: Writing) -> Response[ReplayView]:
        """Deliver again all that failed since a moment, also what happened while it was disabled."""
        return await write(lambda tx: replay.replay_since(tx, endpoint_id, data.since), status=201)

    @get("/{endpoint_id:str}/replays/{replay_id:str}", responses=refuses(404))
    async def replayed(self, endpoint_id: Id, replay_id: Id, read: Reading) -> Response[ReplayView]:
        """How far a replay is."""

        async def found(tx: Tx) -> ReplayView:
            await endpoints.get(tx, endpoint_id, vendor=tx.actor.id)
            return await store.replay(tx, replay_id, vendor=tx.actor.id)

        return await read(found)


class WebhookDeliveryController(Controller):
    """What a vendor was told, and what came of it."""

    path = "/v1/vendor/webhook-deliveries"
    tags = ["webhooks (vendors)"]  # noqa: RUF012  # litestar's shape
    guards = [VENDORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("", responses=refuses())
    async def browse(  # a request's parts, all by name
        self,
        read: Reading,
        limit: Limit = LIMIT,
        cursor: Cursor = None,
        endpoint_id: AtEndpoint = None,
        in_state: InState = None,
        of_type: OfType = None,
    ) -> Response[Page[DeliveryView]]:
        """Deliveries, newest first."""
        after = position_of(cursor, str)
        wanted = Filter(vendor=read.actor.id, endpoint_id=endpoint_id, state=in_state, type=of_type)

        async def found(tx: Tx) -> Page[DeliveryView]:
            return page(await store.browse(tx, wanted, after=after, limit=limit + 1), limit, lambda delivery: delivery.id)

        return await read(found)

    @get("/{delivery_id:str}", responses=refuses(404))
    async def one(self, delivery_id: Id, read: Reading) -> Response[DeliveryWithAttempts]:
        """One delivery with the body and each attempt."""
        return await read(lambda tx: store.inspect(tx, delivery_id, vendor=tx.actor.id))

    @post("/{delivery_id:str}/replay", status_code=200, responses=refuses_act(404))
    async def replay(self, delivery_id: Id, write: Writing) -> Response[DeliveryView]:
        """Deliver it again, under the same webhook-id."""
        return await write(lambda tx: replay.replay_one(tx, delivery_id))
