"""Multiplies a placed order: all rows that speak of it, in all tables, with ids of their own, as if there had been many."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hub.replay.open_shops import each
from hub.wiring import tables
from tests.bench.loading import CONNECTIONS, loading

OWN = re.compile(r"\b(ord|sub|line|pay|cmd|quo|cart)_[0-9a-z]{20}([0-9a-z]{6})\b")
"""Ids of what belongs to one order alone. A copy's keep the kind and the last of their chance, and count in between."""
AT_ONCE = 100_000
"""Orders copied by one statement."""
_COLUMNS = text(
    "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = CAST(:table AS regclass)"
    " AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = '' ORDER BY attnum"
)
_PROMISE = text(
    "UPDATE stock s SET reserved = reserved + l.units * :count, received = received + l.units * :count FROM"
    " (SELECT offer_id, sum(quantity) AS units FROM lines WHERE order_id = :order GROUP BY 1) l WHERE s.offer_id = l.offer_id"
)
_ABOUT = text("SELECT cart_id, q.id AS quote_id FROM orders o JOIN quotes q ON q.id = o.quote_id WHERE o.id = :order")


class Model(msgspec.Struct, frozen=True):
    """One row as an INSERT of as many copies as `{first}` to `{last}` count."""

    table: str
    insert: str


async def multiply(url: str, order: str, count: int) -> None:
    """So many copies of `order`, and the stock promised to them."""
    models = await _models(url, order)
    by_table = {name: [model.insert for model in models if model.table == name] for name in {model.table for model in models}}

    async def fill(table: str) -> None:
        async with loading(url, [table]) as connection:
            for start in range(1, count + 1, AT_ONCE):
                for insert in by_table[table]:
                    await connection.exec_driver_sql(insert.format(first=start, last=min(start + AT_ONCE - 1, count)))

    await each(sorted(by_table, key=lambda table: -len(by_table[table])), fill, CONNECTIONS)
    async with loading(url, ["stock"]) as connection:
        await connection.execute(_PROMISE, {"order": order, "count": count})


async def _models(url: str, order: str) -> list[Model]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            about = (await connection.execute(_ABOUT, {"order": order})).one()
            known = [order, about.quote_id, about.cart_id]
            return [model for table in tables().sorted_tables for model in await _of_table(connection, table.name, known)]
    finally:
        await engine.dispose()


async def _of_table(connection: AsyncConnection, table: str, known: Sequence[str]) -> list[Model]:
    """An INSERT for each of the table's rows in which one of the ids stands."""
    columns = (await connection.execute(_COLUMNS, {"table": table})).all()
    shown = ", ".join(f'"{column.name}"::text' for column in columns)
    found = text(f"SELECT {shown} FROM {table} t WHERE to_jsonb(t)::text LIKE ANY(CAST(:known AS text[]))")
    rows = (await connection.execute(found, {"known": [f"%{id_}%" for id_ in known]})).all()
    names = ", ".join(f'"{column.name}"' for column in columns)
    return [Model(table, f"INSERT INTO {table} ({names}) SELECT {_values(row, columns)} FROM {_NUMBERS}") for row in rows]


_NUMBERS = "(SELECT lpad(n::text, 20, '0') AS i FROM generate_series({first}, {last}) n) numbers"


def _values(row: Sequence[Any], columns: Sequence[Any]) -> str:
    return ", ".join("NULL" if value is None else f"({_copied(value)})::{column.type}" for value, column in zip(row, columns, strict=True))


def _copied(value: str) -> str:
    """A value as an expression in which its own ids are counted; braces doubled, for numbers are put in later."""
    parts = OWN.split(value)
    pieces = [_literal(parts[0])]
    for kind, chance, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces.append(f"'{kind}_' || i || '{chance}'")
        pieces.append(_literal(rest))
    return " || ".join(piece for piece in pieces if piece != "''") or "''"


def _literal(value: str) -> str:
    doubled = value.replace("'", "''").replace("{", "{{").replace("}", "}}")
    return f"'{doubled}'"
