"""The ledger and the timeline are only ever written to at the end, whoever asks."""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.ledger import recipes
from hub.ledger import store as ledger
from hub.ledger.recipes import COMMISSION, Posting, Share
from hub.runtime import life
from hub.runtime.database import Database
from hub.runtime.life import Move

CLEARING = recipes.clearing("stripe")
TABLES = ("ledger_transactions", "ledger_postings", "timeline")


@pytest_asyncio.fixture(scope="module", autouse=True)
async def _something_written(database: Database) -> None:
    share = Share(vendor="acme", sub_order_id="sub_1", paid=1490, discount=0, share=1390, commission=100, tax=0)
    async with database.tx() as tx:
        await ledger.post(tx, "capture", order_id="ord_1", cause="cmd_1", moves=recipes.capture("stripe", "ord_1", 1490, 68, "EUR"))
        await ledger.post(tx, "allocate", order_id="ord_1", cause="cmd_1", moves=recipes.allocate("ord_1", [share], "EUR"))
        life.record(tx, Move(life="order", subject_id="ord_1", saga_id="ord_1", event="born", before=None, after="placed"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
async def test_what_is_written_stays(database: Database, table: str, statement: str) -> None:
    column = "life" if table == "timeline" else "id" if table == "ledger_transactions" else "amount"
    with pytest.raises(DBAPIError, match="is append-only") as refused:
        await run(database, statement.format(table, column))
    assert getattr(refused.value.orig, "sqlstate", "") == "23001"
    async with database.reading() as tx:
        assert await tx.scalar(text(f"SELECT count(*) FROM {table}")) > 0


async def run(database: Database, statement: str) -> None:
    async with database.tx() as tx:
        await tx.execute(text(statement))


async def test_the_books_are_read_as_they_were_written(database: Database) -> None:
    async with database.reading() as tx:
        entries = await ledger.of_order(tx, "ord_1")
        assert [(entry.kind, entry.source, entry.destination, entry.amount) for entry in entries] == [
            ("capture", CLEARING, "order:ord_1", 1490),
            ("capture", "processing_fees", CLEARING, 68),
            ("allocate", "order:ord_1", "held:acme:sub_1", 1390),
            ("allocate", "order:ord_1", COMMISSION, 100),
        ]
        accounts = ("order:ord_1", "held:acme:sub_1", COMMISSION, CLEARING, "nobody")
        assert [await ledger.balance(tx, account, "EUR") for account in accounts] == [0, 1390, 100, -1422, 0]
        assert await ledger.balance(tx, COMMISSION, "USD") == 0


async def test_nothing_is_posted_twice_for_one_cause(database: Database) -> None:
    with pytest.raises(IntegrityError, match="uq_ledger_transactions_kind_cause"):
        await post(database, "capture", "cmd_1", Posting(CLEARING, "order:ord_1", 1490, "EUR"))


@pytest.mark.parametrize(
    ("move", "broken"),
    [
        (Posting(CLEARING, "order:ord_1", 0, "EUR"), "amount_positive"),
        (Posting(CLEARING, "order:ord_1", -5, "EUR"), "amount_positive"),
        (Posting(CLEARING, CLEARING, 5, "EUR"), "two_accounts"),
        (Posting(CLEARING, "order:ord_1", 5, "euro"), "currency"),
    ],
)
async def test_what_is_no_movement_is_no_posting(database: Database, move: Posting, broken: str) -> None:
    with pytest.raises(IntegrityError, match=f"ck_ledger_postings_{broken}"):
        await post(database, "strange", broken, move)


async def post(database: Database, kind: str, cause: str, move: Posting) -> None:
    async with database.tx() as tx:
        await ledger.post(tx, kind, order_id="ord_1", cause=cause, moves=[move])


def test_these_are_all_the_tables_that_the_migrations_protect() -> None:
    versions = Path(__file__).resolve().parents[2] / "migrations" / "versions"
    said = "".join(path.read_text() for path in versions.glob("*.py"))
    assert set(re.findall(r'"(\w+)"', re.findall(r"APPEND_ONLY = \(([^)]*)\)", said)[0])) == set(TABLES)
