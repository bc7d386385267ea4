"""Orders that were sold before discounts and pieces: their commission is split over the lines to the cent, there and back."""

import asyncio
from typing import Any

from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub import migrate
from tests.conftest import MakeDatabase

BEFORE = """
    INSERT INTO vendors (code, name, country, state, capabilities, spoke_config) VALUES ('acme', 'Acme', 'DE', 'active', '{}', '{}');
    INSERT INTO products (id, described_by, title, description, category) VALUES ('prd_1', 'acme', 'Mug', '', 'kitchen');
    INSERT INTO variants (id, product_id) VALUES ('var_1', 'prd_1');
    INSERT INTO offers (id, variant_id, vendor, sku, price, currency) VALUES ('off_1', 'var_1', 'acme', 'mug', 333, 'EUR');
    INSERT INTO orders (id, customer_id, quote_id, kind, stage, course, state, currency, total, address, payment_method, on_shortage)
        VALUES ('ord_1', 'cus_1', 'quo_1', 'physical', 'capture', 'finished', 'completed', 'EUR', 1489, '{}', 'pm_card_visa', 'partial');
    INSERT INTO sub_orders (id, order_id, number, vendor, state, shipping_option, shipping_price, goods_total, total, commission,
        commission_rule) VALUES ('sub_1', 'ord_1', 1, 'acme', 'settled', 'standard', 490, 999, 1489, 100, 'standard');
    INSERT INTO lines (id, order_id, sub_order_id, offer_id, sku, title, quantity, unit_price)
        SELECT 'line_' || n, 'ord_1', 'sub_1', 'off_1', 'mug', 'Mug', 1, 333 FROM generate_series(1, 3) AS n
"""
LINES = "SELECT id, category, commission, vendor_discount, refunded FROM lines ORDER BY id"
SUB = "SELECT total, discount, commission, commission_tax, vendor_country, vendor_bps, commission_items FROM sub_orders"


async def run(url: str, *statements: str) -> list[Any]:
    """The rows of the last statement, all of it committed."""
    engine = create_async_engine(url)
    rows: list[Any] = []
    async with engine.begin() as connection:
        for statement in statements:
            result = await connection.execute(text(statement))
            rows = [tuple(row) for row in result] if result.returns_rows else []
    await engine.dispose()
    return rows


async def to(url: str, revision: str, way: Any = command.upgrade) -> None:
    """Migrate up (or down) to a revision."""
    config = migrate._config(url)  # pyright: ignore[reportPrivateUsage]  # only tests stop halfway
    await asyncio.to_thread(way, config, revision)


async def test_there_and_back(empty_database: MakeDatabase):
    url = await empty_database()
    await to(url, "0001")
    await run(url, *BEFORE.split(";"))
    await to(url, "head")
    assert await run(url, LINES) == [("line_1", "kitchen", 34, 0, 0), ("line_2", "kitchen", 33, 0, 0), ("line_3", "kitchen", 33, 0, 0)]
    [(total, discount, commission, tax, country, own, items)] = await run(url, SUB)
    assert (total, discount, commission, tax, country, own) == (1489, 0, 100, 0, "DE", None)
    assert [(item["piece"], item["rule"], item["charged"]) for item in items] == [
        ("line_1", "standard", 34),
        ("line_2", "standard", 33),
        ("line_3", "standard", 33),
    ]
    await to(url, "0001", command.downgrade)
    found = await run(url, "SELECT goods_total, shipping_price, total, commission, commission_rule FROM sub_orders")
    assert found == [(999, 490, 1489, 100, "standard")]
