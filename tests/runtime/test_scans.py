"""No order costs more because there were many before: whatever an order's life asks of PostgreSQL it finds by an index."""

import re
from collections.abc import AsyncGenerator
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
SCAN = re.compile(r"Seq Scan on (\w+)")


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
            await asks.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            found = {each: await self._scanned(asks, each) for each in sorted(self.statements) if _reads(each)}
        finally:
            await asks.close()
        return {statement: tables for statement, tables in found.items() if tables}

    @staticmethod
    async def _scanned(asks: Any, statement: str) -> set[str]:
        values = max(map(int, re.findall(r"\$(\d+)", statement)), default=0)
        await asks.execute(f"PREPARE asked AS {statement}")
        plan = await asks.fetch("EXPLAIN EXECUTE asked" + (f"({','.join(['NULL'] * values)})" if values else ""))
        await asks.execute("DEALLOCATE asked")
        return {name for row in plan for name in SCAN.findall(row[0])} - FEW


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


async def test_such_a_statement_would_be_found(shop: tuple[Shop, Heard]) -> None:
    opened, heard = shop
    statement = text("SELECT sum(amount) FROM transfers WHERE charge = :charge")
    async with opened.wiring.database.reading() as tx:
        for _ in range(2):
            await tx.rows(statement, {"charge": "ch_1"})
    assert [*(await heard.whole_tables()).values()] == [{"transfers"}]


@pytest.mark.parametrize("statement", ["BEGIN", "SET LOCAL lock_timeout = 1", "SELECT 1 FROM pg_locks"])
def test_what_reads_no_table_of_ours_is_passed_over(statement: str) -> None:
    assert not _reads(statement)
