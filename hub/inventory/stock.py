"""Stock as vendors state it and others look at it (promises to orders are in `promise`)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, DateTime, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.inventory.tables import stock
from hub.runtime.database import Tx


async def receive(tx: Tx, offer_id: str, quantity: int) -> None:
    """`quantity` more units are on hand."""
    fresh = insert(stock).values(offer_id=offer_id, on_hand=quantity, received=quantity)
    s = stock.c
    await tx.execute(
        fresh.on_conflict_do_update(index_elements=[s.offer_id], set_={"on_hand": s.on_hand + quantity, "received": s.received + quantity})
    )


_s = stock.c
_UNITS = bindparam("units", type_=BigInteger)
_COUNTED = (
    update(stock)
    .where(_s.offer_id == bindparam("offer"))
    .values(
        on_hand=_UNITS,
        received=_UNITS + _s.reserved + _s.shipped,
        counted_at=func.coalesce(bindparam("at", type_=DateTime(timezone=True)), func.now()),
    )
)
_OF_OFFERS = _s.offer_id.in_(bindparam("offers", expanding=True))
_ON_HAND = select(_s.offer_id, _s.on_hand).where(_OF_OFFERS)
_LAST_COUNT = select(_s.offer_id, _s.on_hand, _s.reserved, _s.counted_at).where(_OF_OFFERS).order_by(_s.offer_id).with_for_update()


async def set_on_hand(tx: Tx, counts: Mapping[str, int], at: datetime | None = None) -> None:
    """The vendor has counted: so many units of each offer are for sale, beside those promised and shipped; `at`: if not now."""
    known = await last_counts(tx, counts)  # locked in the one order in which everybody locks stock rows, so that nobody deadlocks
    told: dict[str, Any] = {} if at is None else {"counted_at": at}
    fresh = [{"offer_id": offer_id, "on_hand": n, "received": n, **told} for offer_id, n in counts.items() if offer_id not in known]
    if fresh:
        await tx.execute(insert(stock), fresh)
    if known:
        await tx.execute(_COUNTED, [{"offer": offer_id, "units": counts[offer_id], "at": at} for offer_id in sorted(known)])


class Counted(msgspec.Struct, frozen=True):
    """What is for sale and promised of an offer, and as of when its vendor has last counted it."""

    offer_id: str
    on_hand: int
    reserved: int
    counted_at: datetime


async def last_counts(tx: Tx, offer_ids: Collection[str]) -> dict[str, Counted]:
    """How these offers' stock stands, locked; those that were never counted are left out."""
    return {row.offer_id: row for row in await tx.all(_LAST_COUNT, Counted, {"offers": sorted(set(offer_ids))})}


async def on_hand(tx: Tx, offer_ids: Collection[str]) -> dict[str, int]:
    """Units for sale of each offer; unknown ones are left out."""
    return {row.offer_id: row.on_hand for row in await tx.rows(_ON_HAND, {"offers": sorted(set(offer_ids))})}
