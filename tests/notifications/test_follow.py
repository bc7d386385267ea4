"""The timeline is followed without loss, whatever commits late, dies, or stands in the way."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.notifications.follow import Cursor, follow, next_cursor
from hub.runtime.life import Move, record
from tests.notifications.desk import Desk


def changes(desk: Desk) -> list[str]:
    return [message.json["data"]["change"] for message in desk.receiver.came]


async def test_what_commits_late_with_a_smaller_number_is_not_passed_over(desk: Desk) -> None:
    await desk.endpoint()
    database = desk.api.wiring.database
    late = database.tx()
    tx = await late.__aenter__()
    await tx.execute(text("UPDATE vendors SET version = version + 1 WHERE code = 'acme'"))
    record(tx, Move(life="vendor", subject_id="acme", saga_id="acme", event="suspend", before="active", after="suspended"))
    await tx.finish()  # its number is drawn
    tx.before_commit.clear()
    for _ in range(3):
        async with database.tx() as quick:
            await quick.execute(text("UPDATE webhook_endpoints SET description = description"))
            record(quick, Move(life="vendor", subject_id="acme", saga_id="acme", event="terms", before="active", after="active"))
        for _ in range(3):
            await follow(database)
    assert await desk.deliveries() == [], "they wait for the one before them"
    await late.__aexit__(None, None, None)
    await desk.deliver()
    assert changes(desk) == ["suspend", "terms", "terms", "terms"]


async def test_numbers_that_are_never_committed_stop_nothing(desk: Desk) -> None:
    await desk.endpoint()
    database = desk.api.wiring.database
    lost = database.tx()
    tx = await lost.__aenter__()
    await tx.execute(text("UPDATE vendors SET version = version + 1 WHERE code = 'acme'"))
    record(tx, Move(life="vendor", subject_id="acme", saga_id="acme", event="suspend", before="active", after="suspended"))
    await tx.finish()
    await lost.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
    await desk.happen("terms")
    await desk.deliver()
    assert changes(desk) == ["terms"]


async def test_many_writers_and_several_followers_make_each_event_once(desk: Desk) -> None:
    await desk.endpoint()
    writing = True

    async def write(number: int) -> None:
        for _ in range(30):
            async with desk.api.wiring.database.tx() as tx:
                await tx.execute(text("SELECT pg_current_xact_id()"))
                record(tx, Move(life="vendor", subject_id="acme", saga_id=f"s{number}", event="terms", before="active", after="active"))
                await tx.finish()
                tx.before_commit.clear()
                await asyncio.sleep(0.001 * (number % 4))

    async def keep_following() -> None:
        while writing:
            await follow(desk.api.wiring.database)
            await asyncio.sleep(0.002)

    followers = [asyncio.create_task(keep_following()) for _ in range(2)]
    await asyncio.gather(*(write(number) for number in range(5)))
    writing = False
    await asyncio.gather(*followers)
    await desk.follow()
    assert await desk.scalar("SELECT count(*) FROM webhook_deliveries") == 150
    assert await desk.scalar("SELECT count(DISTINCT position) FROM webhook_deliveries") == 150


async def test_a_follower_that_dies_has_neither_moved_on_nor_told(desk: Desk) -> None:
    await desk.endpoint()
    await desk.happen("terms")
    await desk.sql("ALTER TABLE webhook_deliveries ADD CONSTRAINT broken CHECK (type <> 'vendor.updated') NOT VALID")
    with pytest.raises(IntegrityError, match="broken"):
        await desk.follow()
    assert await desk.scalar("SELECT count(*) FROM webhook_events") == 0
    await desk.sql("ALTER TABLE webhook_deliveries DROP CONSTRAINT broken")
    await desk.deliver()
    assert changes(desk) == ["terms"]


async def test_a_copy_of_the_database_in_a_younger_cluster_goes_on(desk: Desk) -> None:
    await desk.endpoint()
    await desk.sql("UPDATE webhook_cursors SET seen_xid = 4611686018427387904")
    await desk.happen("terms")
    await desk.deliver()
    assert changes(desk) == ["terms"]


def test_the_cursor_never_goes_back_and_never_beyond_what_was_seen() -> None:
    at = Cursor(seq=10, seen_seq=20, seen_xid=5, xid=9)
    assert next_cursor(at, 30, None) == Cursor(seq=20, seen_seq=30, seen_xid=9, xid=9)
    assert next_cursor(at, 30, 15) == Cursor(seq=15, seen_seq=20, seen_xid=5, xid=9)
    assert next_cursor(at, 3, None).seen_seq == 20
