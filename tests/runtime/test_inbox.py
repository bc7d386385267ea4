"""What was heard once changes nothing when it is heard again."""

import asyncio

import pytest

from hub.runtime import inbox
from hub.runtime.database import Database


async def heard(database: Database, source: str, event_id: str) -> bool:
    async with database.tx() as tx:
        return await inbox.first_time(tx, source, event_id)


async def test_an_event_is_applied_once(database: Database) -> None:
    assert [await heard(database, "acme", "cmd_1.reserved") for _ in range(3)] == [True, False, False]


async def test_the_same_name_from_another_vendor_is_another_event(database: Database) -> None:
    assert [await heard(database, vendor, "cmd_2.reserved") for vendor in ("acme", "bolt")] == [True, True]


async def test_of_many_at_once_one_is_the_first(database: Database) -> None:
    assert sorted(await asyncio.gather(*(heard(database, "acme", "cmd_3.reserved") for _ in range(8)))) == [False] * 7 + [True]


async def test_what_was_not_applied_was_not_heard(database: Database) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        await hear_and_die(database)
    assert await heard(database, "acme", "cmd_4.reserved")


async def hear_and_die(database: Database) -> None:
    async with database.tx() as tx:
        assert await inbox.first_time(tx, "acme", "cmd_4.reserved")
        raise RuntimeError("killed")
