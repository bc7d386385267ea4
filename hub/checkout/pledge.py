"""By when vendors have to answer what they are asked now: as they have promised."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from hub.checkout.timing import Timing
from hub.orders.model import Order, SubOrder
from hub.payments import store as payments
from hub.promises import schedule, store
from hub.promises.model import PromiseName
from hub.promises.schedule import Pledge
from hub.runtime.database import Tx


async def to_accept(tx: Tx, timing: Timing, order: Order, subs: Iterable[SubOrder]) -> Mapping[str, Pledge]:
    """By vendor. They have to answer while the buyer's money is still held, and early enough to capture it."""
    payment = await payments.of_order(tx, order.id)
    margin = timedelta(seconds=timing.capture_margin)
    latest = None if payment.capture_before is None else payment.capture_before - margin
    return await _pledges(tx, timing, "acceptance", subs, latest)


async def to_ship(tx: Tx, timing: Timing, subs: Iterable[SubOrder]) -> Mapping[str, Pledge]:
    """By vendor."""
    return await _pledges(tx, timing, "shipping", subs)


async def to_deliver(tx: Tx, timing: Timing, sub: SubOrder) -> Pledge:
    """As of now: it has left."""
    return (await _pledges(tx, timing, "delivery", [sub]))[sub.vendor]


async def _pledges(
    tx: Tx, timing: Timing, name: PromiseName, subs: Iterable[SubOrder], latest: datetime | None = None
) -> Mapping[str, Pledge]:
    own = await store.own_of(tx, {sub.vendor for sub in subs})
    now = await tx.now()
    return {vendor: schedule.pledge(name, timing.promises.in_force(theirs), now, latest=latest) for vendor, theirs in own.items()}
