"""The only reader and writer of vendors' days: marked as stale when something has happened to them, counted anew after that."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Integer, bindparam, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from hub.letters.tables import dead_letters
from hub.promises.figures import Tally
from hub.promises.tables import promise_rounds, vendor_days
from hub.runtime.database import Tx
from hub.runtime.life import timeline

OURS = "promise"
"""The source of letters that tell of broken promises: they are figures already."""

_d, _r, _t, _x = vendor_days.c, promise_rounds.c, timeline.c, dead_letters.c
_TALLY = [_d[name] for name in Tally.__struct_fields__]

_STALE = insert(vendor_days).values(stale=true())
_MARK = _STALE.on_conflict_do_update(index_elements=[_d.vendor, _d.day], set_={"stale": true()})
_TO_COUNT = select(_d.vendor, _d.day).where(_d.stale).order_by(_d.vendor, _d.day).limit(bindparam("most", type_=Integer))
_TAKE = select(_d.day).where(_d.vendor == bindparam("of_vendor"), _d.day == bindparam("of_day"), _d.stale).with_for_update(skip_locked=True)
_KEEP = update(vendor_days).where(_d.vendor == bindparam("of_vendor"), _d.day == bindparam("of_day"))
_TOUCHED = select(_t.saga_id).where(_t.at >= bindparam("since"), _t.at < bindparam("until")).distinct()


class VendorDay(Tally, frozen=True, kw_only=True):
    """One day of one vendor, counted."""

    vendor: str
    day: date
    stale: bool


_DAY = [_d.vendor, _d.day, _d.stale, *_TALLY]
_OF = (
    select(*_DAY)
    .where(_d.vendor.in_(bindparam("vendors", expanding=True)), _d.day >= bindparam("since"))
    .order_by(_d.vendor, _d.day.desc())
)
_OF_ALL = select(*_DAY).where(_d.day >= bindparam("since")).order_by(_d.vendor, _d.day.desc())
_LETTERS = (
    select(_x.target, func.count().label("letters"))
    .where(_x.state == "open", _x.source != OURS, _x.id >= bindparam("since"))
    .group_by(_x.target)
)
_LETTERS_OF = _LETTERS.where(_x.target.in_(bindparam("vendors", expanding=True)))


async def touched(tx: Tx, since: datetime, until: datetime) -> list[str]:
    """Ids of what something happened to in that time, orders among them."""
    return [row.saga_id for row in await tx.rows(_TOUCHED, {"since": since, "until": until})]


async def mark(tx: Tx, days: Collection[tuple[str, date]]) -> None:
    """These days have to be counted anew."""
    if days:
        await tx.execute(_MARK, [{"vendor": vendor, "day": day} for vendor, day in sorted(days)])


async def to_count(tx: Tx, limit: int) -> list[tuple[str, date]]:
    """Days that have to be counted anew."""
    return [(row.vendor, row.day) for row in await tx.rows(_TO_COUNT, {"most": limit})]


async def take(tx: Tx, vendor: str, day: date) -> bool:
    """Lock a day to count it; False if somebody else does, or has."""
    return await tx.scalar(_TAKE, {"of_vendor": vendor, "of_day": day}) is not None


async def keep(tx: Tx, vendor: str, day: date, counted: Tally) -> None:
    """What was counted of a day that was taken."""
    values: dict[str, Any] = msgspec.structs.asdict(counted)
    await tx.execute(_KEEP, {"of_vendor": vendor, "of_day": day, "stale": False, "counted_at": await tx.now(), **values})


async def of(tx: Tx, vendors: Collection[str], since: date) -> list[VendorDay]:
    """The days of these vendors from that day on, by vendor, the newest first."""
    return await tx.all(_OF, VendorDay, {"vendors": sorted(vendors), "since": since})


async def of_all(tx: Tx, since: date) -> list[VendorDay]:
    """The days of every vendor from that day on, by vendor, the newest first."""
    return await tx.all(_OF_ALL, VendorDay, {"since": since})


async def letters(tx: Tx, since: str, vendors: Collection[str] | None = None) -> Mapping[str, int]:
    """Open dead letters by vendor, those with ids from `since` on; of promises there are other figures."""
    values = {"since": since, "vendors": sorted(vendors or ())}
    return {row.target: row.letters for row in await tx.rows(_LETTERS if vendors is None else _LETTERS_OF, values)}
