"""Checks what is written after orders were placed: each of them once, its stock promised, its key kept."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text

from hub.runtime.database import Database


class Miscounted(RuntimeError):
    """What was answered is not what is written."""


class Tally(msgspec.Struct, frozen=True):
    """What a database holds."""

    orders: int
    sub_orders: int
    lines: int
    reserved: int
    keys: int


_TALLY = text(
    "SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM sub_orders) AS sub_orders,"
    " (SELECT count(*) FROM lines) AS lines,"
    " (SELECT coalesce(sum(reserved), 0)::bigint FROM stock) AS reserved,"
    " (SELECT count(*) FROM idempotency_keys WHERE status = 201) AS keys"
)
_KNOWN = text("SELECT count(*) FROM orders WHERE id = ANY(:ids)")


async def tally(database: Database) -> Tally:
    """Count everything."""
    async with database.reading() as tx:
        found = await tx.one(_TALLY, Tally)
    assert found is not None, "a query without FROM has a row"
    return found


async def check(database: Database, before: Tally, ids: Sequence[str], lines: int, parts: int = 0) -> None:
    """Raises `Miscounted` unless exactly the orders `ids`, of so many lines of one unit each, came to be since `before`.

    The lines are those of as many vendors, or of `parts` of them.
    """
    after, count = await tally(database), len(ids)
    more = Tally(count, count * (parts or lines), count * lines, count * lines, count)
    found = Tally(*(getattr(after, name) - getattr(before, name) for name in Tally.__struct_fields__))
    async with database.reading() as tx:
        known = await tx.scalar(_KNOWN, {"ids": list(ids)})
    if found != more or known != count or len(set(ids)) != count:
        raise Miscounted(f"{count} orders were answered, {known} of them are known; {more} should have been written: {found}")
