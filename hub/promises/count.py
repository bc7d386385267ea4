"""Counts vendors' days: those to which something has happened, as often as wanted, with the same outcome."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select

from hub.promises import days, parts, rounds
from hub.runtime.database import Database
from hub.runtime.life import timeline

ROUND = "scores"
OVERLAP = timedelta(seconds=90)
"""What was written so long ago is committed by now, or never: no transaction lives longer than a minute."""
SLICE = timedelta(hours=1)
"""Of the timeline at once, where there is much to catch up with."""
ORDERS_AT_ONCE = 500
DAYS_AT_ONCE = 200

_FIRST = select(timeline.c.at).order_by(timeline.c.seq).limit(1)


async def count_days(database: Database) -> None:
    """Mark the days that were touched since the last time, then count those that are marked. Any number of workers may do so."""
    while await _mark(database):
        pass
    async with database.reading() as tx:
        stale = await days.to_count(tx, DAYS_AT_ONCE)
    for vendor, day in stale:
        await _count(database, vendor, day)


async def _mark(database: Database) -> bool:
    """Look through a slice of the timeline; whether there is more of it."""
    async with database.tx() as tx:
        now, done_until = await tx.now(), await rounds.take(tx, ROUND)
        if done_until is None:
            await rounds.begin(tx, ROUND, await tx.scalar(_FIRST) or now)
            return False
        until = min(now, done_until + SLICE)
        touched = await days.touched(tx, done_until - OVERLAP, until)
        for some in _slices(touched):
            await days.mark(tx, await parts.days_of(tx, some))
        await rounds.done(tx, ROUND, until)
    return until < now


async def _count(database: Database, vendor: str, day: date) -> None:
    async with database.tx() as tx:
        if not await days.take(tx, vendor, day):
            return
        start = parts.begins(day)
        await days.keep(tx, vendor, day, await parts.counted(tx, vendor, start, start + parts.DAY))


def _slices(touched: Sequence[str]) -> list[Sequence[str]]:
    return [touched[start : start + ORDERS_AT_ONCE] for start in range(0, len(touched), ORDERS_AT_ONCE)]
