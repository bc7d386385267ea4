"""The in-memory database against the real one: the same trade on both leaves the same rows, and PostgreSQL takes them all."""

import json
import re
import time
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
from sqlalchemy import Table, select, update

from hub.gateways.bank.gateway import BankGateway
from hub.kernel.ids import Ids
from hub.payments.tables import payments
from hub.refunds import ask
from hub.refunds.model import Asked
from hub.runtime.database import Database
from hub.runtime.steps import steps
from hub.simulation.nature import Nature
from hub.simulation.postgres.server import Memory, SimulatedDatabase
from hub.simulation.process import Process
from hub.webhooks.tables import provider_cursors, provider_events
from hub.wiring import bank_account, tables
from hub.worker import provider
from hub.worker.dispatch import Dispatcher
from tests.sandbox.controls import turn
from tests.shop import Shop, open_shop

MINE = (steps.c.state == "open", steps.c.target == "@hub", ~steps.c.waiting)


class CoreShop(Shop):
    """The shop whose own hand on the tables is SQLAlchemy's too."""

    def dispatch_by(self, dispatcher: Dispatcher) -> None:
        """Its steps go this way."""
        self._dispatcher = dispatcher

    async def _open(self) -> list[tuple[str, str]]:
        async with self.wiring.database.reading() as tx:
            found = select(steps.c.id, steps.c.kind).where(steps.c.state == "open", steps.c.target == "@hub").order_by(steps.c.id)
            return [(row.id, row.kind) for row in await tx.rows(found)]

    async def _round(self) -> None:
        past = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
        async with self.wiring.database.tx() as tx:
            for number, row in enumerate(await tx.rows(select(steps.c.id).where(*MINE).order_by(steps.c.id))):
                await tx.execute(update(steps).where(steps.c.id == row.id).values(due_at=past + timedelta(seconds=number)))
        await self._dispatcher.once()
        await self._dispatcher.idle()

    async def dispute(self, order_id: str, **how: Any) -> str:
        async with self.wiring.database.reading() as tx:
            charge = await tx.scalar(select(payments.c.charge).where(payments.c.order_id == order_id))
        made = await turn(self.app, f"charges/{charge}/dispute", how)
        await self.hear()
        return str(made["id"])

    async def hear(self) -> None:
        past = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
        async with self.wiring.database.tx() as tx:
            await tx.execute(update(provider_cursors).values(due_at=past))
        await provider.sweep_events(self.wiring, self.gateways, every=0)
        async with self.wiring.database.tx() as tx:
            await tx.execute(update(provider_events).where(provider_events.c.state.in_(["new", "parked"])).values(due_at=past))
        await provider.apply_events(self.wiring, self.gateways)
        await self.run()


OTHER = {"customers", "api_keys", "gateway_health", "provider_cursors", "webhook_cursors"}
"""Tables in which who opened the shop, or a real secret, has left something."""


async def open_core_shop(database_url: str, database: Database | None) -> CoreShop:
    """A shop over the real database, or over another."""
    shop = await open_shop(database_url, settings={"WHEELWRIGHT__WORKER__CONCURRENCY": "1"})
    wiring = shop.wiring
    if database is not None:
        await wiring.database.close()
        wiring = msgspec.structs.replace(wiring, database=database)
    dice = Random(1)  # the same ids on both
    wiring.database.ids = Ids(lambda: 1_700_000_000_000, dice.randbytes)
    gateways = {**shop.gateways, "bank": BankGateway(wiring.database, bank_account(wiring.settings))}
    made = CoreShop(wiring, shop.sandbox, shop.app, gateways, shop.buyer)
    made.dispatch_by(Dispatcher(wiring, gateways, lambda _: None))
    return made


async def trade(shop: CoreShop) -> None:
    """Of everything a little: two vendors, a decline, a cancel, refunds before and after the transfer, a dispute."""
    for code in ("acme", "bolt"):
        await shop.vendor(code)
    await shop.accounts()
    both = (("acme", "mug", 1999, 2), ("bolt", "lamp", 4500, 1))
    done = await shop.paid(*both)
    await shop.deliver(done.id)
    await shop.paid(*both, decline=["bolt"])
    canceled = await shop.place(*both)
    await shop.cancel(canceled)
    await shop.run()
    early = await shop.paid(*both)
    for order in (early, done):
        sub = order.sub_orders[0]
        asked = [Asked(line_id=sub.lines[0].id, quantity=1)]
        await shop.act(lambda tx, order=order, sub=sub, asked=asked: ask.ask_refund(tx, order.id, sub.id, asked, "damaged"))
        await shop.run()
    lost = await shop.paid(("bolt", "lamp", 4500, 1))
    dispute = await shop.dispute(lost.id)
    await shop.close_dispute(dispute, "lost")
    await shop.run()


WHAT_DIFFERS = re.compile(r"\b[a-z]+_[0-9a-f]{24}\b|00-[0-9a-f-]{50,}|[0-9a-f]{32}|\b1[78]\d{8}\b|\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")


def plain(table: Table, row: Any) -> tuple[str, ...]:
    """A row without times, and without the names that the provider and the trace give."""
    kept = (value for column, value in zip(table.columns, row, strict=True) if column.name not in {"document", "created", "key_hash"})
    return tuple(
        WHAT_DIFFERS.sub("x", json.dumps(value, sort_keys=True, default=repr)) for value in kept if not isinstance(value, datetime)
    )


class RealTime(Nature):
    """On the clock that the sandbox and the shop go by."""

    def unix(self) -> float:
        return time.time()


async def test_the_same_trade_leaves_the_same_rows(database_url: str) -> None:
    nature = RealTime(1, {})
    memory = Memory(tables(), nature)
    real = await open_core_shop(database_url, None)
    simulated = await open_core_shop(database_url, SimulatedDatabase(memory, Process(nature, "worker")))
    simulated.buyer = real.buyer
    try:
        await trade(real)
        await trade(simulated)
        for table in tables().sorted_tables:
            if table.name not in OTHER:
                async with real.wiring.database.reading() as tx:
                    there = sorted(plain(table, row) for row in await tx.rows(select(table)))
                here = sorted(plain(table, row) for row in memory.tables[table.name].rows.values())
                assert here == there, table.name
    finally:
        await real.close()
        await simulated.close()
