"""Follows the placed orders until each has ended."""

import asyncio
import time
from collections.abc import Callable

from sqlalchemy import text

from hub.orders.states import ORDER_ENDS
from hub.replay.files import CURRENCY
from hub.runtime.database import Database

LOOK_SECONDS = 0.5
STUCK_SECONDS = 180.0
_ORDERS = text(
    "SELECT count(*) FILTER (WHERE state = ANY(:ends)) AS ended, count(*) FILTER (WHERE state <> ALL(:ends)) AS under_way"
    " FROM orders WHERE currency = :currency"
).bindparams(ends=[str(end) for end in ORDER_ENDS], currency=CURRENCY)
_DONE = text("SELECT count(*) FROM steps WHERE state <> 'open'")


class Follower:
    """Looks at every order in the files' currency: `ended` have come to an end, `under_way` have not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ended = 0
        self.under_way = 0

    async def look(self) -> int:
        """Count anew; how many steps have been done in all, a number that stands still when nothing moves."""
        async with self._database.reading() as tx:
            row = await tx.row(_ORDERS)
            done = int(await tx.scalar(_DONE))
        if row is not None:
            self.ended, self.under_way = row.ended, row.under_way
        return done

    async def until_ended(self, total: int, tell: Callable[[int], None]) -> bool:
        """Wait for `total` orders to end; False if nothing at all moved for `STUCK_SECONDS`."""
        moved, before, told = time.monotonic(), -1, 0
        while told < total:
            await asyncio.sleep(LOOK_SECONDS)
            done = await self.look()
            if done != before:
                moved, before = time.monotonic(), done
            elif time.monotonic() - moved > STUCK_SECONDS:
                return False
            tell(self.ended - told)
            told = self.ended
        return True
