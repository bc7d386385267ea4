"""Forgets what vendors were told long ago, and secrets that sign nothing any more."""

from hub.notifications import endpoints, store
from hub.notifications.rules import Limits
from hub.runtime.database import Database


async def forget(database: Database, limits: Limits) -> None:
    """Part after part, so that no transaction grows with what there is to be dropped."""
    more = True
    while more:
        async with database.tx() as tx:
            more = await store.forget_old(tx, limits.keep_days) == store.FORGET_AT_ONCE
    async with database.tx() as tx:
        await endpoints.forget_keys(tx)
