"""Read what moved at a provider, from where we had stopped, day by day, each movement once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import ceil

from hub.payments.ports import PaymentGateway
from hub.reconcile import store
from hub.runtime.database import Database

OVERLAP = timedelta(days=1)
"""Read again each time: a provider may show a movement later than it dates it."""
WINDOW = timedelta(days=1)
ROWS_MAX = 1000
"""Inserted by one statement."""
BEGINNING = datetime.fromtimestamp(0, UTC)

Beat = Callable[[], Awaitable[None]]
"""Called between two transactions of a long run; raises if the run has become somebody else's."""


async def read(database: Database, gateway: PaymentGateway, *, since: datetime, until: datetime, beat: Beat) -> None:
    """Keep everything that moved before `until`, reading again from `since` if that is earlier than where we had stopped.

    A window is kept in one transaction together with how far we are. Raises what the gateway raises and `MovementChanged`.
    """
    at = await _begin(database, gateway.name, since, until)
    while at < until:
        window = WINDOW if at > BEGINNING else max(WINDOW, await _first(database, gateway.name, until) - BEGINNING)
        end = min(at + window, until)
        found = await gateway.movements(since=int(at.timestamp()), until=ceil(end.timestamp()))
        async with database.tx() as tx:
            for start in range(0, len(found), ROWS_MAX):
                await store.keep(tx, gateway.name, found[start : start + ROWS_MAX])
            await store.advance_read(tx, gateway.name, end)
        await beat()
        at = end


async def _begin(database: Database, gateway: str, since: datetime, until: datetime) -> datetime:
    async with database.reading() as tx:
        stopped = await store.read_until(tx, gateway)
    return BEGINNING if stopped is None else min(since, stopped - OVERLAP, until)


async def _first(database: Database, gateway: str, until: datetime) -> datetime:
    """Before our first posting there is little or nothing: it is read in one go."""
    async with database.reading() as tx:
        first = await store.first_booking_at(tx, gateway)
    return min(first or until, until) - OVERLAP
