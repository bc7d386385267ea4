"""Reads vendors' sub-orders as figures see them. Ids are made in the order of time, so that a day is a range of them."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Integer, bindparam, func, select

from hub.kernel import ids
from hub.orders.tables import lines, orders, shipments, sub_orders
from hub.promises.figures import Part, Tally, tally
from hub.runtime.database import Tx

AT_ONCE = 500
DAY = timedelta(days=1)

_s, _l = sub_orders.c, lines.c
_SHIPPING = (_s.shipping_price - _s.shipping_vendor_discount).label("shipping")
_TIMES = [_s.id, _s.order_id, _s.state, _s.lapse, _s.routed_at, _s.accepted_at, _s.ship_by, _s.deliver_by]
_RANGE = (
    select(*_TIMES, _SHIPPING, _s.shipping_refunded, orders.c.currency, shipments.c.shipped_at, shipments.c.delivered_at)
    .select_from(sub_orders.join(orders, orders.c.id == _s.order_id).outerjoin(shipments, shipments.c.sub_order_id == _s.id))
    .where(_s.vendor == bindparam("of_vendor"), _s.id >= bindparam("since"), _s.id < bindparam("until"))
    .order_by(_s.id.desc())
    .limit(bindparam("most", type_=Integer))
)
_GOODS = (
    select(
        _l.sub_order_id, func.sum(_l.unit_price * _l.quantity - _l.vendor_discount).label("sold"), func.sum(_l.refunded).label("refunded")
    )
    .where(_l.sub_order_id.in_(bindparam("parts", expanding=True)))
    .group_by(_l.sub_order_id)
)
_WHOSE = select(_s.id, _s.vendor).where(_s.order_id.in_(bindparam("orders", expanding=True)))


def first_of(moment: datetime) -> str:
    """Sub-orders placed from this moment on have ids that are not smaller."""
    return ids.first("sub", int(moment.timestamp() * 1000))


def first_letter(day: date) -> str:
    """Dead letters written from this day on have ids that are not smaller."""
    return ids.first("dl", int(begins(day).timestamp() * 1000))


def begins(day: date) -> datetime:
    """Midnight UTC."""
    return datetime.combine(day, time(), UTC)


def first_day(now: datetime, length: int) -> date:
    """The first of so many days that end with today's (UTC)."""
    return now.astimezone(UTC).date() - timedelta(days=length - 1)


def day_of(sub_order_id: str) -> date:
    """The day (UTC) on which a sub-order was placed."""
    return datetime.fromtimestamp(ids.born(sub_order_id) / 1000, UTC).date()


async def days_of(tx: Tx, order_ids: Collection[str]) -> set[tuple[str, date]]:
    """The vendors and days to which the sub-orders of these orders belong; other ids belong to none."""
    return {(row.vendor, day_of(row.id)) for row in await tx.rows(_WHOSE, {"orders": sorted(order_ids)})}


async def each(tx: Tx, vendor: str, since: str, until: str) -> AsyncIterator[Sequence[Part]]:
    """A vendor's parts from the id `since` to just before `until`, the newest first, some at a time."""
    while True:
        rows = await tx.rows(_RANGE, {"of_vendor": vendor, "since": since, "until": until, "most": AT_ONCE})
        if not rows:
            return
        goods = {row.sub_order_id: row for row in await tx.rows(_GOODS, {"parts": [row.id for row in rows]})}
        yield [_part(row, goods.get(row.id)) for row in rows]
        until = rows[-1].id


async def counted(tx: Tx, vendor: str, start: datetime, end: datetime) -> Tally:
    """What is to be counted of a vendor's parts placed from `start` to just before `end`."""
    now, found = await tx.now(), Tally()
    async for some in each(tx, vendor, first_of(start), first_of(end)):
        found += tally(some, now)
    return found


def _part(row: Any, goods: Any) -> Part:
    known = {name: getattr(row, name) for name in Part.__struct_fields__ if hasattr(row, name)}
    sold, refunded = (0, 0) if goods is None else (int(goods.sold), int(goods.refunded))
    return msgspec.convert(known | {"sold": sold + row.shipping, "refunded": refunded + row.shipping_refunded}, Part)
