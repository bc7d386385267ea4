"""The checks of the end can fail: each names what is wrong."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest_asyncio

from hub.replay.check_books import check_books, check_laws, check_orders, check_stock
from hub.replay.check_trouble import check_trouble, counts
from hub.replay.check_vendors import check_vendors
from hub.replay.expected import Expected
from hub.replay.files import Good, Recorded, Shop
from hub.replay.trouble import Kind, Trouble
from hub.replay.verdict import Verdict, amount, count, no_exceptions
from hub.runtime.database import Database, Tx
from spokes.dummy.warehouse import SCHEMA

EXPECTED = Expected(captured=1_000, commission=100, shares={"a": 900}, sub_orders=1, units=2)
RIGHT = ["reserve", "submit", "ship"]


def broken(verdicts: list[Verdict]) -> set[str]:
    return {verdict.law for verdict in verdicts if not verdict.holds}


def test_a_verdict_holds_only_if_both_are_the_same():
    assert [v.holds for v in (amount("m", 5, 5), amount("m", 5, 6), count("n", 1, 2), no_exceptions("x", []))] == [True, False, False, True]
    assert no_exceptions("x", range(9)) == Verdict("x", "none", "9: 0; 1; 2")


def store(folder: Path, effects: list[str], *, state: str = "shipped", vendor: str = "v-a") -> Path:
    """A vendor's system that did `effects`, each by a command of its own name."""
    with closing(sqlite3.connect(folder / "dummy.sqlite")) as connection, connection:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO holding VALUES (?, 'sub_1', 'sku', 2, ?, NULL)", (vendor, state))
        rows = [(vendor, f"cmd_{verb}", verb, "sub_1", 0.0) for verb in effects]
        connection.executemany("INSERT INTO effects (vendor, command_id, verb, sub_order_id, at) VALUES (?, ?, ?, ?, ?)", rows)
    return folder


def test_vendors_that_did_everything_once_are_right(tmp_path: Path):
    assert broken(check_vendors(store(tmp_path, RIGHT), EXPECTED)) == set()


def test_a_command_done_twice_is_seen(tmp_path: Path):
    assert "a command that a vendor's system did twice" in broken(check_vendors(store(tmp_path, [*RIGHT, "ship"]), EXPECTED))


def test_a_command_never_done_is_seen(tmp_path: Path):
    assert broken(check_vendors(store(tmp_path, ["reserve", "submit"]), EXPECTED)) == {"sub-orders that vendors did ship"}


def test_stock_kept_for_nobody_is_seen(tmp_path: Path):
    laws = broken(check_vendors(store(tmp_path, RIGHT, state="reserved"), EXPECTED))
    assert laws == {"units that a vendor still sets aside", "units that vendors sent"}


def test_an_undo_is_seen(tmp_path: Path):
    assert broken(check_vendors(store(tmp_path, [*RIGHT, "release"]), EXPECTED)) == {"anything else that vendors did"}


def test_no_files_at_all_are_seen(tmp_path: Path):
    assert "units that vendors sent" in broken(check_vendors(tmp_path, EXPECTED))


@pytest_asyncio.fixture(scope="module")
async def nothing(database_url: str) -> AsyncIterator[Tx]:
    """A hub in which nothing has happened."""
    database = Database(database_url, pool_size=1)
    async with database.reading() as tx:
        yield tx
    await database.close()


async def test_books_without_the_money_are_seen(nothing: Tx):
    wrong = msgspec.structs.replace(EXPECTED, refunded={"o1": 50}, by_hand=20, lost=1)
    assert broken(await check_books(nothing, wrong)) == {
        "captured in the books",
        "commission in the books",
        "transferred to vendors, less reversed, less their debts",
        "refunded to buyers in the books",
        "of that by hand from our own bank",
        "fees for disputes in the books",
    }


async def test_an_order_that_is_not_there_is_seen(nothing: Tx):
    order = Recorded("o1", {Good("a", "p", 400, 100): 2})
    assert broken(await check_orders(nothing, [order], {"o1": "ord_1"}, {})) == {"every recorded order is an order of its own"}


async def test_troubles_that_did_not_happen_are_seen(nothing: Tx):
    order = Recorded("o1", {Good("a", "p", 400, 100): 2})
    planned = {"o1": Trouble(order=order, kind=Kind.DEBT, early=False)}
    wrong = msgspec.structs.replace(EXPECTED, refunds=1, failed=1, won=1, lost=1, borne=1)
    laws = broken(await check_trouble(nothing, await counts(nothing), wrong, planned, {}))
    assert len(laws) == 6
    assert "vendors whose debt was netted with a later share" in laws


async def test_units_that_were_not_shipped_are_seen(nothing: Tx):
    assert broken(await check_stock(nothing, [Shop("a", "x", "Y")], EXPECTED)) == {"units on hand, reserved, shipped"}


async def test_every_law_is_asked(nothing: Tx):
    verdicts = await check_laws(nothing)
    assert len(verdicts) >= 19
    assert broken(verdicts) == set()
