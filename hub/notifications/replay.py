"""Sends again what a vendor asks for: a test event, one delivery, or all that failed since a moment."""

from datetime import datetime
from typing import Any

from hub.kernel.errors import Conflict
from hub.notifications import endpoints, store
from hub.notifications.kinds import Told, bodies
from hub.notifications.model import DeliveryView, EndpointView, EventType, ReplayView
from hub.notifications.states import EndpointState
from hub.notifications.store import NewEvent
from hub.runtime.database import Tx

ASKED_FOR = "asked for"


async def send_test(tx: Tx, endpoint_id: str, kind: EventType, *, now: datetime) -> DeliveryView:
    """An example of an event for one endpoint, whatever its filter; kept for one that is disabled. Raises `NotFound`."""
    endpoint = await endpoints.get(tx, endpoint_id, vendor=tx.actor.id, lock=True)
    key = tx.ids.new("tst")
    thin: dict[str, Any] = {"id": endpoint.id, "state": str(endpoint.state), "reason": ASKED_FOR}
    if kind != "test":
        thin = {"id": key, "state": kind.rsplit(".", 1)[-1], "reason": ASKED_FOR, "test": True}
    told = Told(vendor=endpoint.vendor, key=key, thin=thin)
    new = NewEvent(vendor=endpoint.vendor, type=kind, key=key, position=0, occurred_at=now, bodies=bodies(kind, now, told))
    (delivery_id,) = await store.add(tx, new, [(endpoint.id, endpoint.state is EndpointState.ENABLED)])
    return await store.get(tx, delivery_id)


async def replay_one(tx: Tx, delivery_id: str) -> DeliveryView:
    """A delivery begun anew under the same webhook-id. Raises `NotFound` and `Conflict` (``endpoint_disabled``)."""
    delivery = await store.get(tx, delivery_id, vendor=tx.actor.id)
    await _enabled(tx, delivery.endpoint_id)
    return await store.again(tx, delivery_id)


async def replay_since(tx: Tx, endpoint_id: str, since: datetime) -> ReplayView:
    """A job that begins anew all that failed since then.

    Raises `NotFound` and `Conflict` (``endpoint_disabled``; ``replay_open`` while there is one).
    """
    endpoint = await _enabled(tx, endpoint_id)
    replay_id = await store.add_replay(tx, endpoint.id, endpoint.vendor, since)
    if replay_id is None:
        raise Conflict("replay_open", "a replay of this endpoint is under way")
    return await store.replay(tx, replay_id, vendor=endpoint.vendor)


async def _enabled(tx: Tx, endpoint_id: str) -> EndpointView:
    endpoint = await endpoints.get(tx, endpoint_id, vendor=tx.actor.id, lock=True)
    if endpoint.state is not EndpointState.ENABLED:
        raise Conflict("endpoint_disabled", "nothing is sent to a disabled endpoint: enable it first", state=str(endpoint.state))
    return endpoint
