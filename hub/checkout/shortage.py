"""What a vendor does not deliver: others take it over, the order goes on without it, or all ends, as the buyer consented."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from hub.checkout import course, fine, reroute
from hub.checkout.timing import Timing
from hub.fulfillment import reserve
from hub.orders import store
from hub.orders.advance import SUB_ORDER_LIFE, advance
from hub.orders.model import Order, SubOrder
from hub.orders.place import charged
from hub.orders.split import is_all, short_of, split
from hub.orders.states import SubOrderEvent
from hub.runtime import steps
from hub.runtime.database import Tx
from vendor_sdk.messages import Shortfall


async def fall_short(  # one answer, all of it needed
    tx: Tx, timing: Timing, order: Order, sub: SubOrder, reason: str, *, told_at: datetime | None = None
) -> None:
    """A part will not be delivered by its vendor, which told so then, or told nothing."""
    by = await reroute.find(tx, timing, order, sub)
    new = await reroute.take_over(tx, timing, order, sub, by) if by else []
    if order.on_shortage == "cancel":
        await course.lock_stock(tx, order)
    data = {"rerouted_to": [part.id for part in new]} if new else {}
    await course.fall(tx, order, sub, SubOrderEvent.DECLINE, reason, data, let_go_at=told_at)
    await fine.lapsed(tx, timing, order, sub, fine.lapse_of(tx, reason))
    if order.on_shortage == "cancel":
        await course.undo(tx, await store.load(tx, order.id), SubOrderEvent.CANCEL, "shortage")
    await course.join(tx, timing, order, new)


async def accept_partly(  # one answer, all of it needed
    tx: Tx, timing: Timing, order: Order, sub: SubOrder, short: Sequence[Shortfall], at: datetime
) -> None:
    """A vendor takes a part on at that moment, but for these units. Raises `Invalid` as `short_of` does."""
    units = short_of(sub, short)
    if is_all(sub, units) or order.on_shortage == "cancel":
        await fall_short(tx, timing, order, sub, short[0].reason, told_at=at)
        return
    dropped = await _divide(tx, timing, order, sub, units)
    data = {"short": [msgspec.to_builtins(each) for each in short], "split_off": dropped.id}
    await advance(tx, sub.id, SubOrderEvent.ACCEPT, data=data, values={"accepted_at": at})
    reserves = reserve.CAPABILITY in sub.capabilities  # who does not, has set nothing of this aside before it told us
    await fall_short(tx, timing, await store.load(tx, order.id), dropped, short[0].reason, told_at=at if reserves else None)


async def reserve_partly(tx: Tx, timing: Timing, order: Order, sub: SubOrder, short: Sequence[Shortfall], reason: str) -> None:
    """A vendor could set all aside but these units: it is asked anew for the rest. Raises `Invalid` as `short_of` does."""
    units = short_of(sub, short)
    if not units or is_all(sub, units) or order.on_shortage == "cancel":
        await fall_short(tx, timing, order, sub, reason)
        return
    dropped = await _divide(tx, timing, order, sub, units)
    whole = await store.load(tx, order.id)
    kept = whole.part(sub.id)
    await steps.add(tx, reserve.reserve_step(kept, within=timing.reserve, expires_at=course.reserved_until(timing, order)))
    await fall_short(tx, timing, whole, dropped, short[0].reason)


async def _divide(tx: Tx, timing: Timing, order: Order, sub: SubOrder, units: Mapping[str, int]) -> SubOrder:
    """What is not delivered becomes a part of its own; commission on the rest is worked out anew, by the rules of the sale."""
    halves = split(sub, units, len(order.sub_orders) + 1, tx.ids.new)
    kept, items = charged(halves.kept, timing.commission, order.currency, order.day)
    await store.divide(tx, order.id, msgspec.structs.replace(halves, kept=kept), items)
    dropped = halves.dropped
    data = {"vendor": dropped.vendor, "total": dropped.total, "split_from": sub.id, "left": kept.total}
    SUB_ORDER_LIFE.born(tx, dropped.id, order.id, data=data)
    return dropped
