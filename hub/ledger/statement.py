"""Owns a vendor's view of the books: what it has with us, what was sent to it, and every change of either with its reason."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Executable, Row, String, Subquery, and_, case, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.sql.elements import ColumnElement

from hub.ledger.recipes import vendor_account
from hub.ledger.store import below
from hub.ledger.tables import balances as kept
from hub.ledger.tables import postings, transactions
from hub.runtime.database import Tx
from hub.runtime.moments import Period


class Pot(StrEnum):
    """Where a vendor's money lies, as the vendor sees it."""

    HELD = "held"
    """Its shares, until they may be transferred."""
    RESERVED = "reserved"
    """What is kept longer, against refunds and disputes."""
    DUE = "due"
    """What it has with us beside its shares; below zero it owes us."""
    TRANSFERRED = "transferred"
    """What we have sent to it, less what was taken back."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor has in each pot of one currency, in minor units."""

    currency: str
    held: int = 0
    reserved: int = 0
    due: int = 0
    transferred: int = 0


class StatementEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one pot: `amount` in minor units, below zero what left it. What moves between two pots is two entries."""

    posting: int
    side: int
    transaction_id: str
    at: datetime
    kind: str
    pot: Pot
    amount: int
    currency: str
    order_id: str | None
    sub_order_id: str | None
    reference: str | None
    why: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was ever sent to a vendor in one currency and what of it was taken back, in minor units."""

    currency: str
    transferred: int
    reversed: int


Position = tuple[datetime, int, int]
"""Where an entry stands in a statement: its moment, its posting, its side."""

TAKEN_BACK = "reverse"
"""The kind of transaction in which transferred money comes back; it names the vendor."""
SUB_ORDER = "sub_"
"""How a sub-order's id begins; a credit's money is set aside under its transfer's id."""

_WHY = {
    ("order", "held"): "your share of a sale, after commission and the tax on it",
    ("held", "reserve"): "kept for a while against refunds and disputes",
    ("held", "vendor"): "set against what you owed",
    ("reserve", "vendor"): "set against what you owed",
    ("held", "clearing"): "transferred to your account",
    ("reserve", "clearing"): "transferred to your account, after it was kept in reserve",
    ("vendor", "held"): "what you had with us, set aside to be transferred",
    ("clearing", "vendor"): "a transfer to your account that came back",
    ("held", "refund"): "your part of a refund",
    ("reserve", "refund"): "your part of a refund, from your reserve",
    ("vendor", "refund"): "your part of a refund, owed by you",
    ("clearing", "refund"): "your part of a refund, taken back from your account",
    ("held", "dispute"): "your part of a lost dispute",
    ("reserve", "dispute"): "your part of a lost dispute, from your reserve",
    ("vendor", "dispute"): "your part of a lost dispute, owed by you",
    ("clearing", "dispute"): "your part of a lost dispute, taken back from your account",
    ("dispute", "vendor"): "your part of a lost dispute that was won after all",
    ("vendor", "fines"): "a fine",
    ("fines", "vendor"): "a fine, waived",
    ("bonuses", "vendor"): "a bonus",
    ("vendor", "bonuses"): "a bonus, waived",
}
"""Why money moved from one kind of account to another (see `hub.ledger.recipes`)."""


async def standing(tx: Tx, vendor: str, at: datetime | None = None) -> list[Standing]:
    """What the vendor has in each pot, by currency; with `at` just before that moment."""
    moves = _sides(vendor)
    found = select(moves.c.currency, moves.c.pot, func.sum(moves.c.amount).label("amount"))
    if at is not None:
        found = found.join(transactions, transactions.c.id == moves.c.transaction_id).where(transactions.c.at < at)
    return _by_currency(await tx.rows(found.group_by(moves.c.currency, moves.c.pot)))


async def now_with_us(tx: Tx, vendor: str) -> list[Standing]:
    """As `standing`, without what was transferred: from the balances that PostgreSQL keeps."""
    pot = _pot(kept.c.account)
    query = select(kept.c.currency, pot.label("pot"), func.sum(kept.c.balance).label("amount")).where(_own(kept.c.account, vendor))
    return _by_currency(await tx.rows(query.group_by(kept.c.currency, pot)))


async def totals(tx: Tx, vendor: str) -> list[Totals]:
    """What was ever sent to the vendor and taken back, by currency."""
    moves = _sides(vendor)
    amount = moves.c.amount
    query = select(
        moves.c.currency,
        func.coalesce(func.sum(amount).filter(amount > 0), 0).label("transferred"),
        func.coalesce(-func.sum(amount).filter(amount < 0), 0).label("reversed"),
    ).where(moves.c.pot == Pot.TRANSFERRED)
    rows = await tx.rows(query.group_by(moves.c.currency).order_by(moves.c.currency))
    return [Totals(currency=row.currency, transferred=int(row.transferred), reversed=int(row.reversed)) for row in rows]


async def entries(tx: Tx, vendor: str, period: Period, *, after: Position | None, limit: int) -> list[StatementEntry]:
    """The changes of a period, oldest first, those after `after`."""
    moves = _sides(vendor)
    place = tuple_(transactions.c.at, moves.c.posting, moves.c.side)
    query = _told(moves).where(transactions.c.at >= period.start, transactions.c.at < period.end)
    if after is not None:
        query = query.where(place > tuple_(*(literal(part) for part in after)))
    return await _read(tx, query.order_by(transactions.c.at, moves.c.posting, moves.c.side).limit(limit))


async def of_sub_order(tx: Tx, vendor: str, order_id: str, sub_order_id: str) -> list[StatementEntry]:
    """The vendor's own side of everything that moved for one of its sub-orders, oldest first."""
    moves = _sides(vendor)
    about = or_(moves.c.sub_order_id == sub_order_id, and_(moves.c.sub_order_id.is_(None), transactions.c.order_id == order_id))
    return await _read(tx, _told(moves).where(about).order_by(transactions.c.at, moves.c.posting, moves.c.side))


def _by_currency(rows: Sequence[Row[Any]]) -> list[Standing]:
    pots: dict[str, dict[str, int]] = {}
    for row in rows:
        pots.setdefault(row.currency, {})[row.pot] = int(row.amount)
    return [Standing(currency=currency, **held) for currency, held in sorted(pots.items())]


def _told(moves: Subquery) -> Any:
    t, m = transactions.c, moves.c
    columns = (m.posting, m.side, m.transaction_id, m.pot, m.amount, m.currency, m.sub_order_id, m.source, m.destination)
    return select(*columns, t.at, t.kind, t.order_id, t.reference).join_from(moves, transactions, t.id == m.transaction_id)


async def _read(tx: Tx, query: Executable) -> list[StatementEntry]:
    return [
        StatementEntry(
            posting=row.posting,
            side=row.side,
            transaction_id=row.transaction_id,
            at=row.at,
            kind=row.kind,
            pot=Pot(row.pot),
            amount=row.amount,
            currency=row.currency,
            order_id=row.order_id,
            sub_order_id=row.sub_order_id if (row.sub_order_id or "").startswith(SUB_ORDER) else None,
            reference=row.reference,
            why=_WHY.get((_word(row.source), _word(row.destination)), str(row.kind)),
        )
        for row in await tx.rows(query)
    ]


def _word(account: str) -> str:
    return account.partition(":")[0]


def _own(name: ColumnElement[str], vendor: str) -> ColumnElement[bool]:
    """Whether an account is this vendor's: whole words between colons, so never that of one whose code only begins alike."""
    return or_(name == vendor_account(vendor), below(name, f"held:{vendor}"), below(name, f"reserve:{vendor}"))


def _pot(name: ColumnElement[str]) -> ColumnElement[str]:
    word = func.split_part(name, ":", 1)
    return case((word == "held", Pot.HELD), (word == "reserve", Pot.RESERVED), else_=Pot.DUE)


def _sides(vendor: str) -> Subquery:
    """Each posting as the vendor sees it, once for each of its pots that it changes.

    What leaves one of its accounts for a provider was transferred; a reversal, or what comes from a provider to one of its
    accounts, was transferred before.
    """
    p, t = postings.c, transactions.c
    common = (p.id.label("posting"), p.transaction_id, p.currency, p.source, p.destination)

    def side(number: int, pot: Any, amount: ColumnElement[int], sub: Any) -> Any:
        return select(*common, literal(number).label("side"), pot.label("pot"), amount.label("amount"), sub.label("sub_order_id"))

    out, into = (func.nullif(func.split_part(name, ":", 3), "") for name in (p.source, p.destination))
    sent = literal(Pot.TRANSFERRED.value, String)
    return union_all(
        side(0, _pot(p.source), -p.amount, out).where(_own(p.source, vendor)),
        side(1, _pot(p.destination), p.amount, into).where(_own(p.destination, vendor)),
        side(2, sent, p.amount, out).where(_own(p.source, vendor), below(p.destination, "clearing")),
        side(3, sent, -p.amount, null())
        .join(transactions, t.id == p.transaction_id)
        .where(t.vendor == vendor, below(p.source, "clearing"), or_(t.kind == TAKEN_BACK, _own(p.destination, vendor))),
    ).subquery()
