"""Prove vendors' accounts at a provider: each holds what our transfers, reversals and payouts make, one movement for each."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from hub.payments.facts import Movement
from hub.payments.ports import PaymentGateway
from hub.payouts.tables import payouts
from hub.reconcile.match import Booking, Matching, Mismatch, match
from hub.reconcile.read import Beat
from hub.reconcile.report import Difference, VendorBalance, advised
from hub.refunds.tables import reversals
from hub.runtime.database import Database, Tx
from hub.transfers.tables import transfers
from hub.vendors.tables import vendors

MOVEMENTS_MAX = 2000
"""An account with more of ours is looked at one by one only if its balance is not right: a hundred cost a call."""
LOOKS = 3
"""So often an account is looked at until it holds still between two looks."""
BEGINNING = 0


class Account(msgspec.Struct, frozen=True):
    """Whose account this is."""

    vendor: str
    account: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at and what is not right."""

    checked: int
    balances: list[VendorBalance]
    differences: list[Difference]


async def prove(database: Database, gateway: PaymentGateway, *, limit: int | None, old: datetime, now: datetime, beat: Beat) -> Proof:
    """All vendors' accounts, or any `limit` of them. What moved after `old` may be on its way into our tables."""
    async with database.reading() as tx:
        query = select(vendors.c.code, vendors.c.connected_account).where(vendors.c.connected_account.is_not(None))
        found = [Account(*row) for row in await tx.rows(query.order_by(func.random()).limit(limit))]
    balances: list[VendorBalance] = []
    differences: list[Difference] = []
    for account in found:
        wrong, differing = await _prove(database, gateway, account, old, now)
        balances += wrong
        differences += differing
        await beat()
    return Proof(checked=len(found), balances=balances, differences=differences)


async def _prove(
    database: Database, gateway: PaymentGateway, account: Account, old: datetime, now: datetime
) -> tuple[list[VendorBalance], list[Difference]]:
    async with database.reading() as tx:  # first: what we know of, the provider must know of
        ours = await ours_of(tx, gateway.name, account)
    theirs = await _holds(gateway, account)
    if len(ours) > MOVEMENTS_MAX and not unequal(ours, theirs):
        return [], []
    moved: list[Movement] = []
    for _ in range(LOOKS):
        moved = await gateway.movements(since=BEGINNING, until=int(now.timestamp()) + 1, account=account.account)
        before, theirs = theirs, await _holds(gateway, account)
        if before == theirs:
            break
    matching, young = compare(moved, ours, old)
    settled = theirs.copy()
    settled.subtract(_sum(young))
    wrong = [
        VendorBalance(vendor=account.vendor, gateway=gateway.name, account=account.account, currency=currency, ours=our, theirs=their)
        for currency, our, their in unequal(ours, settled)
    ]
    return wrong, [advised(each) for each in _differences(gateway.name, account.vendor, matching)]


async def ours_of(tx: Tx, gateway: str, account: Account) -> list[Booking]:
    """What our tables say went to and from an account. Of a transfer and its reversal the account knows only the amount."""
    t, r, p = transfers.c, reversals.c, payouts.c
    sent = select(t.id, t.amount, t.currency, t.created_at).where(
        t.vendor == account.vendor, t.gateway == gateway, t.state == "transferred", t.amount > 0
    )
    back = select(r.id, r.amount, r.currency, r.created_at).join_from(reversals, transfers, r.transfer_id == t.id)
    back = back.where(r.vendor == account.vendor, t.gateway == gateway, r.state == "reversed")
    out = select(p.id, p.reference, p.state, p.amount, p.currency, p.created_at)
    out = out.where(p.vendor == account.vendor, p.gateway == gateway, p.account == account.account, p.reference.is_not(None))
    made = [_booking("payment", row.id, None, row.amount, row) for row in await tx.rows(sent)]
    made += [_booking("payment_refund", row.id, None, -row.amount, row) for row in await tx.rows(back)]
    for row in await tx.rows(out):
        made.append(_booking("payout", row.id, row.reference, -row.amount, row))
        if row.state == "failed":
            made.append(_booking("payout_failure", f"{row.id}:failed", row.reference, row.amount, row))
    return made


def compare(moved: Sequence[Movement], ours: Sequence[Booking], old: datetime) -> tuple[Matching, list[Movement]]:
    """Match an account's movements; those newer than `old` that we do not know of yet are left out, and answered apart."""
    named = [each if each.kind.startswith("payout") else msgspec.structs.replace(each, source=_by_amount(each)) for each in moved]
    matching = match(named, ours)
    young = [each for each in matching.lone if each.movement.at >= old]
    lone = [each for each in matching.lone if each.movement.at < old]
    return msgspec.structs.replace(matching, lone=lone), [each.movement for each in young]


def unequal(ours: Sequence[Booking], theirs: Counter[str]) -> list[tuple[str, int, int]]:
    """(currency, ours, theirs) where an account does not hold what it should."""
    should = _sum(ours)
    return [(each, should[each], theirs[each]) for each in sorted(should.keys() | theirs.keys()) if should[each] != theirs[each]]


def _sum(sides: Collection[Booking] | Collection[Movement]) -> Counter[str]:
    total: Counter[str] = Counter()
    for side in sides:
        total[side.currency] += side.net
    return total


async def _holds(gateway: PaymentGateway, account: Account) -> Counter[str]:
    return Counter({currency: has.available + has.pending for currency, has in (await gateway.funds(account.account)).items()})


def _by_amount(side: Movement) -> str:
    return f"{side.kind}:{side.amount}"


def _booking(kind: str, identity: str, reference: str | None, amount: int, row: Any) -> Booking:
    return Booking(
        id=identity,
        kind=kind,
        reference=reference or f"{kind}:{amount}",
        amount=amount,
        fee=0,
        currency=row.currency,
        at=row.created_at,
    )


def _differences(gateway: str, vendor: str, matching: Matching) -> list[Difference]:
    found = [_difference(gateway, vendor, pair.problem, pair.movement, pair.booking) for pair in matching.pairs if pair.problem is not None]
    found += [_difference(gateway, vendor, each.problem, each.movement, None) for each in matching.lone]
    found += [_difference(gateway, vendor, each.problem, None, each.booking) for each in matching.orphans]
    return found


def _difference(gateway: str, vendor: str, problem: Mismatch, movement: Movement | None, booking: Booking | None) -> Difference:
    side = movement or booking
    assert side is not None
    return Difference(
        gateway=gateway,
        problem=problem,
        currency=side.currency,
        ours=None if booking is None else booking.net,
        theirs=None if movement is None else movement.net,
        at=side.at,
        kind=side.kind,
        movement=None if movement is None else movement.id,
        booking=None if booking is None else booking.id,
        reference=None if movement is None else movement.source,
        vendor=vendor,
    )
