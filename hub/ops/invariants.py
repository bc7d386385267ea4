"""Checks the laws: all of them over everything, or every few minutes over what was touched lately."""

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from hub.letters.keep import Given, keep
from hub.ops.laws import LAWS
from hub.runtime.database import Database, Tx
from hub.runtime.life import timeline

__all__ = ["LAWS", "Breach", "check", "check_lately", "watch"]

SHOWN_MAX = 20
LATELY = timedelta(minutes=15)
"""What production's check looks back on: longer than its pause, so that nothing falls between two."""
ORDERS_AT_ONCE = 500
SOURCE = "law"


class Breach(msgspec.Struct, frozen=True):
    """One row that breaks a law."""

    law: str
    says: str
    facts: dict[str, Any]


async def check(tx: Tx, *, settled: bool = False) -> list[Breach]:
    """Every breach, at most `SHOWN_MAX` of each law; `settled` adds the laws of a world at rest. It reads everything."""
    await tx.execute(text("SET LOCAL transaction_timeout = 0"))  # it takes as long as it takes, and locks nothing
    breaches: list[Breach] = []
    for law in LAWS:
        if settled or not law.settled:
            breaches += [Breach(law.name, law.says, facts) for facts in await _found(tx, law.everywhere, {})]
    return breaches


async def check_lately(tx: Tx, orders: list[str]) -> list[Breach]:
    """The laws as far as they concern these orders, and those that an index answers; what reads everything is left out."""
    breaches: list[Breach] = []
    for law in LAWS:
        if law.lately is not None:
            values = {"orders": orders} if law.narrow else {}
            breaches += [Breach(law.name, law.says, facts) for facts in await _found(tx, law.lately, values)]
    return breaches


async def watch(database: Database, lately: timedelta = LATELY) -> list[Breach]:
    """Check what was touched lately, some orders at a time, and keep each new breach as a dead letter; the breaches."""
    async with database.reading() as tx:
        orders = await _touched(tx, lately)
    breaches: dict[str, Breach] = {}
    for start in range(0, max(1, len(orders)), ORDERS_AT_ONCE):
        async with database.reading() as tx:
            found = await check_lately(tx, orders[start : start + ORDERS_AT_ONCE])
        breaches |= {_identity(breach): breach for breach in found}
    for identity, breach in breaches.items():
        async with database.tx() as tx:
            await keep(tx, _letter(identity, breach))
    return list(breaches.values())


async def _touched(tx: Tx, lately: timedelta) -> list[str]:
    """Ids of what has changed, orders among them: others match nothing."""
    since = func.now() - lately
    return [row.saga_id for row in await tx.rows(select(timeline.c.saga_id).where(timeline.c.at >= since).distinct())]


async def _found(tx: Tx, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    rows = await tx.mappings(text(f"SELECT * FROM ({query}) found LIMIT {SHOWN_MAX}").bindparams(**values))
    return [{key: str(value) for key, value in row.items()} for row in rows]


def _identity(breach: Breach) -> str:
    facts = msgspec.json.encode(breach.facts, order="sorted")
    return f"{SOURCE}:{breach.law}:{hashlib.sha256(facts).hexdigest()[:32]}"


def _letter(identity: str, breach: Breach) -> Given:
    return Given(
        source=SOURCE,
        identity=identity,
        target="@hub",
        kind=breach.law,
        reason=breach.law,
        detail=f"broken: {breach.says}",
        headers={},
        payload=msgspec.json.encode(breach.facts).decode(),
        saga_id=breach.facts.get("order_id"),
    )
