"""Follows the placed orders until each has ended."""

import asyncio
import time
from collections.abc import Callable, Mapping

from sqlalchemy import text

from hub.orders.states import ORDER_ENDS
from hub.runtime.database import Database

LOOK_SECONDS = 0.5
STUCK_SECONDS = 180.0
_ENDED = text("SELECT count(*) FROM orders WHERE id = ANY(:ids) AND state = ANY(:ends)")
_DONE = text("SELECT count(*) FROM steps WHERE state <> 'open'")


class Follower:
    """Looks at the orders in `placed` while it grows; `ended` is how many have come to an end."""

    def __init__(self, database: Database, placed: Mapping[str, str]) -> None:
        self._database = database
        self._placed = placed
        self.ended = 0

    @property
    def under_way(self) -> int:
        """Orders placed and not ended, as of the last look."""
        return len(self._placed) - self.ended

    async def until_ended(self, total: int, tell: Callable[[int], None]) -> bool:
        """Wait for `total` orders to end; False if nothing at all moved for `STUCK_SECONDS`."""
        moved, steps = time.monotonic(), -1
        while self.ended < total:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._database.reading() as tx:
                ended = int(await tx.scalar(_ENDED.bindparams(ids=list(self._placed.values()), ends=[str(end) for end in ORDER_ENDS])))
                done = int(await tx.scalar(_DONE))
            if done != steps:
                moved, steps = time.monotonic(), done
            elif time.monotonic() - moved > STUCK_SECONDS:
                return False
            tell(ended - self.ended)
            self.ended = ended
        return True
