"""An order as the transaction that has locked it will leave it: read once, changed in memory, written at the end."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import bindparam, update

from hub.orders.model import Order, SubOrder
from hub.orders.tables import orders
from hub.runtime.database import Tx

_CHANGE = update(orders).where(orders.c.id == bindparam("order")).values(version=orders.c.version + 1)


def hold(tx: Tx, order: Order) -> None:
    """Let the transaction know how the order will be when it commits; it must be locked, or have been born in it."""
    tx.held[order.id] = order
    for sub in order.sub_orders:
        tx.held[sub.id] = order.id


def holding(tx: Tx, sub_order_id: str) -> Order | None:
    """The order of a sub-order, if the transaction has locked and loaded it."""
    return tx.held.get(tx.held.get(sub_order_id, ""))


def change_part(tx: Tx, sub_order_id: str, change: Callable[[SubOrder], SubOrder]) -> None:
    """The same of one part, where its order is held."""
    order = holding(tx, sub_order_id)
    if order is not None:
        parts = [change(sub) if sub.id == sub_order_id else sub for sub in order.sub_orders]
        tx.held[order.id] = msgspec.structs.replace(order, sub_orders=parts)


def change(tx: Tx, order_id: str, **values: Any) -> Order:
    """Write columns of a held order; the order as it is then.

    `stage` and `course` say where the checkout saga stands, `cancel_reason` that the buyer wants out.
    """
    tx.later(_CHANGE, order_id, {"order": order_id, **values})
    changed: Order = msgspec.structs.replace(tx.held[order_id], **values)
    tx.held[order_id] = changed
    return changed
