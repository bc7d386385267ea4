"""A small world at rest in which every law holds: one order of two vendors, partly refunded and taken back."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text

from hub.runtime import life
from hub.runtime.database import Database
from hub.runtime.life import Move
from tests.ledger.told import tell

ROWS = (
    """
    INSERT INTO orders (id, customer_id, quote_id, kind, stage, course, state, currency, total, address, payment_method, on_shortage)
    VALUES ('ord_1', 'cus_1', 'q_1', 'standard', 'done', 'finished', 'completed', 'EUR', 13000, '{}', 'pm', 'partial')
    """,
    """
    INSERT INTO sub_orders (id, order_id, number, vendor, state, shipping_option, shipping_price, goods_total, discount, platform_discount,
        total, commission, commission_tax)
    VALUES ('sub_1', 'ord_1', 1, 'a', 'settled', 'standard', 0, 10500, 500, 500, 10000, 1260, 240),
           ('sub_2', 'ord_1', 2, 'a-b', 'settled', 'standard', 0, 3000, 0, 0, 3000, 300, 0),
           ('sub_3', 'ord_1', 3, 'c', 'declined', 'standard', 0, 700, 0, 0, 700, 70, 0)
    """,
    """
    INSERT INTO lines (id, order_id, sub_order_id, offer_id, sku, title, quantity, unit_price, platform_discount, commission,
        commission_tax, refunded)
    VALUES ('ln_1', 'ord_1', 'sub_1', 'off_1', 'mug', 'Mug', 1, 10500, 500, 1260, 240, 4200),
           ('ln_2', 'ord_1', 'sub_2', 'off_2', 'pan', 'Pan', 3, 1000, 0, 300, 0, 0),
           ('ln_3', 'ord_1', 'sub_3', 'off_3', 'cup', 'Cup', 1, 700, 0, 70, 0, 0)
    """,
    """
    INSERT INTO payments (id, order_id, state, gateway, method, currency, amount, captured, fee, reference, charge)
    VALUES ('pay_1', 'ord_1', 'captured', 'stripe', 'pm', 'EUR', 13700, 13000, 400, 'pi_1', 'ch_1')
    """,
    """
    INSERT INTO transfers (id, kind, order_id, sub_order_id, saga_id, vendor, state, amount, reversed, currency, account, charge,
        reference, hold_until)
    VALUES ('trf_1', 'share', 'ord_1', 'sub_1', 'ord_1', 'a', 'transferred', 8100, 2000, 'EUR', 'acct_1', 'ch_1', 'tr_1', now()),
           ('trf_2', 'reserve', 'ord_1', 'sub_1', 'ord_1', 'a', 'empty', 0, 0, 'EUR', NULL, NULL, NULL, now()),
           ('trf_3', 'share', 'ord_1', 'sub_2', 'ord_1', 'a-b', 'held', 0, 0, 'EUR', NULL, NULL, NULL, now())
    """,
    """
    INSERT INTO refunds (id, order_id, payment_id, sub_order_id, vendor, state, amount, discount, share, commission, tax, from_held,
        from_reserve, from_reversal, from_debt, currency, reference)
    VALUES ('ref_1', 'ord_1', 'pay_1', 'sub_1', 'a', 'succeeded', 4000, 200, 3600, 504, 96, 0, 900, 2000, 700, 'EUR', 're_1')
    """,
    """
    INSERT INTO reversals (id, order_id, refund_id, transfer_id, vendor, state, amount, currency, reference)
    VALUES ('rev_1', 'ord_1', 'ref_1', 'trf_1', 'a', 'reversed', 2000, 'EUR', 'trr_1'),
           ('rev_2', 'ord_1', 'ref_1', 'trf_1', 'a', 'refused', 700, 'EUR', NULL)
    """,
)


@pytest_asyncio.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[Database]:
    """The module's database with that world in it."""
    database = Database(database_url, pool_size=4)
    async with database.tx() as tx:
        for statement in ROWS:
            await tx.execute(text(statement))
        life.record(tx, Move(life="order", subject_id="ord_1", saga_id="ord_1", event="born", before=None, after="placed"))
    await tell(database)
    yield database
    await database.close()
