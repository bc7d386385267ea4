"""Writes and reads the books."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, literal, select, union_all

from hub.ledger.recipes import Posting
from hub.ledger.tables import postings, transactions
from hub.runtime.database import Tx


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One posting as it stands in the books."""

    transaction_id: str
    kind: str
    at: datetime
    source: str
    destination: str
    amount: int
    currency: str


async def post(tx: Tx, kind: str, *, order_id: str, cause: str, moves: Sequence[Posting]) -> str:
    """Write one transaction. Raises `IntegrityError` if `kind` was posted for this `cause` before."""
    transaction_id = tx.ids.new("txn")
    await tx.execute(insert(transactions).values(id=transaction_id, kind=kind, order_id=order_id, cause=cause))
    rows: list[dict[str, Any]] = [{"transaction_id": transaction_id, **msgspec.structs.asdict(move)} for move in moves]
    if rows:
        await tx.execute(insert(postings), rows)
    return transaction_id


async def of_order(tx: Tx, order_id: str) -> list[Entry]:
    """Every posting of an order, oldest first."""
    t, p = transactions.c, postings.c
    query = (
        select(t.id.label("transaction_id"), t.kind, t.at, p.source, p.destination, p.amount, p.currency)
        .join_from(transactions, postings)
        .where(t.order_id == order_id)
        .order_by(p.id)
    )
    return await tx.all(query, Entry)


async def balance(tx: Tx, account: str, currency: str) -> int:
    """What an account holds, in minor units: what came in less what went out."""
    p = postings.c
    into = select(p.amount.label("amount")).where(p.destination == account, p.currency == currency)
    out = select((-p.amount).label("amount")).where(p.source == account, p.currency == currency)
    both = union_all(into, out).subquery()
    return int(await tx.scalar(select(func.coalesce(func.sum(both.c.amount), literal(0)))))
