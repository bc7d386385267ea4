"""The only reader and writer of adjustments: fines and bonuses posted to vendors."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.adjustments.tables import adjustments
from hub.kernel.errors import NotFound
from hub.ledger.recipes import Adjustment
from hub.runtime.database import Tx


class NewAdjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A fine or bonus to be posted; `rule` None by hand. `amount` in minor units."""

    vendor: str
    kind: Adjustment
    amount: int
    currency: str
    reason: str
    rule: str | None = None
    order_id: str | None = None
    sub_order_id: str | None = None


class Posted(NewAdjustment, frozen=True, kw_only=True):
    """One as it was posted, and as it was waived if it was."""

    id: str
    posted_by: str
    created_at: datetime
    waived_at: datetime | None
    waived_by: str | None
    waived_why: str | None


_COLUMNS = [adjustments.c[name] for name in Posted.__struct_fields__]


_ADD = insert(adjustments).on_conflict_do_nothing()


async def add(tx: Tx, new: NewAdjustment) -> str | None:
    """Insert one; its id, or None if its rule was applied to this sub-order before."""
    adjustment_id = tx.ids.new("adj")
    row: dict[str, Any] = {"id": adjustment_id, "posted_by": str(tx.actor), **msgspec.structs.asdict(new)}
    fresh = await tx.execute(_ADD, row)
    return adjustment_id if fresh else None


_ONE = select(*_COLUMNS).where(adjustments.c.id == bindparam("adjustment_id"), adjustments.c.vendor == bindparam("vendor"))


async def get(tx: Tx, adjustment_id: str, *, vendor: str) -> Posted:
    """One of a vendor's. Raises `NotFound` (``unknown_adjustment``)."""
    found = await tx.one(_ONE, Posted, {"adjustment_id": adjustment_id, "vendor": vendor})
    if found is None:
        raise NotFound("unknown_adjustment", f"no adjustment {adjustment_id}")
    return found


async def waive(tx: Tx, adjustment_id: str, why: str) -> bool:
    """Note that one is waived; False if it was already, or is unknown."""
    a = adjustments.c
    mine = update(adjustments).where(a.id == adjustment_id, a.waived_at.is_(None))
    return await tx.execute(mine.values(waived_at=func.now(), waived_by=str(tx.actor), waived_why=why)) == 1


async def of_vendor(tx: Tx, vendor: str, *, after: str | None, limit: int) -> list[Posted]:
    """A vendor's fines and bonuses, newest first."""
    a = adjustments.c
    query = select(*_COLUMNS).where(a.vendor == vendor).order_by(a.id.desc()).limit(limit)
    return await tx.all(query if after is None else query.where(a.id < after), Posted)
