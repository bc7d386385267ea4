"""No order costs more because there were many before: whatever an order's life asks of PostgreSQL it finds by an index."""

import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import make_url

from hub.payouts.plan import plan_payouts
from hub.refunds.model import Asked
from tests.conftest import MakeDatabase
from tests.refunds.crossing import ask_for
from tests.shop import Shop, open_shop

FEW = {"vendors", "vendor_shipping_options", "vendor_liveness", "vendor_promises", "gateway_health", "webhook_endpoints"}
"""Tables that have a row or a few for each vendor, provider or endpoint, however many orders there are."""
THRIFTY = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan"
"""So that PostgreSQL plans for few of many rows, though there are few in all."""
PARTIAL = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indpred IS NOT NULL"
"""Indexes of some rows of a table: of what is under way."""


class Heard:
    """Every statement that PostgreSQL was told."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.statements: set[str] = set()

    def listen(self, engine: Engine) -> None:
        """To what connections are told from now on, but for what is told for the first time: SQLAlchemy says that by itself."""
        event.listen(engine, "connect", self._opened)

    def _opened(self, connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(self._note)

    def _note(self, record: Any) -> None:
        self.statements.add(record.query)

    async def whole_tables(self) -> dict[str, set[str]]:
        """By statement the tables that it can only read from end to end: PostgreSQL avoids that wherever there is another way."""
        url = make_url(self.database).set(drivername="postgresql").render_as_string(hide_password=False)
        asks: Any = await asyncpg.connect(url, statement_cache_size=0)  # pyright: ignore[reportUnknownVariableType]  # asyncpg has no types
        try:
            return await self._whole_tables(asks)
        finally:
            await asks.close()

    async def _whole_tables(self, asks: Any) -> dict[str, set[str]]:
        await asks.execute(THRIFTY)
        partial = {str(row[0]) for row in await asks.fetch(PARTIAL)}
        found = {each: await self._scanned(asks, each, partial) for each in sorted(self.statements) if _reads(each)}
        return {statement: tables for statement, tables in found.items() if tables}

    @staticmethod
    async def _scanned(asks: Any, statement: str, partial: set[str]) -> set[str]:
        values = max(map(int, re.findall(r"\$(\d+)", statement)), default=0)
        await asks.execute(f"PREPARE asked AS {statement}")
        found = await asks.fetchval("EXPLAIN (FORMAT JSON) EXECUTE asked" + (f"({','.join(['NULL'] * values)})" if values else ""))
        await asks.execute("DEALLOCATE asked")
        return set(_whole(json.loads(found)[0]["Plan"], partial)) - FEW


def _whole(plan: dict[str, Any], partial: set[str], *, few: bool = False) -> Iterator[str]:
    """Tables that a plan reads from end to end: row by row, or by an index without asking it for anything, unless it stops soon."""
    few = few or plan["Node Type"] == "Limit"
    indexed = "Index Cond" in plan or few or plan.get("Index Name") in partial
    if plan["Node Type"] == "Seq Scan" or (plan["Node Type"] in {"Index Scan", "Index Only Scan"} and not indexed):
        yield plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from _whole(part, partial, few=few)


def _reads(statement: str) -> bool:
    return statement.lstrip().startswith(("WITH", "SELECT", "INSERT", "UPDATE", "DELETE")) and "pg_" not in statement


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase) -> AsyncGenerator[tuple[Shop, Heard]]:
    """A shop, and all that is said to its database."""
    database = await fresh_database()
    opened, heard = await open_shop(database, "acme", "bolt"), Heard(database)
    heard.listen(opened.wiring.database.engine.sync_engine)
    await opened.wiring.database.engine.dispose()  # those that were opened before nobody listens to
    yield opened, heard
    await opened.close()


async def live(shop: Shop) -> None:
    """Orders that are delivered, refunded, disputed, canceled and declined, and vendors who are paid out."""
    order = await shop.paid(("acme", "mug", 1000, 3), ("bolt", "cup", 700, 1))
    await shop.deliver(order.id)
    await ask_for(shop, order, Asked(line_id=order.sub_orders[0].lines[0].id, quantity=1))
    await shop.run()
    charged = await shop.deliver((await shop.paid(("bolt", "cup", 700, 2))).id)
    reference = await shop.dispute(charged.id)
    await shop.run()
    await shop.close_dispute(reference, "lost")
    await shop.run()
    await shop.cancel(await shop.place(("acme", "mug", 1000, 1)))
    await shop.paid(("acme", "mug", 1000, 1), ("bolt", "cup", 700, 1), decline=["bolt"])
    await shop.fund(100_000)
    await plan_payouts(shop.wiring.database, shop.gateways, shop.wiring.timing.marketplace)
    await shop.run()


async def test_no_statement_of_a_life_reads_a_table_that_grows_from_end_to_end(shop: tuple[Shop, Heard]) -> None:
    opened, heard = shop
    for _ in range(2):
        await live(opened)
    assert len(heard.statements) > 100, "so many kinds of them"
    assert await heard.whole_tables() == {}


WHOLE = [
    "SELECT sum(amount) FROM transfers WHERE charge = :charge",
    "SELECT id FROM transfers WHERE charge = :charge ORDER BY id",
    "SELECT count(*) FROM transfers WHERE charge <> :charge",
]


async def test_such_statements_would_be_found(shop: tuple[Shop, Heard]) -> None:
    opened, heard = shop
    async with opened.wiring.database.reading() as tx:
        for statement in map(text, WHOLE):
            for _ in range(2):
                await tx.rows(statement, {"charge": "ch_1"})
    assert [*(await heard.whole_tables()).values()] == [{"transfers"}] * len(WHOLE)


@pytest.mark.parametrize("statement", ["BEGIN", "SET LOCAL lock_timeout = 1", "SELECT 1 FROM pg_locks"])
def test_what_reads_no_table_of_ours_is_passed_over(statement: str) -> None:
    assert not _reads(statement)
