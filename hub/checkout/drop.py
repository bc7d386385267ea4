"""Gives a part up for good, wherever it stands: before it is paid it falls out, after that the buyer gets its money back."""

from hub.checkout import course
from hub.checkout.timing import Timing
from hub.kernel.errors import Conflict, Unavailable
from hub.orders import store
from hub.orders.states import FALLEN, SubOrderEvent, SubOrderState
from hub.runtime.database import Tx

_STOPPABLE = {SubOrderState.ACCEPTED, SubOrderState.RECALLING}


async def drop(tx: Tx, timing: Timing, order_id: str, sub_order_id: str, reason: str) -> None:
    """Have nobody deliver a part; nothing happens to one that has fallen out. The order must be locked.

    Raises `Unavailable` while the order is being captured, and `Conflict` (``not_offered``) once the part has left.
    """
    order = await store.load(tx, order_id)
    sub = order.part(sub_order_id)
    if sub.state in FALLEN:
        return
    if order.course == "forward" and order.stage == "capture":
        raise Unavailable("being_captured", "the order's money is being taken; a moment later it can be given back")
    if order.course == "forward" and order.on_shortage == "cancel":
        await course.undo(tx, order, SubOrderEvent.CANCEL, reason)
    elif order.course == "forward":
        await course.fall(tx, order, sub, SubOrderEvent.CANCEL, reason)
        await course.proceed(tx, timing, order.id)
    elif sub.state in _STOPPABLE:
        await course.stop(tx, order, sub, reason)
    else:
        raise Conflict("not_offered", f"the part is {sub.state}: what has left cannot be canceled, only refunded", state=str(sub.state))
