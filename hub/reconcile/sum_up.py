"""Make the report of a range: both sides' figures, and what their difference is made of."""

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import text

from hub.ledger.recipes import clearing
from hub.reconcile import store
from hub.reconcile.match import Mismatch, Orphan, match
from hub.reconcile.report import Balance, Difference, Figures, KindTotal, advised, balance
from hub.runtime.database import Tx

_KINDS = text("""
    SELECT currency, kind, count(*) AS count, sum(amount)::bigint AS amount, sum(fee)::bigint AS fee, sum(net)::bigint AS net
    FROM provider_movements WHERE gateway = :gateway AND at >= :since AND at < :until GROUP BY currency, kind ORDER BY currency, kind
""")

_THEIRS = text("""
    SELECT currency, coalesce(sum(net) FILTER (WHERE at < :since), 0)::bigint AS opening, sum(net)::bigint AS closing,
        coalesce(sum(net) FILTER (WHERE standing = 'open'), 0)::bigint AS open
    FROM provider_movements WHERE gateway = :gateway AND at < :until GROUP BY currency
""")

_OURS = text("""
    WITH moved AS (
        SELECT transaction_id, currency, sum(amount) AS net FROM (
            SELECT transaction_id, currency, amount FROM ledger_postings WHERE source = :account
            UNION ALL SELECT transaction_id, currency, -amount FROM ledger_postings WHERE destination = :account
        ) moves GROUP BY transaction_id, currency
    ), entries AS (
        SELECT v.currency, v.net, t.kind IN ('suspense', 'suspense_reversed') AS correction, own.at AS moved_at,
            coalesce(stood_for.at, suspended.at, t.at) AS at,
            EXISTS (SELECT FROM ledger_transactions e WHERE e.kind = 'suspense_explained' AND e.cause = t.cause) AS explained,
            EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'suspense' AND s.cause = t.id)
                AND NOT EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'suspense_reversed' AND s.cause = t.id) AS in_suspense
        FROM moved v JOIN ledger_transactions t ON t.id = v.transaction_id
        LEFT JOIN provider_movements own ON own.transaction_id = t.id AND own.gateway = :gateway
        LEFT JOIN provider_movements stood_for ON stood_for.id = t.cause
        LEFT JOIN ledger_transactions suspended ON suspended.id = t.cause AND t.kind IN ('suspense', 'suspense_reversed')
    )
    SELECT currency,
        coalesce(sum(net) FILTER (WHERE at < :until), 0)::bigint AS total,
        coalesce(sum(net) FILTER (WHERE at < :until AND correction AND NOT explained), 0)::bigint AS corrected,
        coalesce(sum(net) FILTER (WHERE at < :until AND NOT correction
            AND CASE WHEN moved_at IS NULL THEN NOT in_suspense ELSE moved_at >= :until END), 0)::bigint AS early,
        coalesce(sum(net) FILTER (WHERE at >= :until AND NOT correction AND moved_at < :until), 0)::bigint AS late
    FROM entries GROUP BY currency
""")
"""Our side of one provider. What reconciliation itself has written counts from when that moved which it stands for, not from
when it was noticed. `early`: booked before the end of the range and moved after it, or not yet; `late`: the other way round."""


class _Theirs(msgspec.Struct, frozen=True, kw_only=True):
    currency: str
    opening: int = 0
    closing: int = 0
    open: int = 0


class _Ours(msgspec.Struct, frozen=True, kw_only=True):
    currency: str
    total: int = 0
    corrected: int = 0
    early: int = 0
    late: int = 0


async def balances(tx: Tx, gateway: str, since: datetime, until: datetime) -> list[Balance]:
    """Both sides of a provider, by currency."""
    asked = {"gateway": gateway, "account": clearing(gateway), "since": since, "until": until}
    kinds: dict[str, list[KindTotal]] = defaultdict(list)
    for row in await tx.rows(_KINDS, asked):
        kinds[row.currency].append(msgspec.convert(row, KindTotal, from_attributes=True))
    theirs = {row.currency: msgspec.convert(row, _Theirs, from_attributes=True) for row in await tx.rows(_THEIRS, asked)}
    ours = {row.currency: msgspec.convert(row, _Ours, from_attributes=True) for row in await tx.rows(_OURS, asked)}
    made: list[Balance] = []
    for currency in sorted(theirs.keys() | ours.keys()):
        their, our = theirs.get(currency, _Theirs(currency=currency)), ours.get(currency, _Ours(currency=currency))
        figures = Figures(
            gateway=gateway,
            currency=currency,
            opening=their.opening,
            closing=their.closing,
            ours=our.total - our.corrected,
            in_flight=our.early - our.late - their.open,
            suspense=-our.corrected,
        )
        made.append(balance(figures, kinds[currency]))
    return made


async def differences(tx: Tx, gateway: str, until: datetime) -> list[Difference]:
    """Everything before `until` that still stands in suspense, oldest first."""
    moved = await store.in_suspense(tx, gateway, until)
    beside = {booking.id: booking for booking in await store.bookings(tx, gateway, [each.transaction_id for each in moved])}
    found: list[Difference] = []
    for movement in moved:
        booking = beside.get(movement.transaction_id or "")
        found.append(
            Difference(
                gateway=gateway,
                problem=movement.problem or Mismatch.UNBOOKED,
                currency=movement.currency,
                ours=None if booking is None else booking.net,
                theirs=movement.net,
                at=movement.at,
                kind=movement.kind,
                movement=movement.id,
                booking=movement.transaction_id,
                reference=movement.source,
            )
        )
    for orphan in await orphans(tx, gateway, until):
        booking = orphan.booking
        found.append(
            Difference(
                gateway=gateway,
                problem=orphan.problem,
                currency=booking.currency,
                ours=booking.net,
                theirs=None,
                at=booking.at,
                kind=booking.kind,
                booking=booking.id,
                reference=booking.reference,
            )
        )
    return sorted(map(advised, found), key=lambda difference: difference.at)


async def orphans(tx: Tx, gateway: str, until: datetime) -> list[Orphan]:
    """Bookings before `until` that stand in suspense, and why."""
    found = await store.suspended_bookings(tx, gateway, until)
    same, paired = await store.bookings_named(tx, gateway, [each.reference for each in found if each.reference is not None])
    return match([], [*found, *(each for each in same if each.id in paired)], paired).orphans
