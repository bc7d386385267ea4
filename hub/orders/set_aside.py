"""Whether a vendor has told that it set a part's units aside: from then on its own counts leave them out, until it lets go of them."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select

from hub.orders.model import SubOrder
from hub.orders.states import SUB_ORDER
from hub.orders.tables import sub_orders
from hub.runtime.database import Tx
from hub.runtime.life import timeline

OWN_PROMISE = "promised_by_the_hub"
"""The reason of a reservation for which no vendor was asked."""

_s, _t = sub_orders.c, timeline.c
_RESERVED = and_(
    _t.saga_id == _s.order_id, _t.subject_id == _s.id, _t.life == SUB_ORDER.name, _t.event == "reserve", _t.reason != OWN_PROMISE
)
_EVER = select(_s.id).where(
    _s.id.in_(bindparam("parts", expanding=True)), or_(_s.accepted_at.is_not(None), exists().where(_RESERVED).correlate(sub_orders))
)


def set_aside_by(at: datetime) -> ColumnElement[bool]:
    """Whether a sub-order's vendor had reserved or accepted by then; by when we heard it, which is later than when it did it."""
    return or_(func.coalesce(_s.accepted_at <= at, False), exists().where(_RESERVED, _t.at <= at).correlate(sub_orders))


async def was_set_aside(tx: Tx, sub: SubOrder) -> bool:
    """Whether its vendor ever told so of this part, or of the one that it was split from."""
    return bool(await tx.rows(_EVER, {"parts": [sub.id, *([sub.split_from] if sub.split_from else [])]}))
