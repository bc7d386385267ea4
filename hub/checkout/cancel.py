"""The buyer wants out: before the money is taken the saga goes back; after that each vendor is asked to stop what has not left."""

from hub.checkout import course
from hub.kernel.errors import Conflict
from hub.orders import held, store
from hub.orders.model import Order
from hub.orders.states import SubOrderEvent, SubOrderState
from hub.runtime.database import Tx

REASON = "canceled_by_customer"


async def cancel(tx: Tx, order_id: str) -> Order:
    """The order as it stands afterwards; its parts may take a while to stop.

    Raises `Conflict` (``not_cancelable``) when nothing is left that could be stopped.
    """
    await store.lock(tx, order_id)
    order = await store.load(tx, order_id)
    if order.course == "undone":
        raise Conflict("not_cancelable", f"the order is {order.state}", state=order.state)
    if order.course == "forward" and order.stage != "capture":
        await course.undo(tx, order, SubOrderEvent.CANCEL, REASON)
    elif order.course == "forward":
        held.change(tx, order.id, cancel_reason=REASON)
    else:
        await _recall_what_is_here(tx, order)
    return await store.load(tx, order_id)


async def _recall_what_is_here(tx: Tx, order: Order) -> None:
    stoppable = [sub for sub in order.sub_orders if sub.state is SubOrderState.ACCEPTED]
    if not stoppable:
        raise Conflict("not_cancelable", "every part has shipped or ended", state=order.state)
    held.change(tx, order.id, cancel_reason=REASON)
    await course.lock_stock(tx, order)
    if not any([await course.recall(tx, order, sub, REASON) for sub in course.by_vendor(stoppable)]):
        raise Conflict("not_cancelable", "every part has ended or is being sent", state=order.state)
