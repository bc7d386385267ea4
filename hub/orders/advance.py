"""The one door for a sub-order's state; the order's own state follows as a roll-up."""

from typing import Any

from sqlalchemy import select, update

from hub.orders.states import SUB_ORDER, SubOrderEvent, SubOrderState, roll_up
from hub.orders.tables import orders, sub_orders
from hub.runtime import life
from hub.runtime.database import Tx
from hub.runtime.life import Life, Move

SUB_ORDER_LIFE = Life(SUB_ORDER, sub_orders, saga_column="order_id")


async def advance(
    tx: Tx, sub_order_id: str, event: SubOrderEvent, *, reason: str = "", data: dict[str, Any] | None = None
) -> SubOrderState:
    """Apply `event` to a sub-order and let the order's state follow. Raises `Conflict` where the table has no such edge."""
    values = {"reason": reason} if reason else {}
    after = await SUB_ORDER_LIFE.advance(tx, sub_order_id, event, reason=reason, data=data, values=values)
    s, o = sub_orders.c, orders.c
    mine = select(s.order_id).where(s.id == sub_order_id).scalar_subquery()
    rows = await tx.rows(select(s.order_id, s.state, o.state.label("whole")).join_from(sub_orders, orders).where(s.order_id == mine))
    order_id, before = rows[0].order_id, rows[0].whole
    whole = str(roll_up([SubOrderState(row.state) for row in rows]))
    if whole != before:
        await tx.execute(update(orders).where(o.id == order_id).values(state=whole, version=o.version + 1))
        life.record(tx, Move(life="order", subject_id=order_id, saga_id=order_id, event="roll_up", before=before, after=whole))
    return after
