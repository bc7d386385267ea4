"""A vendor acts by hand: what it says through the vendor API is the same fact as its spoke's, and heard as such."""

from collections.abc import Sequence

from hub.checkout.hear import hear_by_hand
from hub.checkout.timing import Timing
from hub.fulfillment.route import RECALL, SUBMIT
from hub.fulfillment.ship import SHIP, TRACK
from hub.kernel.errors import Conflict
from hub.orders import store
from hub.orders.model import Order
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import StepState
from vendor_sdk.messages import Accepted, Declined, Delivered, Document, Kept, Parcel, Recalled, Shipped, Shortfall


async def accept(tx: Tx, timing: Timing, sub_order_id: str, short: Sequence[Shortfall] = ()) -> Order:
    """Accept a routed sub-order, but for the units in `short`.

    Raises `NotFound` for another vendor's, `Invalid` for what was not ordered, and `Conflict` where no answer is awaited.
    """
    said = Accepted(sub_order_id=sub_order_id, short=list(short))
    return await _say(tx, timing, SUBMIT, "orders.accepted", said)


async def decline(tx: Tx, timing: Timing, sub_order_id: str, reason: str, detail: str) -> Order:
    """Decline a routed sub-order. Raises as `accept` does."""
    return await _say(tx, timing, SUBMIT, "orders.declined", Declined(sub_order_id=sub_order_id, reason=reason, detail=detail))


async def ship(tx: Tx, timing: Timing, sub_order_id: str, parcels: Sequence[Parcel], documents: Sequence[Document] = ()) -> Order:
    """Tell that a paid sub-order has left. Raises as `accept` does."""
    said = Shipped(sub_order_id=sub_order_id, parcels=list(parcels), documents=list(documents))
    return await _say(tx, timing, SHIP, "shipping.shipped", said)


async def deliver(tx: Tx, timing: Timing, sub_order_id: str) -> Order:
    """Tell that a shipped sub-order has arrived. Raises as `accept` does."""
    return await _say(tx, timing, TRACK, "shipping.delivered", Delivered(sub_order_id=sub_order_id))


async def stop(tx: Tx, timing: Timing, sub_order_id: str) -> Order:
    """Tell that a sub-order that was to be stopped will not leave. Raises as `accept` does."""
    return await _say(tx, timing, RECALL, "orders.recalled", Recalled(sub_order_id=sub_order_id))


async def keep(tx: Tx, timing: Timing, sub_order_id: str, reason: str) -> Order:
    """Tell that it is too late to stop a sub-order. Raises as `accept` does."""
    return await _say(tx, timing, RECALL, "orders.kept", Kept(sub_order_id=sub_order_id, reason=reason))


async def _say(tx: Tx, timing: Timing, asked: str, kind: str, said: Accepted | Declined | Shipped | Delivered | Recalled | Kept) -> Order:
    order_id = await store.order_of(tx, said.sub_order_id, tx.actor.id)
    await store.lock(tx, order_id)
    of_part = [step for step in await steps.of_saga(tx, order_id) if step.subject_id == said.sub_order_id]
    waiting = [step for step in of_part if step.kind == asked and step.state == StepState.OPEN]
    if not waiting:
        raise _not_awaited(await store.load(tx, order_id), said.sub_order_id)
    await hear_by_hand(tx, timing, waiting[0], kind, said)
    return await store.load(tx, order_id)


def _not_awaited(order: Order, sub_order_id: str) -> Conflict:
    """Why nobody waits for this answer any more."""
    sub = order.part(sub_order_id)
    if any(other.replaces == sub_order_id for other in order.sub_orders):
        return Conflict("rerouted", "the time to answer was over, and another vendor delivers it", state=str(sub.state), reason=sub.reason)
    return Conflict("not_awaited", f"the order is {sub.state}; this answer is not awaited", state=str(sub.state), reason=sub.reason)
