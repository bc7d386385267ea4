"""The one door for a sub-order's state; the order's own state follows as a roll-up."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from hub.kernel.errors import NotFound
from hub.orders import held
from hub.orders.model import SubOrder
from hub.orders.states import SUB_ORDER, SubOrderEvent, SubOrderState, roll_up
from hub.orders.tables import orders, sub_orders
from hub.runtime import life
from hub.runtime.database import Actor, Tx
from hub.runtime.life import Life, Move, Seen

SUB_ORDER_LIFE = Life(SUB_ORDER, sub_orders, saga_column="order_id")

_s, _o = sub_orders.c, orders.c
_PARTS = (
    select(_s.id, _s.order_id, _s.state, _o.state.label("whole"))
    .join_from(sub_orders, orders)
    .where(_s.order_id == select(_s.order_id).where(_s.id == bindparam("part")).scalar_subquery())
    .with_for_update(of=sub_orders)
)
_ROLL_UP = update(orders).where(_o.id == bindparam("order")).values(version=_o.version + 1)


async def advance(  # noqa: PLR0913  # one move, all by name
    tx: Tx,
    sub_order_id: str,
    event: SubOrderEvent,
    *,
    reason: str = "",
    data: dict[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    by: Actor | None = None,
) -> SubOrderState:
    """Apply `event` to a sub-order, save `values` beside its state, and let the order's state follow.

    `by` is who did it, if not whose transaction this is.

    Raises `Conflict` where the table has no such edge and `NotFound` for an unknown id.
    """
    order = held.holding(tx, sub_order_id)
    if order is not None:
        states = {sub.id: str(sub.state) for sub in order.sub_orders}
        order_id, before = order.id, order.state
    else:
        rows = await tx.rows(_PARTS, {"part": sub_order_id})
        states = {row.id: row.state for row in rows}
        if sub_order_id not in states:
            raise NotFound("not_found", f"no {SUB_ORDER.name} {sub_order_id}")
        order_id, before = rows[0].order_id, rows[0].whole
    seen = Seen(sub_order_id, order_id, states[sub_order_id], held=order is not None, actor=by)
    saved = {**(values or {}), **({"reason": reason} if reason else {})}
    after = await SUB_ORDER_LIFE.advance_seen(tx, seen, event, reason=reason, data=data, values=saved)
    known = {name: value for name, value in saved.items() if name in SubOrder.__struct_fields__}
    held.change_part(tx, sub_order_id, lambda sub: msgspec.structs.replace(sub, state=after, **known))
    whole = str(roll_up([SubOrderState(state) for state in (states | {sub_order_id: after}).values()]))
    if whole != before:
        if order is not None:
            held.change(tx, order_id, state=whole)
        else:
            await tx.execute(_ROLL_UP, {"order": order_id, "state": whole})
        life.record(tx, Move(life="order", subject_id=order_id, saga_id=order_id, event="roll_up", before=before, after=whole))
    return after
