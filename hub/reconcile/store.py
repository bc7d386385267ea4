"""The only reader and writer of providers' movements, and of what our books say of a provider's balance."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, case, cast, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.ledger.recipes import DISPUTE_FEES, PROCESSING_FEES, clearing
from hub.ledger.tables import postings, transactions
from hub.payments.facts import Movement
from hub.reconcile.match import Booking, Mismatch
from hub.reconcile.tables import cursors, movements
from hub.runtime.database import Tx

SUSPENSE = "suspense"
SUSPENSE_REVERSED = "suspense_reversed"
SUSPENSE_EXPLAINED = "suspense_explained"
"""Kinds of transactions; `cause` is the movement, or the transaction of ours, that nothing on the other side stands for."""
CORRECTIONS = (SUSPENSE, SUSPENSE_REVERSED)
FEES = (PROCESSING_FEES, DISPUTE_FEES)

OPEN, MATCHED, IN_SUSPENSE, EXPLAINED = "open", "matched", "suspense", "explained"


class MovementChanged(Exception):
    """A provider says something else of a movement than before, which none ever may."""


class Kept(Movement, frozen=True, kw_only=True):
    """A movement as we keep it."""

    gateway: str
    standing: str
    problem: Mismatch | None
    transaction_id: str | None


KEPT = [movements.c[name] for name in Kept.__struct_fields__]


_KEEP = text("""
    INSERT INTO provider_movements (gateway, id, kind, source, amount, fee, net, currency, at)
    SELECT :gateway, * FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[]), CAST(:sources AS text[]), CAST(:amounts AS bigint[]),
        CAST(:fees AS bigint[]), CAST(:nets AS bigint[]), CAST(:currencys AS text[]), CAST(:ats AS timestamptz[]))
    ON CONFLICT (id) DO NOTHING
""")
"""One statement of constant length: a thousand rows of values would take longer to compile than to insert."""


async def lock(tx: Tx, gateway: str) -> None:
    """Let nobody else match this gateway until the transaction ends."""
    await tx.scalar(select(func.pg_advisory_xact_lock(func.hashtextextended(f"reconcile:{gateway}", 0))))


async def keep(tx: Tx, gateway: str, found: Sequence[Movement]) -> int:
    """Keep movements, each once; how many were new. Raises `MovementChanged`."""
    if not found:
        return 0
    columns = {f"{name}s": [getattr(movement, name) for movement in found] for name in Movement.__struct_fields__}
    new = await tx.execute(_KEEP, {"gateway": gateway, **columns})
    if new < len(found):
        ids = [movement.id for movement in found]
        kept = {row.id: row for row in await tx.all(select(*KEPT).where(movements.c.id.in_(ids)), Kept)}
        for movement in found:
            before = kept[movement.id]
            if (before.gateway, before.amount, before.fee, before.currency) != (gateway, movement.amount, movement.fee, movement.currency):
                raise MovementChanged(f"{gateway} says something else of {movement.id} than before: {movement}, was {before}")
    return new


async def unmatched(tx: Tx, gateway: str, *, after: str, limit: int, before: datetime | None = None) -> list[Kept]:
    """Movements without a booking, by id: open ones (with `before` only those older), else also those in suspense."""
    t = movements.c
    query = select(*KEPT).where(t.gateway == gateway, t.transaction_id.is_(None), t.id > after).order_by(t.id).limit(limit)
    if before is None:
        return await tx.all(query.where(t.standing.in_([OPEN, IN_SUSPENSE])), Kept)
    return await tx.all(query.where(t.standing == OPEN, t.at < before), Kept)


async def set_matched(tx: Tx, pairs: Sequence[tuple[str, str | None]]) -> None:
    """Each movement is what that transaction booked (None: it moved nothing)."""
    if pairs:
        mine = update(movements).where(movements.c.id == bindparam("movement"))
        values = mine.values(standing=MATCHED, problem=None, transaction_id=bindparam("booking"))
        await tx.execute(values, [{"movement": movement, "booking": booking} for movement, booking in pairs])


async def set_in_suspense(tx: Tx, movement_id: str, problem: Mismatch, transaction_id: str | None) -> None:
    """A movement stands in suspense, beside the transaction with which it disagrees, if any."""
    await _set(tx, movement_id, standing=IN_SUSPENSE, problem=problem, transaction_id=transaction_id)


async def set_explained(tx: Tx, movement_id: str) -> None:
    """An operator has said what a movement was."""
    await _set(tx, movement_id, standing=EXPLAINED)


async def gateway_of(tx: Tx, movement_id: str) -> str | None:
    """Where a movement happened; None if there is no such movement."""
    return await tx.scalar(select(movements.c.gateway).where(movements.c.id == movement_id))


async def get(tx: Tx, movement_id: str) -> Kept:
    """One movement that there is."""
    found = await tx.one(select(*KEPT).where(movements.c.id == movement_id), Kept)
    assert found is not None
    return found


async def page_of(tx: Tx, *, standing: str | None, after: str | None, limit: int) -> list[Kept]:
    """Movements by id, those after the id `after`."""
    t = movements.c
    query = select(*KEPT).order_by(t.id).limit(limit)
    query = query if standing is None else query.where(t.standing == standing)
    return await tx.all(query if after is None else query.where(t.id > after), Kept)


async def read_until(tx: Tx, gateway: str) -> datetime | None:
    """Until when movements were read; None before the first time."""
    return await tx.scalar(select(cursors.c.read_until).where(cursors.c.gateway == gateway))


async def advance_read(tx: Tx, gateway: str, until: datetime) -> None:
    """Note until when movements were read; never goes back."""
    fresh = insert(cursors).values(gateway=gateway, read_until=until)
    later = func.greatest(cursors.c.read_until, until)
    await tx.execute(fresh.on_conflict_do_update(index_elements=["gateway"], set_={"read_until": later}))


async def settled_until(tx: Tx, gateway: str) -> datetime | None:
    """Before when every booking is matched or in suspense."""
    return await tx.scalar(select(cursors.c.settled_until).where(cursors.c.gateway == gateway))


async def advance_settled(tx: Tx, gateway: str, until: datetime) -> None:
    """Note before when every booking is matched or in suspense; never goes back."""
    later = func.greatest(cursors.c.settled_until, until)
    await tx.execute(update(cursors).where(cursors.c.gateway == gateway).values(settled_until=later))


async def first_booking_at(tx: Tx, gateway: str) -> datetime | None:
    """When our books first touched a gateway."""
    account = clearing(gateway)
    p, t = postings.c, transactions.c
    both = or_(p.source == account, p.destination == account)
    return await tx.scalar(select(func.min(t.at)).join_from(postings, transactions).where(both))


async def bookings_named(tx: Tx, gateway: str, references: Iterable[str]) -> tuple[list[Booking], set[str]]:
    """Bookings of these provider's ids, and the ids of those whose movement is known. What was explained by hand stays so."""
    names = sorted(set(references))
    found = await tx.all(_bookings(gateway, and_(transactions.c.reference.in_(names), ~_corrected(SUSPENSE_EXPLAINED))), Booking)
    ids = [booking.id for booking in found]
    paired = await tx.rows(select(movements.c.transaction_id).where(movements.c.transaction_id.in_(ids)))
    return found, {row.transaction_id for row in paired}


async def unmatched_bookings(tx: Tx, gateway: str, *, after: tuple[datetime, str], before: datetime, limit: int) -> list[Booking]:
    """Bookings that no movement stands for and that are not in suspense, oldest first, those after that moment and id."""
    t = transactions.c
    chosen = and_(t.at < before, t.at >= after[0], or_(t.at > after[0], t.id > after[1]), ~_paired(), ~_corrected(SUSPENSE))
    return await tx.all(_bookings(gateway, chosen).order_by(t.at, t.id).limit(limit), Booking)


async def suspended(tx: Tx, causes: Collection[str]) -> set[str]:
    """Those of these movements and transactions for which something was put into suspense and not taken out again."""
    t, other = transactions.c, transactions.alias()
    ended = exists().where(other.c.kind == SUSPENSE_REVERSED, other.c.cause == t.cause)
    rows = await tx.rows(select(t.cause).where(t.kind == SUSPENSE, t.cause.in_(sorted(causes)), ~ended))
    return {row.cause for row in rows}


async def bookings(tx: Tx, gateway: str, ids: Iterable[str | None]) -> list[Booking]:
    """These bookings."""
    return await tx.all(_bookings(gateway, transactions.c.id.in_([each for each in ids if each is not None])), Booking)


async def in_suspense(tx: Tx, gateway: str, before: datetime) -> list[Kept]:
    """Movements before a moment that stand in suspense, oldest first."""
    t = movements.c
    query = select(*KEPT).where(t.gateway == gateway, t.standing == IN_SUSPENSE, t.at < before)
    return await tx.all(query.order_by(t.at, t.id), Kept)


async def suspended_bookings(tx: Tx, gateway: str, before: datetime) -> list[Booking]:
    """Bookings before a moment that still stand in suspense, oldest first."""
    t = transactions.c
    # From the few corrections to what caused them, not through all bookings.
    causes = select(t.cause).where(t.kind == SUSPENSE).scalar_subquery()
    settled = or_(_corrected(SUSPENSE_REVERSED), _corrected(SUSPENSE_EXPLAINED), _paired())
    return await tx.all(_bookings(gateway, and_(t.id.in_(causes), t.at < before, ~settled)).order_by(t.at, t.id), Booking)


async def gateway_of_suspense(tx: Tx, transaction_id: str) -> str | None:
    """At which gateway a transaction of ours was put into suspense; None if none was."""
    t, p = transactions.c, postings.c
    of_ours = transactions.alias()
    word = clearing("")
    query = select(case((p.source.startswith(word), p.source), else_=p.destination)).join_from(transactions, postings)
    query = query.join(of_ours, of_ours.c.id == t.cause).where(t.kind == SUSPENSE, t.cause == transaction_id)
    account = await tx.scalar(query.limit(1))
    return None if account is None else str(account).removeprefix(word)


async def is_explained(tx: Tx, cause: str) -> bool:
    """Whether an operator has said what it was."""
    t = transactions.c
    return bool(await tx.scalar(select(exists().where(t.kind == SUSPENSE_EXPLAINED, t.cause == cause))))


async def correction(tx: Tx, gateway: str, kind: str, cause: str) -> list[tuple[str, int]]:
    """(currency, net) of what such a transaction of ours did to the clearing account; empty if there is none."""
    account = clearing(gateway)
    p, t = postings.c, transactions.c
    query = (
        select(p.currency, func.sum(_net(account)).label("net"))
        .join_from(transactions, postings)
        .where(t.kind == kind, t.cause == cause, or_(p.source == account, p.destination == account))
        .group_by(p.currency)
    )
    return [(row.currency, int(row.net)) for row in await tx.rows(query)]


def _net(account: str) -> ColumnElement[int]:
    return case((postings.c.source == account, postings.c.amount), else_=-postings.c.amount)


def _fee(account: str) -> ColumnElement[int]:
    p = postings.c
    return case(
        (and_(p.destination == account, p.source.in_(FEES)), p.amount),
        (and_(p.source == account, p.destination.in_(FEES)), -p.amount),
        else_=0,
    )


def _bookings(gateway: str, chosen: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Our own corrections are no bookings: what they stand for is a movement, or another transaction."""
    account = clearing(gateway)
    t, p = transactions.c, postings.c
    net, fee = cast(func.sum(_net(account)), BigInteger), cast(func.sum(_fee(account)), BigInteger)
    return (
        select(t.id, t.kind, t.reference, t.at, p.currency, (net + fee).label("amount"), fee.label("fee"))
        .join_from(transactions, postings)
        .where(chosen, t.kind.not_in(CORRECTIONS), or_(p.source == account, p.destination == account))
        .group_by(t.id, p.currency)
    )


def _paired() -> ColumnElement[bool]:
    return exists().where(movements.c.transaction_id == transactions.c.id)


def _corrected(kind: str) -> ColumnElement[bool]:
    other = transactions.alias()
    return exists().where(other.c.kind == kind, other.c.cause == transactions.c.id)


async def _set(tx: Tx, movement_id: str, **values: Any) -> None:
    await tx.execute(update(movements).where(movements.c.id == movement_id).values(values))
