"""Lets time pass for what the hub waits for: every moment that was set lies so much earlier, as if it had been set then."""

from datetime import timedelta

import msgspec
from sqlalchemy import text

from hub.kernel.alarm import Alarms
from hub.runtime.steps import steps
from tests.shop import Shop

_EACH = {
    "steps": ("state = 'open'", ("deadline", "alarm_at", "due_at")),
    "sub_orders": ("true", ("accept_by", "ship_by", "deliver_by", "routed_at")),
    "promise_rounds": ("name = 'suspension'", ("done_until",)),
}


async def passes(shop: Shop, **time: float) -> None:
    """So much time, as ``hours=1``."""
    by = timedelta(**time)
    async with shop.wiring.database.tx() as tx:
        for table, (which, moments) in _EACH.items():
            moved = ", ".join(f"{moment} = {moment} - CAST(:by AS interval)" for moment in moments)
            await tx.execute(text(f"UPDATE {table} SET {moved} WHERE {which}"), {"by": by})  # the table's own words
        for row in await tx.rows(text("SELECT id, alarms FROM steps WHERE state = 'open' AND alarms IS NOT NULL")):
            was = msgspec.convert(row.alarms, Alarms)
            each = [msgspec.structs.replace(alarm, at=alarm.at - by) for alarm in was.alarms]
            earlier = Alarms(deadline=was.deadline - by, alarms=each)
            await tx.execute(steps.update().where(steps.c.id == row.id), {"alarms": msgspec.to_builtins(earlier)})
