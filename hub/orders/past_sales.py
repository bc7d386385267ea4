"""Past sales as commission rules see them, with what was charged; read page by page, never changed."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, func, literal, select, tuple_

from hub.kernel.errors import Invalid
from hub.kernel.ids import encode, uuid7
from hub.orders import store
from hub.orders.model import SubOrder
from hub.orders.place import sale_of
from hub.orders.states import FALLEN
from hub.orders.tables import orders, sub_orders
from hub.pricing.charge import Item
from hub.pricing.what_if import Past
from hub.runtime.database import Tx

PAGE = 200


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Orders placed from the day `starts` up to but not including `ends` (UTC), of one vendor if `vendor` is given."""

    starts: date
    ends: date
    vendor: str | None = None


async def past_sales(tx: Tx, period: Period, orders_max: int) -> AsyncIterator[Past]:
    """The sub-orders of a period that did not fall out. Raises `Invalid` (``too_many_orders``) for more than `orders_max` orders."""
    s = sub_orders.c
    within = _within(period)
    some = select(s.order_id).where(*within).distinct().limit(orders_max + 1).subquery()
    if await tx.scalar(select(func.count()).select_from(some)) > orders_max:
        raise Invalid("too_many_orders", f"the period has more than {orders_max} orders; ask for a shorter one", field="/until")
    columns = (*store.SUB_ORDER_COLUMNS, s.commission_items, orders.c.currency, orders.c.created_at.label("placed_at"))
    query = select(*columns).join_from(sub_orders, orders).where(*within).order_by(s.order_id, s.number).limit(PAGE)
    after = ("", 0)
    while True:
        rows = await tx.rows(query.where(tuple_(s.order_id, s.number) > tuple_(*map(literal, after))))
        subs = await store.with_lines(tx, [msgspec.convert(row, SubOrder, from_attributes=True) for row in rows])
        for sub, row in zip(subs, rows, strict=True):
            yield _past(sub, row)
        if len(rows) < PAGE:
            return
        after = (rows[-1].order_id, rows[-1].number)


def _within(period: Period) -> list[ColumnElement[bool]]:
    """By the ids of the orders, which say when they were born: no index of times is needed."""
    s = sub_orders.c
    found = [s.order_id >= _first_id(period.starts), s.order_id < _first_id(period.ends), s.state.not_in(sorted(FALLEN))]
    return [*found, s.vendor == period.vendor] if period.vendor is not None else found


def _first_id(day: date) -> str:
    midnight = datetime.combine(day, time(), UTC)
    return encode("ord", uuid7(max(0, int(midnight.timestamp() * 1000)) << 12, bytes(8)))


def _past(sub: SubOrder, row: Row[Any]) -> Past:
    by_rule: dict[str, int] = {}
    for item in msgspec.convert(row.commission_items, list[Item]):
        if item.rule:
            by_rule[item.rule] = by_rule.get(item.rule, 0) + item.charged
    sale = sale_of(sub, row.currency, row.placed_at.astimezone(UTC).date())
    return Past(id=sub.id, order_id=sub.order_id, sale=sale, commission=sub.commission, tax=sub.commission_tax, by_rule=by_rule)
