"""Vendors' webhooks over HTTP, for operators: they may look."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter

from hub.notifications import endpoints, store
from hub.notifications.api import AtEndpoint, Id, InState
from hub.notifications.model import DeliveryView, DeliveryWithAttempts, EndpointView
from hub.notifications.store import Filter
from hub.runtime.callers import OPERATORS
from hub.runtime.database import Tx
from hub.runtime.http import BEARER, Reading, refuses
from hub.runtime.pages import LIMIT, Cursor, Limit, Page, page, position_of

OfVendor = Annotated[str | None, QueryParameter(name="vendor", max_length=63, description="only this vendor's")]


class WebhookOperationsController(Controller):
    """What vendors are told, and what comes of it."""

    path = "/v1/admin"
    tags = ["webhooks (operators)"]  # noqa: RUF012  # litestar's shape
    guards = [OPERATORS]  # noqa: RUF012  # litestar's shape
    security = BEARER

    @get("/webhook-endpoints", responses=refuses())
    async def endpoints(
        self, read: Reading, limit: Limit = LIMIT, cursor: Cursor = None, vendor: OfVendor = None
    ) -> Response[Page[EndpointView]]:
        """Vendors' endpoints, newest first; their secrets nobody sees."""
        after = position_of(cursor, str)

        async def found(tx: Tx) -> Page[EndpointView]:
            rows = await endpoints.browse(tx, vendor=vendor, after=after, limit=limit + 1)
            return page(rows, limit, lambda endpoint: endpoint.id)

        return await read(found)

    @get("/webhook-deliveries", responses=refuses())
    async def deliveries(  # a request's parts, all by name
        self,
        read: Reading,
        limit: Limit = LIMIT,
        cursor: Cursor = None,
        vendor: OfVendor = None,
        endpoint_id: AtEndpoint = None,
        in_state: InState = None,
    ) -> Response[Page[DeliveryView]]:
        """Deliveries to vendors, newest first."""
        after = position_of(cursor, str)
        wanted = Filter(vendor=vendor, endpoint_id=endpoint_id, state=in_state)

        async def found(tx: Tx) -> Page[DeliveryView]:
            return page(await store.browse(tx, wanted, after=after, limit=limit + 1), limit, lambda delivery: delivery.id)

        return await read(found)

    @get("/webhook-deliveries/{delivery_id:str}", responses=refuses(404))
    async def one(self, delivery_id: Id, read: Reading) -> Response[DeliveryWithAttempts]:
        """One delivery with the body and each attempt."""
        return await read(lambda tx: store.inspect(tx, delivery_id))
