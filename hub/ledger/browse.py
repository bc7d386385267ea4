"""Finds accounts, postings and transactions for who reads the books, a bounded part at a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, cast, func, or_, select, tuple_, union_all

from hub.kernel.errors import NotFound
from hub.ledger.recipes import Posting
from hub.ledger.store import Balance, moves_of
from hub.ledger.tables import postings, transactions
from hub.runtime.database import Database, Tx
from hub.runtime.moments import Period

BATCH = 500
"""Transactions read at once for an export."""


class AccountPosting(msgspec.Struct, frozen=True, kw_only=True):
    """One posting of an account: `amount` in minor units is below zero where it left, `other` is where it came from or went."""

    id: int
    transaction_id: str
    kind: str
    at: datetime
    other: str
    amount: int
    currency: str
    order_id: str | None
    vendor: str | None
    reference: str | None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What was booked at once. `cause` is what it was booked for, `reference` the provider's id of the movement."""

    id: str
    kind: str
    at: datetime
    order_id: str | None
    vendor: str | None
    reference: str | None
    cause: str
    postings: list[Posting] = []


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which transactions: everything that is not None must be so."""

    period: Period | None = None
    kind: str | None = None
    vendor: str | None = None
    order_id: str | None = None
    reference: str | None = None


async def must_exist(tx: Tx, name: str) -> None:
    """Raises `NotFound` for an account that nothing was ever posted to."""
    p = postings.c
    if await tx.row(select(p.id).where(or_(p.source == name, p.destination == name)).limit(1)) is None:
        raise NotFound("unknown_account", f"nothing was ever posted to {name}")


async def account(tx: Tx, name: str, at: datetime | None) -> list[Balance]:
    """What one account holds of each currency it ever had. Raises `NotFound` for one that nothing was ever posted to."""
    await must_exist(tx, name)
    moves = moves_of(lambda found: found == name, at)
    amount = cast(func.sum(moves.c.amount), BigInteger).label("balance")
    query = select(moves.c.account, moves.c.currency, amount).group_by(moves.c.account, moves.c.currency)
    return await tx.all(query.order_by(moves.c.currency), Balance)


async def postings_of(tx: Tx, name: str, *, before: int | None, limit: int) -> list[AccountPosting]:
    """An account's postings, newest first, those before `before`."""
    p, t = postings.c, transactions.c

    def side(own: Any, other: Any, amount: Any) -> Any:
        columns = (p.id, p.transaction_id, other.label("other"), amount.label("amount"), p.currency)
        query = select(*columns).where(own == name)
        query = query if before is None else query.where(p.id < before)
        return query.order_by(p.id.desc()).limit(limit).subquery()

    both = union_all(*(select(found) for found in (side(p.source, p.destination, -p.amount), side(p.destination, p.source, p.amount))))
    moves = both.subquery()
    told = (t.kind, t.at, t.order_id, t.vendor, t.reference)
    query = select(moves, *told).join(transactions, t.id == moves.c.transaction_id)
    return await tx.all(query.order_by(moves.c.id.desc()).limit(limit), AccountPosting)


async def transaction(tx: Tx, transaction_id: str) -> Transaction:
    """One transaction with its postings. Raises `NotFound`."""
    found = await _with_postings(tx, await tx.rows(select(*_COLUMNS).where(transactions.c.id == transaction_id)))
    if not found:
        raise NotFound("unknown_transaction", f"no transaction {transaction_id}")
    return found[0]


async def find(tx: Tx, wanted: Wanted, *, after: tuple[datetime, str] | None, limit: int) -> list[Transaction]:
    """Transactions with their postings, oldest first, those after `after`."""
    t = transactions.c
    query = select(*_COLUMNS)
    if wanted.period is not None:
        query = query.where(t.at >= wanted.period.start, t.at < wanted.period.end)
    for column, value in ((t.kind, wanted.kind), (t.vendor, wanted.vendor), (t.order_id, wanted.order_id), (t.reference, wanted.reference)):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(tuple_(t.at, t.id) > after)
    return await _with_postings(tx, await tx.rows(query.order_by(t.at, t.id).limit(limit)))


async def export(database: Database, wanted: Wanted) -> AsyncIterator[Transaction]:
    """As `find`, all of them: a batch at a time, each read in a transaction of its own, so that a slow reader keeps nothing open."""
    after = None
    while True:
        async with database.reading() as tx:
            found = await find(tx, wanted, after=after, limit=BATCH)
        for one in found:
            yield one
        if len(found) < BATCH:
            return
        after = (found[-1].at, found[-1].id)


_COLUMNS = [transactions.c[name] for name in Transaction.__struct_fields__ if name != "postings"]


async def _with_postings(tx: Tx, rows: Sequence[Any]) -> list[Transaction]:
    p = postings.c
    moved: dict[str, list[Posting]] = {row.id: [] for row in rows}
    query = select(p.transaction_id, p.source, p.destination, p.amount, p.currency).where(p.transaction_id.in_(list(moved)))
    for row in await tx.rows(query.order_by(p.id)):
        moved[row.transaction_id].append(Posting(row.source, row.destination, row.amount, row.currency))
    return [Transaction(**row._mapping, postings=moved[row.id]) for row in rows]  # noqa: SLF001  # SQLAlchemy's own name for it, and public
