"""Writes and reads the books."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)

from hub.ledger.recipes import Posting
from hub.ledger.tables import balances as kept
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
    order_id: str | None = None
    vendor: str | None = None
    reference: str | None = None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds of one currency, in minor units: what came in less what went out."""

    account: str
    currency: str
    balance: int


KEPT = frozenset({"order", "receipts", "held", "reserve", "vendor", "refund", "dispute"})
"""First words of accounts of one order or vendor, whose balances PostgreSQL keeps."""

POST = text("""
    WITH written AS (
        INSERT INTO ledger_transactions (id, kind, cause, order_id, vendor, reference)
        VALUES (:id, :kind, :cause, :order_id, :vendor, :reference) RETURNING id
    )
    INSERT INTO ledger_postings (transaction_id, source, destination, amount, currency)
    SELECT written.id, source, destination, amount, currency
    FROM written, unnest(CAST(:sources AS text[]), CAST(:destinations AS text[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]))
        WITH ORDINALITY AS moves(source, destination, amount, currency, place)
    ORDER BY place
""")
"""One statement for a transaction with all its postings, so that the trigger sees them together: an account may pass zero between two."""

ENTRY = [
    transactions.c.id.label("transaction_id"),
    *(transactions.c[name] for name in ("kind", "at", "order_id", "vendor", "reference")),
    *(postings.c[name] for name in ("source", "destination", "amount", "currency")),
]


async def post(  # noqa: PLR0913  # one transaction, all by name
    tx: Tx,
    kind: str,
    *,
    cause: str,
    moves: Sequence[Posting],
    order_id: str | None = None,
    vendor: str | None = None,
    reference: str | None = None,
) -> str:
    """Write one transaction; its id. With nothing to move it is written all the same, so that it counts as posted.

    `vendor` is to be named where the money is one vendor's (its statement shows reversals by it), `reference` where the
    provider has an id for the movement. Raises `IntegrityError` if `kind` was posted for this `cause` before, if an account
    that cannot owe would fall below zero, or (at commit) if an ``allocate`` leaves money on the order's account.
    """
    transaction_id = tx.ids.new("txn")
    values = {"id": transaction_id, "kind": kind, "cause": cause, "order_id": order_id, "vendor": vendor, "reference": reference}
    columns = {
        "sources": [move.source for move in moves],
        "destinations": [move.destination for move in moves],
        "amounts": [move.amount for move in moves],
        "currencies": [move.currency for move in moves],
    }
    await tx.execute(POST, values | columns)
    return transaction_id


_POSTED = select(transactions.c.id).where(transactions.c.kind == bindparam("kind"), transactions.c.cause == bindparam("cause"))


async def posted(tx: Tx, kind: str, cause: str) -> bool:
    """Whether `kind` was posted for this `cause`."""
    return await tx.scalar(_POSTED, {"kind": kind, "cause": cause}) is not None


def _moved() -> Select[tuple[int]]:
    t, p, other = transactions.c, postings.c, postings.alias().c
    account, beside = bindparam("account", type_=Text), bindparam("beside", type_=Text)
    signed = case((p.destination == account, p.amount), else_=-p.amount)
    those = select(other.transaction_id).where(or_(other.destination == beside, other.source == beside))
    mine = or_(p.destination == account, p.source == account)
    where = (t.kind == bindparam("kind"), t.id.in_(those), mine, p.currency == bindparam("currency"))
    return select(func.coalesce(func.sum(signed), 0)).join_from(transactions, postings).where(*where)


_MOVED = _moved()


async def moved(tx: Tx, kind: str, account: str, currency: str, *, beside: str) -> int:
    """What transactions of a kind that moved the account `beside` brought to another (above zero) or took from it."""
    return int(await tx.scalar(_MOVED, {"kind": kind, "account": account, "currency": currency, "beside": beside}))


async def of_order(tx: Tx, order_id: str) -> list[Entry]:
    """Every posting of an order, oldest first."""
    query = select(*ENTRY).join_from(transactions, postings).where(transactions.c.order_id == order_id)
    return await tx.all(query.order_by(postings.c.id), Entry)


_IN_CURRENCY = select(kept.c.account, kept.c.balance).where(kept.c.currency == bindparam("currency"))
_BALANCE = _IN_CURRENCY.with_only_columns(kept.c.balance).where(kept.c.account == bindparam("account"))
_BALANCES = _IN_CURRENCY.where(kept.c.account.in_(bindparam("accounts", expanding=True)))


async def balances_now(tx: Tx, currency: str, *accounts: str) -> list[int]:
    """What each of several accounts of one order or vendor holds, in minor units; all at the same moment."""
    there = {row.account: row.balance for row in await tx.rows(_BALANCES, {"accounts": accounts, "currency": currency})}
    return [there.get(account, 0) for account in accounts]


async def balance(tx: Tx, account: str, currency: str, at: datetime | None = None) -> int:
    """What an account holds, in minor units; with `at` what it held just before that moment."""
    if at is None and is_kept(account):
        return int(await tx.scalar(_BALANCE, {"account": account, "currency": currency}) or 0)
    moves = moves_of(lambda name: name == account, at)
    return int(await tx.scalar(select(func.coalesce(func.sum(moves.c.amount), 0)).where(moves.c.currency == currency)))


async def balances(
    tx: Tx, prefix: str, at: datetime | None = None, *, after: tuple[str, str] | None = None, limit: int | None = None
) -> list[Balance]:
    """What every account holds whose name is `prefix` or begins with it and a colon (all for ""), by name and currency.

    ``held:acme`` finds what is held for acme and nothing of a vendor ``acme-2``. Accounts at zero are left out; `after` is
    the account and currency to go on after.
    """
    if at is None and (is_kept(prefix) or prefix.rstrip(":") in KEPT):
        name, currency, amount = kept.c.account, kept.c.currency, kept.c.balance
        query = select(name, currency, amount).where(below(name, prefix), amount != 0)
    else:
        moves = moves_of(lambda account: below(account, prefix), at)
        name, currency, amount = moves.c.account, moves.c.currency, cast(func.sum(moves.c.amount), BigInteger)
        query = select(name, currency, amount.label("balance")).group_by(name, currency).having(amount != 0)
    if after is not None:
        query = query.where(tuple_(name, currency) > after)
    return await tx.all(query.order_by(name, currency).limit(limit), Balance)


_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0)))


async def lock(tx: Tx, account: str) -> None:
    """Wait until nobody else decides about this account; held to the end of the transaction. Several: in order of their names."""
    await tx.scalar(_LOCK, {"name": f"ledger:{account}"})


def is_kept(account: str) -> bool:
    """Whether PostgreSQL keeps its balance: accounts of one order or vendor, not those that all orders share."""
    return ":" in account and not account.startswith("clearing:")


def below(name: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether an account is `prefix` itself or begins with it and a colon; a range, so that no character of it is a wildcard."""
    word = prefix.rstrip(":")
    return or_(name == word, and_(name >= f"{word}:", name < f"{word};")) if word else true()


def moves_of(chosen: Callable[[ColumnElement[str]], ColumnElement[bool]], at: datetime | None = None) -> Subquery:
    """What came into (above zero) and went out of (below zero) the chosen accounts, with `at` before that moment."""
    p = postings.c

    def side(name: ColumnElement[str], amount: ColumnElement[int]) -> Any:
        found = select(name.label("account"), p.currency, amount.label("amount")).where(chosen(name))
        return found if at is None else found.join(transactions, transactions.c.id == p.transaction_id).where(transactions.c.at < at)

    return union_all(side(p.destination, p.amount), side(p.source, -p.amount)).subquery()
