"""The SQLite file behind a spoke: shared, batched, and honest about failure."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from vendor_sdk.durable import Durable

SCHEMA = "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"


def add(number: int) -> Callable[[sqlite3.Connection], object]:
    return lambda db: db.execute("INSERT INTO t VALUES (?)", (number,))


async def numbers(durable: Durable) -> list[int]:
    return await durable.do(lambda db: [row[0] for row in db.execute("SELECT n FROM t ORDER BY n")])


async def test_one_failure_in_a_batch_harms_no_other(tmp_path: Path) -> None:
    durable = await Durable.open(tmp_path / "f", SCHEMA)
    results = await asyncio.gather(*(durable.do(add(n)) for n in (1, 2, 2, 3)), return_exceptions=True)
    assert [isinstance(result, sqlite3.IntegrityError) for result in results] == [False, False, True, False]
    assert await numbers(durable) == [1, 2, 3]
    await durable.close()


async def test_a_failed_change_is_undone_whole(tmp_path: Path) -> None:
    durable = await Durable.open(tmp_path / "f", SCHEMA)

    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO t VALUES (1)")
        raise ValueError("half done")

    with pytest.raises(ValueError, match="half done"):
        await durable.do(half)
    assert await numbers(durable) == []
    await durable.close()


async def test_two_users_share_one_file_and_the_last_closes_it(tmp_path: Path) -> None:
    one, two = await Durable.open(tmp_path / "f", SCHEMA), await Durable.open(tmp_path / "x" / ".." / "f", SCHEMA)
    assert one is two
    await one.close()
    await two.do(add(1))
    await two.close()
    again = await Durable.open(tmp_path / "f", SCHEMA)
    assert again is not one
    assert await numbers(again) == [1]
    await again.close()


async def test_what_comes_after_the_last_has_closed_it_is_refused(tmp_path: Path) -> None:
    durable = await Durable.open(tmp_path / "f", SCHEMA)
    await durable.close()
    with pytest.raises(sqlite3.ProgrammingError, match="f is closed"):
        await asyncio.wait_for(durable.do(add(1)), 10)


async def test_it_is_on_the_disk_when_it_says_so(tmp_path: Path) -> None:
    durable = await Durable.open(tmp_path / "f", SCHEMA)
    await durable.do(add(7))
    other = sqlite3.connect(tmp_path / "f")
    assert other.execute("SELECT n FROM t").fetchall() == [(7,)]
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    assert await durable.do(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) == 2
    await durable.close()


async def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"this is no database at all, not in the least" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        await Durable.open(tmp_path / "f", SCHEMA)
    (tmp_path / "f").unlink()
    durable = await Durable.open(tmp_path / "f", SCHEMA)
    await durable.close()


async def test_another_process_may_use_the_file_too(tmp_path: Path) -> None:
    durable = await Durable.open(tmp_path / "f", SCHEMA)
    other = sqlite3.connect(tmp_path / "f", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO t VALUES (1)")
    waiting = asyncio.ensure_future(durable.do(add(2)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await waiting
    assert await numbers(durable) == [1, 2]
    await durable.close()
