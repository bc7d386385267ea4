"""A buyer wants to send delivered units back, says that they are on their way, or thinks better of it."""

from datetime import timedelta

import msgspec

from hub.kernel.errors import Conflict, NotFound
from hub.orders import store as orders
from hub.orders.model import Order
from hub.returns import rules as decide
from hub.returns import store
from hub.returns.authorize import authorize_step, call_off
from hub.returns.model import AskReturn, Return, ReturnLine
from hub.returns.rules import ReturnRules
from hub.returns.states import RETURN, ReturnEvent
from hub.returns.store import RETURN_LIFE
from hub.runtime import steps
from hub.runtime.database import Tx
from vendor_sdk.messages import Parcel

REASON = "canceled_by_customer"


async def ask_return(tx: Tx, rules: ReturnRules, order_id: str, wanted: AskReturn) -> list[Return]:
    """One return for each part that is concerned: all of them or none.

    Raises `NotFound` for another customer's order; `Invalid`: ``unknown_line``, ``asked_twice``; `Conflict`:
    ``not_delivered``, ``window_over``, ``too_many_returns``, ``too_many``. Each names its field.
    """
    await orders.lock(tx, order_id)
    order = await _own(tx, order_id)
    parts = decide.parts_of(order, wanted.lines)
    delivered, now = await orders.delivered_at(tx, order_id), await tx.now()
    for sub_order_id, asked in parts.items():
        where = f"/lines/{min(asked)}/line_id"
        decide.check_arrived(rules, order.part(sub_order_id), delivered.get(sub_order_id), now, where)
    known = await store.of_order(tx, order_id)
    if len(known) + len(parts) > rules.most:
        raise Conflict("too_many_returns", f"an order has at most {rules.most} returns, those that were canceled included", field="/lines")
    opened: list[Return] = []
    for sub_order_id, asked in parts.items():
        sub = order.part(sub_order_id)
        lines = decide.lines_for(sub, asked, [each for each in known if each.sub_order_id == sub_order_id])
        opened.append(await _open(tx, rules, order, sub_order_id, lines, wanted.note))
    return opened


async def _open(  # one return, all of it needed
    tx: Tx, rules: ReturnRules, order: Order, sub_order_id: str, lines: list[ReturnLine], note: str
) -> Return:
    sub = order.part(sub_order_id)
    new = Return(
        id=tx.ids.new("ret"),
        order_id=order.id,
        sub_order_id=sub.id,
        vendor=sub.vendor,
        state=RETURN.initial,
        version=0,
        note=note,
        pays_shipping=decide.payer(lines),
        reason=None,
        reference="",
        instructions="",
        parcel=None,
        authorize_id=tx.ids.new("cmd"),
        inspect_id=None,
        refund_id=None,
        authorize_by=await tx.now() + timedelta(seconds=rules.authorization),
        receive_by=None,
        created_at=await tx.now(),
        lines=lines,
    )
    await store.open_return(tx, new)
    await steps.add(tx, authorize_step(rules, sub, new))
    return new


async def send_back(tx: Tx, order_id: str, return_id: str, parcel: Parcel) -> Return:
    """The goods are on their way. Raises `NotFound`, and `Conflict` where the vendor has not agreed."""
    it = await _own_return(tx, order_id, return_id)
    values = {"parcel": msgspec.to_builtins(parcel)}
    await RETURN_LIFE.advance(tx, it.id, ReturnEvent.SEND, data=values, values=values)
    return await store.get(tx, it.id)


async def cancel(tx: Tx, order_id: str, return_id: str) -> Return:
    """The buyer keeps the goods. Raises `NotFound`, and `Conflict` once they are on their way or it has ended."""
    it = await _own_return(tx, order_id, return_id)
    await RETURN_LIFE.advance(tx, it.id, ReturnEvent.CANCEL, reason=REASON, values={"reason": REASON})
    await call_off(tx, it, REASON)
    return await store.get(tx, it.id)


async def _own(tx: Tx, order_id: str) -> Order:
    order = await orders.load(tx, order_id)
    if order.customer_id != tx.actor.id:
        raise NotFound("unknown_order", f"no order {order_id}")
    return order


async def _own_return(tx: Tx, order_id: str, return_id: str) -> Return:
    await orders.lock(tx, order_id)
    await _own(tx, order_id)
    it = await store.get(tx, return_id)
    if it.order_id != order_id:
        raise NotFound("unknown_return", f"no return {return_id}")
    return it


async def of_order(tx: Tx, order_id: str) -> list[Return]:
    """The returns of the asking customer's order, oldest first. Raises `NotFound`, also for somebody else's."""
    await _own(tx, order_id)
    return await store.of_order(tx, order_id)
