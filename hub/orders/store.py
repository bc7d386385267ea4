"""The only reader and writer of orders, sub-orders, lines and shipments (states go through `advance`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, case, func, insert, literal_column, select, type_coerce, update
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from hub.kernel.errors import NotFound
from hub.orders import held
from hub.orders.model import Line, Order, SubOrder
from hub.orders.split import Halves
from hub.orders.states import SubOrderState
from hub.orders.tables import lines, orders, shipments, sub_orders
from hub.pricing.charge import SHIPPING, Item
from hub.runtime.database import Tx
from hub.runtime.steps import StepState, steps
from hub.vendors.tables import vendors

_ORDER = [orders.c[name] for name in Order.__struct_fields__ if name != "sub_orders"]
_SPOKE = select(vendors.c.capabilities).where(vendors.c.code == sub_orders.c.vendor).correlate(sub_orders).scalar_subquery()
_WHOLE_ORDER = [name for name in Order.__struct_fields__ if name != "sub_orders"]
_PART = [name for name in SubOrder.__struct_fields__ if name not in {"capabilities", "lines"}]
SUB_ORDER_COLUMNS = [*(sub_orders.c[name] for name in _PART), _SPOKE.label("capabilities")]
_LINE = [lines.c[name] for name in Line.__struct_fields__]


def _objects(columns: Sequence[ColumnElement[Any]], *more: ColumnElement[Any]) -> ColumnElement[Any]:
    """Rows as JSON objects by column name."""
    named: list[ColumnElement[Any]] = []
    for column in columns:
        named += [literal_column(f"'{column.key}'"), column]
    return func.json_build_object(*named, *more)


_LINES = (
    select(func.coalesce(func.json_agg(aggregate_order_by(_objects(_LINE), lines.c.id)), literal_column("'[]'")))
    .where(lines.c.sub_order_id == sub_orders.c.id)
    .correlate(sub_orders)
    .scalar_subquery()
)
_PARTS = (
    select(func.json_agg(aggregate_order_by(_objects(SUB_ORDER_COLUMNS, literal_column("'lines'"), _LINES), sub_orders.c.number)))
    .where(sub_orders.c.order_id == orders.c.id)
    .correlate(orders)
    .scalar_subquery()
)
_WHOLE = select(*_ORDER, type_coerce(_PARTS, JSON).label("sub_orders"))


_LOCK = select(func.now()).select_from(orders).where(orders.c.id == bindparam("order")).with_for_update(of=orders)
_ONE = _WHOLE.where(orders.c.id == bindparam("order"))


async def lock(tx: Tx, order_id: str) -> None:
    """Nobody else moves this order until the transaction ends. To be taken before anything of it is read."""
    if order_id not in tx.held:
        tx.began = await tx.scalar(_LOCK, {"order": order_id}) or tx.began
        tx.held[order_id] = None


async def load(tx: Tx, order_id: str) -> Order:
    """One order with its parts, in one statement; while it is locked, as this transaction will leave it. Raises `NotFound`."""
    order: Order | None = tx.held.get(order_id)
    if order is not None:
        return order
    order = await tx.one(_ONE, Order, {"order": order_id})
    if order is None:
        raise NotFound("unknown_order", f"no order {order_id}")
    if order_id in tx.held:
        held.hold(tx, order)
    return order


async def of_customer(tx: Tx, customer_id: str, *, after: str | None, limit: int) -> list[Order]:
    """A customer's orders, newest first, those before the id `after`."""
    query = _WHOLE.where(orders.c.customer_id == customer_id).order_by(orders.c.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(orders.c.id < after), Order)


_DUE_BY = case(
    (sub_orders.c.state == SubOrderState.ROUTED, sub_orders.c.accept_by),
    (sub_orders.c.state.in_((SubOrderState.ACCEPTED, SubOrderState.RECALLING)), sub_orders.c.ship_by),
    (sub_orders.c.state == SubOrderState.SHIPPED, sub_orders.c.deliver_by),
)
"""The promise whose turn it is; null where none is."""


async def of_vendor(  # filters, all by name
    tx: Tx, vendor: str, *, state: str | None, due_before: datetime | None, after: str | None, limit: int
) -> list[tuple[SubOrder, str, dict[str, Any]]]:
    """A vendor's sub-orders with currency and address, newest first, those before the id `after`.

    With `due_before` those that wait for the vendor, who has promised its answer for before then.
    """
    query = (
        select(*SUB_ORDER_COLUMNS, orders.c.currency, orders.c.address)
        .join_from(sub_orders, orders)
        .where(sub_orders.c.vendor == vendor)
        .order_by(sub_orders.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(sub_orders.c.id < after)
    if state is not None:
        query = query.where(sub_orders.c.state == state)
    if due_before is not None:
        awaited = select(steps.c.subject_id).where(steps.c.state == StepState.OPEN, steps.c.target == vendor)  # few, and by an index
        query = query.where(sub_orders.c.id.in_(awaited), due_before > _DUE_BY)
    found = await tx.rows(query)
    subs = await with_lines(tx, [msgspec.convert(row, SubOrder, from_attributes=True) for row in found])
    return [(sub, row.currency, row.address) for sub, row in zip(subs, found, strict=True)]


_ORDER_OF = select(sub_orders.c.order_id).where(sub_orders.c.id == bindparam("part"))
_ORDER_OF_VENDOR = _ORDER_OF.where(sub_orders.c.vendor == bindparam("of_vendor"))


async def order_of(tx: Tx, sub_order_id: str, vendor: str | None = None) -> str:
    """The order that a sub-order belongs to. Raises `NotFound`, with `vendor` also for another vendor's."""
    found = await tx.scalar(_ORDER_OF if vendor is None else _ORDER_OF_VENDOR, {"part": sub_order_id, "of_vendor": vendor})
    if found is None:
        raise NotFound("unknown_order", f"no order {sub_order_id}")
    return str(found)


_VENDOR_OF = select(sub_orders.c.vendor).where(sub_orders.c.id == bindparam("part"))


async def vendor_of(tx: Tx, sub_order_id: str) -> str | None:
    """Whose a sub-order is; None if there is none of that id."""
    found: str | None = await tx.scalar(_VENDOR_OF, {"part": sub_order_id})
    return found


_WRITE, _WRITE_PARTS, _WRITE_LINES = insert(orders), insert(sub_orders), insert(lines)


def write(tx: Tx, order: Order, items: Mapping[str, Sequence[Item]]) -> None:
    """Insert a new order with its parts; `items` explain the commission, by sub-order."""
    tx.put(_WRITE, {name: getattr(order, name) for name in _WHOLE_ORDER})
    _put_parts(tx, order.sub_orders, items)
    held.hold(tx, order)


def _put_parts(tx: Tx, subs: Sequence[SubOrder], items: Mapping[str, Sequence[Item]]) -> None:
    for sub in subs:
        tx.put(_WRITE_PARTS, _part_row(sub, items.get(sub.id, ())))
        for line in sub.lines:
            _put_line(tx, sub, line)


def _put_line(tx: Tx, sub: SubOrder, line: Line) -> None:
    tx.put(_WRITE_LINES, {**msgspec.structs.asdict(line), "order_id": sub.order_id, "sub_order_id": sub.id})


def _part_row(sub: SubOrder, items: Sequence[Item]) -> dict[str, Any]:
    row = {name: getattr(sub, name) for name in _PART}
    return row | {"commission_items": [msgspec.to_builtins(item) for item in items]}


async def add_parts(tx: Tx, order_id: str, new: Sequence[SubOrder], items: Mapping[str, Sequence[Item]]) -> None:
    """Add parts to a held order."""
    _put_parts(tx, new, items)
    order = await load(tx, order_id)
    held.hold(tx, msgspec.structs.replace(order, sub_orders=[*order.sub_orders, *new]))


_REWRITE = update(sub_orders).where(sub_orders.c.id == bindparam("part")).values(version=sub_orders.c.version + 1)
_REWRITE_LINE = update(lines).where(lines.c.id == bindparam("line"))


async def divide(tx: Tx, order_id: str, halves: Halves, items: Sequence[Item]) -> None:
    """Write a part of a held order as its two halves; `items` explain the commission of the half that is kept."""
    kept, dropped = halves.kept, halves.dropped
    row = {name: value for name, value in _part_row(kept, items).items() if name not in {"id", "order_id", "number", "state", "vendor"}}
    await tx.execute(_REWRITE, {"part": kept.id, **row})
    for line in kept.lines:
        values = {name: value for name, value in msgspec.structs.asdict(line).items() if name != "id"}
        await tx.execute(_REWRITE_LINE, {"line": line.id, **values})
    tx.put(_WRITE_PARTS, _part_row(dropped, ()))
    for line in dropped.lines:
        if line.id in halves.moved:
            bare = {"commission": 0, "commission_tax": 0, "kept": 0, "kept_tax": 0}
            await tx.execute(_REWRITE_LINE, {"line": line.id, "sub_order_id": dropped.id, **bare})
    for line in dropped.lines:
        if line.id not in halves.moved:
            _put_line(tx, dropped, line)
    order = await load(tx, order_id)
    parts = [kept if sub.id == kept.id else sub for sub in order.sub_orders]
    held.hold(tx, msgspec.structs.replace(order, sub_orders=[*parts, dropped]))


async def commission_items(tx: Tx, sub_order_id: str) -> list[Item]:
    """The explanation of a sub-order's commission, as it was frozen."""
    found = await tx.scalar(select(sub_orders.c.commission_items).where(sub_orders.c.id == sub_order_id))
    return msgspec.convert(found, list[Item])


_SET_REFUNDED = update(lines).where(lines.c.id == bindparam("piece"))
_SET_SHIPPING_REFUNDED = update(sub_orders).where(sub_orders.c.id == bindparam("part"))


async def set_refunded(tx: Tx, sub_order_id: str, piece: str, refunded: int) -> None:
    """Note how much of a piece (a line's id, or ``shipping``) has gone back; see `Piece.refunded`. The order must be locked."""
    if piece == SHIPPING:
        await tx.execute(_SET_SHIPPING_REFUNDED, {"part": sub_order_id, "shipping_refunded": refunded})
    else:
        await tx.execute(_SET_REFUNDED, {"piece": piece, "refunded": refunded})
    held.change_part(tx, sub_order_id, lambda sub: _given_back(sub, piece, refunded))


def _given_back(sub: SubOrder, piece: str, refunded: int) -> SubOrder:
    if piece == SHIPPING:
        return msgspec.structs.replace(sub, shipping_refunded=refunded)
    lines = [msgspec.structs.replace(line, refunded=refunded) if line.id == piece else line for line in sub.lines]
    return msgspec.structs.replace(sub, lines=lines)


_NOTE = update(sub_orders).where(sub_orders.c.id == bindparam("part"))


def note(tx: Tx, sub: SubOrder, **values: Any) -> None:
    """Note what was promised (`ship_by`, `deliver_by`), or missed (`lapse`), on a part whose order is locked."""
    tx.later(_NOTE, sub.id, {"part": sub.id, **values})
    known = {name: value for name, value in values.items() if name in SubOrder.__struct_fields__}
    held.change_part(tx, sub.id, lambda mine: msgspec.structs.replace(mine, **known))


_ADD_SHIPMENT = insert(shipments)
_NOTE_DELIVERY = update(shipments).where(shipments.c.sub_order_id == bindparam("part"))
_PARCELS = select(shipments.c.sub_order_id, shipments.c.parcels).where(shipments.c.order_id == bindparam("order"))


async def add_shipment(tx: Tx, sub: SubOrder, parcels: Sequence[Any], at: datetime) -> None:
    """Note that a sub-order left in these parcels."""
    left = {"parcels": [msgspec.to_builtins(parcel) for parcel in parcels], "shipped_at": at}
    await tx.execute(_ADD_SHIPMENT, {"id": tx.ids.new("shp"), "order_id": sub.order_id, "sub_order_id": sub.id, **left})


async def note_delivery(tx: Tx, sub_order_id: str, at: datetime) -> None:
    """Note that a shipment has arrived."""
    await tx.execute(_NOTE_DELIVERY, {"part": sub_order_id, "delivered_at": at})


async def parcels_of(tx: Tx, order_id: str) -> dict[str, list[dict[str, Any]]]:
    """The parcels of an order's shipped sub-orders, by sub-order."""
    found = await tx.rows(_PARCELS, {"order": order_id})
    return {row.sub_order_id: row.parcels for row in found}


_DELIVERED = select(shipments.c.sub_order_id, shipments.c.delivered_at).where(shipments.c.order_id == bindparam("order"))


async def delivered_at(tx: Tx, order_id: str) -> dict[str, datetime | None]:
    """When an order's shipped sub-orders have arrived, by sub-order."""
    return {row.sub_order_id: row.delivered_at for row in await tx.rows(_DELIVERED, {"order": order_id})}


async def with_lines(tx: Tx, found: list[SubOrder]) -> list[SubOrder]:
    """These sub-orders with their lines."""
    query = select(lines.c.sub_order_id, *_LINE).where(lines.c.sub_order_id.in_([sub.id for sub in found])).order_by(lines.c.id)
    by_part: dict[str, list[Line]] = {}
    for row in await tx.rows(query):
        by_part.setdefault(row.sub_order_id, []).append(msgspec.convert(row, Line, from_attributes=True))
    return [msgspec.structs.replace(sub, lines=by_part.get(sub.id, [])) for sub in found]
