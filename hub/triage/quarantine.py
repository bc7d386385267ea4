"""What must not be replayed, by anybody, until it is lifted: all that failed alike, all of one vendor, or all of one kind."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import func, insert, or_, select, update

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.letters.store import Letter
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.triage.tables import quarantines

What = Literal["fingerprint", "target", "kind"]


class NewQuarantine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to bar and why; `until` null stands for until it is lifted."""

    what: What
    value: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    until: Annotated[datetime, Meta(tz=True)] | None = None


class Quarantine(msgspec.Struct, frozen=True, kw_only=True):
    """A bar that stands, or stood until `lifted_at`."""

    id: str
    what: What
    value: str
    reason: str
    made_by: str
    until: datetime | None
    created_at: datetime
    lifted_at: datetime | None


_q = quarantines.c
_COLUMNS = [_q[name] for name in Quarantine.__struct_fields__]
_STANDING = select(*_COLUMNS).where(_q.lifted_at.is_(None), or_(_q.until.is_(None), _q.until > func.now())).order_by(_q.id.desc())


async def standing(tx: Tx) -> list[Quarantine]:
    """What is barred now, the newest first."""
    return await tx.all(_STANDING, Quarantine)


def covers(bar: Quarantine, letter: Letter) -> bool:
    """Whether a letter may not be replayed because of it."""
    return getattr(letter, bar.what) == bar.value


async def check(tx: Tx, letter: Letter) -> None:
    """Raises `Conflict` (``quarantined``)."""
    for bar in await standing(tx):
        if covers(bar, letter):
            raise Conflict("quarantined", f"{bar.what} {bar.value} is in quarantine: {bar.reason}", quarantine=bar.id)


async def put(tx: Tx, new: NewQuarantine) -> Quarantine:
    """Bar something. Raises `Invalid` for an end that has passed."""
    if new.until is not None and new.until <= await tx.scalar(select(func.now())):
        raise Invalid("in_the_past", "it would end before it begins", field="/until")
    row = {"id": tx.ids.new("qua"), "made_by": str(tx.actor), **msgspec.structs.asdict(new)}
    await tx.execute(insert(quarantines), row)
    await audit.note(tx, "quarantine.put", row["id"], why=new.reason, after=new)
    return await get(tx, row["id"])


async def get(tx: Tx, quarantine_id: str) -> Quarantine:
    """One bar. Raises `NotFound`."""
    found = await tx.one(select(*_COLUMNS).where(_q.id == quarantine_id), Quarantine)
    if found is None:
        raise NotFound("unknown_quarantine", f"no quarantine {quarantine_id}")
    return found


async def lift(tx: Tx, quarantine_id: str, why: str) -> Quarantine:
    """End a bar. Raises `NotFound`, and `Conflict` (``already_lifted``)."""
    before = await get(tx, quarantine_id)
    ended = update(quarantines).where(_q.id == quarantine_id, _q.lifted_at.is_(None)).values(lifted_at=func.now())
    if await tx.execute(ended) == 0:
        raise Conflict("already_lifted", "it was lifted before")
    await audit.note(tx, "quarantine.lifted", quarantine_id, why=why, before=before)
    return await get(tx, quarantine_id)
