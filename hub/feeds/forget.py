"""Forgets what became of feeds long ago."""

from hub.feeds import store
from hub.runtime.database import Database


async def forget(database: Database, keep_days: float) -> None:
    """Part after part, so that no transaction grows with what there is to be dropped."""
    more = True
    while more:
        async with database.tx() as tx:
            more = await store.forget_old(tx, keep_days) == store.FORGET_AT_ONCE
