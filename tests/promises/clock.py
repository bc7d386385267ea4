"""Lets time pass for what the hub waits for: every moment that was set lies so much earlier, as if it had been set then."""

from datetime import timedelta

import msgspec
from sqlalchemy import text

from hub.kernel.alarm import Alarms
from hub.runtime.steps import steps
from tests.shop import Shop

_MOVED = (
    "UPDATE steps SET deadline = deadline - CAST(:by AS interval), alarm_at = alarm_at - CAST(:by AS interval), due_at = due_at - CAST(:by AS interval) WHERE state = 'open'",
    "UPDATE sub_orders SET accept_by = accept_by - CAST(:by AS interval), ship_by = ship_by - CAST(:by AS interval), deliver_by = deliver_by - CAST(:by AS interval), routed_at = routed_at - CAST(:by AS interval)",
    "UPDATE promise_rounds SET done_until = done_until - CAST(:by AS interval) WHERE name = 'suspension'",
)


async def passes(shop: Shop, **time: float) -> None:
    """So much time, as ``hours=1``."""
    by = timedelta(**time)
    async with shop.wiring.database.tx() as tx:
        for moved in _MOVED:
            await tx.execute(text(moved), {"by": by})
        for row in await tx.rows(text("SELECT id, alarms FROM steps WHERE state = 'open' AND alarms IS NOT NULL")):
            was = msgspec.convert(row.alarms, Alarms)
            each = [msgspec.structs.replace(alarm, at=alarm.at - by) for alarm in was.alarms]
            earlier = Alarms(deadline=was.deadline - by, alarms=each)
            await tx.execute(steps.update().where(steps.c.id == row.id), {"alarms": msgspec.to_builtins(earlier)})
