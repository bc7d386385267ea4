"""One order's money of two vendors, posted for real: sold, held, reserved, transferred, refunded, reversed, fined."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select

from hub.ledger import recipes as r
from hub.ledger import store as ledger
from hub.ledger.recipes import Funding, Posting, Share
from hub.runtime.database import Database

A = Share(vendor="a", sub_order_id="sub_1", paid=10_000, discount=500, share=9_000, commission=1_260, tax=240)
B = Share(vendor="a-b", sub_order_id="sub_2", paid=3_000, discount=0, share=2_700, commission=300, tax=0)
BACK = Share(vendor="a", sub_order_id="sub_1", paid=4_000, discount=200, share=3_600, commission=504, tax=96)


class Told(msgspec.Struct):
    """Moments between the parts of the story."""

    before: datetime
    sold: datetime
    sent: datetime
    ended: datetime


async def book(database: Database, kind: str, moves: Sequence[Posting], **about: str) -> None:
    """One transaction of the books in one of the database."""
    async with database.tx() as tx:
        await ledger.post(tx, kind, moves=moves, **{"cause": tx.ids.new("cmd"), "order_id": "ord_1", **about})


async def now(database: Database) -> datetime:
    async with database.reading() as tx:
        return await tx.scalar(select(func.clock_timestamp()))


async def tell(database: Database) -> Told:
    """The whole story."""
    before = await now(database)
    async with database.tx() as tx:
        for kind, moves in (
            ("capture", r.capture("stripe", "ord_1", 13_000, 400, "EUR")),
            ("allocate", r.allocate("ord_1", [A, B], "EUR")),
        ):
            await ledger.post(tx, kind, cause="cmd_capture", order_id="ord_1", reference="ch_1", moves=moves)
    sold = await now(database)
    await book(database, "release", r.release("held:a:sub_1", "a", "sub_1", netted=0, reserved=900, currency="EUR"), vendor="a")
    await book(database, "transfer", r.transfer("stripe", "held:a:sub_1", 8_100, "EUR"), vendor="a", reference="tr_1")
    sent = await now(database)
    await book(database, "reverse", r.reverse("stripe", "refund:ref_1", 2_000, "EUR"), vendor="a", reference="trr_1")
    funding = Funding(reserve=900, reversal=2_000, debt=700)
    await book(database, "gather", r.gather(BACK, funding, "refund:ref_1", "EUR"), vendor="a")
    await book(database, "refund", r.refund("stripe", "ref_1", paid=4_000, discount=200, currency="EUR"), vendor="a", reference="re_1")
    await book(database, "fine", r.adjust(r.Adjustment.FINE, "a", 150, "EUR"), vendor="a")
    return Told(before, sold, sent, await now(database))
