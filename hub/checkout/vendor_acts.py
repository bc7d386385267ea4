"""A vendor acts by hand: its answers through the vendor API are recorded like a spoke's."""

from collections.abc import Sequence

import msgspec

from hub.checkout.conclude import conclude_locked
from hub.checkout.timing import Timing
from hub.fulfillment.route import SUBMIT
from hub.fulfillment.ship import SHIP, TRACK
from hub.kernel.errors import Conflict
from hub.orders import store
from hub.orders.model import Order
from hub.runtime import steps
from hub.runtime.database import Tx
from hub.runtime.steps import Outcome, StepState
from vendor_sdk.messages import Parcel, Shortfall


async def accept(tx: Tx, timing: Timing, sub_order_id: str, short: Sequence[Shortfall] = ()) -> Order:
    """Accept a routed sub-order, but for the units in `short`.

    Raises `NotFound` for another vendor's, `Invalid` for what was not ordered, and `Conflict` where no answer is awaited.
    """
    data = {"short": msgspec.to_builtins(list(short))} if short else {}
    return await _answer(tx, timing, sub_order_id, SUBMIT, Outcome.ok(**data))


async def decline(tx: Tx, timing: Timing, sub_order_id: str, reason: str, detail: str) -> Order:
    """Decline a routed sub-order. Raises as `accept` does."""
    return await _answer(tx, timing, sub_order_id, SUBMIT, Outcome.refused(reason, detail))


async def ship(tx: Tx, timing: Timing, sub_order_id: str, parcels: Sequence[Parcel]) -> Order:
    """Tell that a paid sub-order has left. Raises as `accept` does."""
    return await _answer(tx, timing, sub_order_id, SHIP, Outcome.ok(parcels=[msgspec.to_builtins(parcel) for parcel in parcels]))


async def deliver(tx: Tx, timing: Timing, sub_order_id: str) -> Order:
    """Tell that a shipped sub-order has arrived. Raises as `accept` does."""
    return await _answer(tx, timing, sub_order_id, TRACK, Outcome.ok())


async def _answer(tx: Tx, timing: Timing, sub_order_id: str, kind: str, outcome: Outcome) -> Order:
    order_id = await store.order_of(tx, sub_order_id, tx.actor.id)
    await store.lock(tx, order_id)
    waiting = [
        s for s in await steps.of_saga(tx, order_id) if s.subject_id == sub_order_id and s.kind == kind and s.state == StepState.OPEN
    ]
    if not waiting:
        raise _not_awaited(await store.load(tx, order_id), sub_order_id)
    await conclude_locked(tx, timing, waiting[0], outcome)
    return await store.load(tx, order_id)


def _not_awaited(order: Order, sub_order_id: str) -> Conflict:
    """Why nobody waits for this answer any more."""
    sub = order.part(sub_order_id)
    if any(other.replaces == sub_order_id for other in order.sub_orders):
        return Conflict("rerouted", "the time to answer was over, and another vendor delivers it", state=str(sub.state), reason=sub.reason)
    return Conflict("not_awaited", f"the order is {sub.state}; this answer is not awaited", state=str(sub.state), reason=sub.reason)
