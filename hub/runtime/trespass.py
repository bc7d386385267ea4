"""Attempts of known callers at what is not theirs: who tried what, how often on which day; a flood only moves a number."""

from datetime import UTC, date, datetime

import msgspec
from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from hub.runtime.database import Actor, IdText, Tx, metadata

KEEP_DAYS = 365
LATEST_MAX = 500

trespasses = Table(
    "trespasses",
    metadata,
    Column("who", IdText, primary_key=True),
    Column("what", IdText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("latest", Text, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""`who` is an actor as in the audit log, `what` one of a few words, `latest` what the last attempt was about; days are UTC's."""


class Trespass(msgspec.Struct, frozen=True, kw_only=True):
    """One caller's attempts of one kind on one day."""

    who: str
    what: str
    day: date
    attempts: int
    latest: str
    first_at: datetime
    last_at: datetime


_t = trespasses.c
_FIRST = insert(trespasses)
_NOTE = _FIRST.on_conflict_do_update(
    index_elements=[_t.who, _t.what, _t.day],
    set_={"attempts": _t.attempts + 1, "latest": _FIRST.excluded.latest, "last_at": func.now()},
)


async def note(tx: Tx, who: Actor, what: str, latest: str) -> None:
    """Keep one attempt."""
    day = (await tx.now()).astimezone(UTC).date()
    said = latest[:LATEST_MAX].replace("\0", "")
    await tx.execute(_NOTE, {"who": str(who), "what": what, "day": day, "attempts": 1, "latest": said})


_COLUMNS = [_t[name] for name in Trespass.__struct_fields__]


async def browse(tx: Tx, *, who: str | None, after: tuple[date, str, str] | None, limit: int) -> list[Trespass]:
    """The attempts by day, the newest first; those after (day, who, what)."""
    query = select(*_COLUMNS).order_by(_t.day.desc(), _t.who.desc(), _t.what.desc()).limit(limit)
    if who is not None:
        query = query.where(_t.who == who)
    if after is not None:
        query = query.where(tuple_(_t.day, _t.who, _t.what) < tuple_(*after))
    return await tx.all(query, Trespass)


_TOTALS = select(_t.what, func.sum(_t.attempts).label("number")).group_by(_t.what).order_by(_t.what)


async def totals(tx: Tx) -> dict[str, int]:
    """How many attempts of each kind are kept."""
    return {row.what: int(row.number) for row in await tx.rows(_TOTALS)}


async def forget_old(tx: Tx) -> int:
    """Drop what is older than `KEEP_DAYS`; the number of dropped."""
    return await tx.execute(delete(trespasses).where(_t.last_at < func.now() - func.make_interval(0, 0, 0, KEEP_DAYS)))
