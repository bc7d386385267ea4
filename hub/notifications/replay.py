"""Sends again what a vendor asks for: a test event, one delivery, or all that failed since a moment."""

from datetime import datetime

from hub.kernel.errors import Conflict
from hub.notifications import endpoints, store
from hub.notifications.kinds import Told, bodies
from hub.notifications.model import DeliveryView, EndpointView, ReplayView
from hub.notifications.states import EndpointState
from hub.notifications.store import NewEvent
from hub.runtime.database import Tx


async def send_test(tx: Tx, endpoint_id: str, *, now: datetime) -> DeliveryView:
    """A ``test`` event for one endpoint, whatever its filter. Raises `NotFound` and `Conflict` (``endpoint_disabled``)."""
    endpoint = await _enabled(tx, endpoint_id)
    told = Told(vendor=endpoint.vendor, key=tx.ids.new("tst"), thin={"id": endpoint.id, "state": "enabled", "reason": "asked for"})
    new = NewEvent(vendor=endpoint.vendor, type="test", key=told.key, position=0, occurred_at=now, bodies=bodies("test", now, told))
    (delivery_id,) = await store.add(tx, new, [(endpoint.id, True)])
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
