"""The only reader and writer of payouts (states go through their life)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError

from hub.kernel.errors import Conflict, NotFound
from hub.payouts.states import PAYOUT, PayoutState
from hub.payouts.tables import payout_plans, payouts
from hub.runtime.database import Tx
from hub.runtime.life import Life
from hub.vendors.tables import vendors

PAYOUT_LIFE = Life(PAYOUT, payouts, saga_column="id")

TEMPORARY = frozenset({"balance_insufficient", "account_not_ready", "payouts_not_allowed", "insufficient_funds"})
"""Reasons of failure that are about the moment and not about the bank: the same moment of the schedule is acted on again."""
AGAIN = timedelta(hours=1)
"""How long a vendor whose money could not be sent is left alone."""


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way from a vendor's account at a provider to its bank; `amount` in minor units."""

    id: str
    vendor: str
    gateway: str
    account: str
    state: PayoutState
    version: int
    amount: int
    currency: str
    step_id: str
    reference: str | None
    requested_by: str
    reason: str
    arrives_at: datetime | None
    created_at: datetime
    failed_at: datetime | None


_COLUMNS = [payouts.c[name] for name in Payout.__struct_fields__]


class NewPayout(msgspec.Struct, frozen=True, kw_only=True):
    """A payout to be asked for."""

    vendor: str
    gateway: str
    account: str
    amount: int
    currency: str


_ADD = insert(payouts).returning(*_COLUMNS)


async def add(tx: Tx, new: NewPayout, step_id: str) -> Payout:
    """Insert a requested payout. Raises `Conflict` (``payout_open``) if the vendor has one of this currency."""
    payout_id = tx.ids.new("pyt")
    row: dict[str, Any] = {"id": payout_id, "state": PayoutState.REQUESTED, "step_id": step_id, "requested_by": str(tx.actor)}
    try:
        async with tx.savepoint():
            added = await tx.one(_ADD, Payout, row | msgspec.structs.asdict(new))
    except IntegrityError as error:
        if "uq_payouts_open" not in str(error.orig):
            raise
        raise Conflict("payout_open", f"a payout in {new.currency} is being sent", currency=new.currency) from None
    assert added is not None, "it was just written"
    PAYOUT_LIFE.born(tx, payout_id, payout_id, data={"vendor": new.vendor, "amount": new.amount, "currency": new.currency})
    return added


_ONE = select(*_COLUMNS).where(payouts.c.id == bindparam("payout_id"))
_OF_REFERENCE = select(*_COLUMNS).where(payouts.c.reference == bindparam("reference"))
_OF_STEP = select(*_COLUMNS).where(payouts.c.step_id == bindparam("step_id"))


async def get(tx: Tx, payout_id: str, *, vendor: str | None = None) -> Payout:
    """One payout, of `vendor` if one is named. Raises `NotFound` (``unknown_payout``)."""
    found = await tx.one(_ONE, Payout, {"payout_id": payout_id})
    if found is None or vendor not in {None, found.vendor}:
        raise NotFound("unknown_payout", f"no payout {payout_id}")
    return found


async def by_reference(tx: Tx, reference: str) -> Payout | None:
    """The payout with this id at the provider."""
    return await tx.one(_OF_REFERENCE, Payout, {"reference": reference})


async def by_step(tx: Tx, step_id: str) -> Payout | None:
    """The payout that was asked for under this key."""
    return await tx.one(_OF_STEP, Payout, {"step_id": step_id})


async def browse(tx: Tx, *, vendor: str | None, state: str | None, after: str | None, limit: int) -> list[Payout]:
    """Payouts, newest first."""
    p = payouts.c
    wanted = [*([p.vendor == vendor] if vendor else []), *([p.state == state] if state else []), *([p.id < after] if after else [])]
    return await tx.all(select(*_COLUMNS).where(*wanted).order_by(p.id.desc()).limit(limit), Payout)


async def before(tx: Tx, payout: Payout) -> Payout | None:
    """The vendor's payout before this one, in the same currency and from the same account, that left the account."""
    p = payouts.c
    same = (p.vendor == payout.vendor, p.currency == payout.currency, p.account == payout.account, p.reference.is_not(None))
    query = select(*_COLUMNS).where(*same, p.id < payout.id).order_by(p.id.desc()).limit(1)
    return await tx.one(query, Payout)


async def failures_in_a_row(tx: Tx, payout: Payout) -> int:
    """How many of the vendor's newest payouts in this currency, up to and with this one, have failed."""
    p = payouts.c
    same = (p.vendor == payout.vendor, p.currency == payout.currency, p.id <= payout.id)
    query = select(p.state).where(*same, p.state != PayoutState.CANCELED).order_by(p.id.desc()).limit(10)
    states = [row.state for row in await tx.rows(query)]
    return next((number for number, state in enumerate(states) if state != PayoutState.FAILED), len(states))


_BANK_CHANGED = select(vendors.c.bank_changed_at).where(vendors.c.code == bindparam("vendor"))
_LAST = (
    select(*_COLUMNS)
    .where(payouts.c.vendor == bindparam("vendor"), payouts.c.state != PayoutState.CANCELED)
    .ext(distinct_on(payouts.c.currency))
    .order_by(payouts.c.currency, payouts.c.id.desc())
)


async def barred(tx: Tx, vendor: str) -> dict[str, str]:
    """By currency why no payout is planned: the last one failed, and the vendor's bank account is the same still."""
    changed: datetime | None = await tx.scalar(_BANK_CHANGED, {"vendor": vendor})
    return {
        payout.currency: payout.reason
        for payout in await _last_failed(tx, vendor)
        if payout.reason not in TEMPORARY and (changed is None or payout.failed_at is None or changed <= payout.failed_at)
    }


async def held_up(tx: Tx, vendor: str) -> dict[str, str]:
    """By currency why no payout is asked for at this moment: as `barred`, or one failed less than `AGAIN` ago."""
    since = await now(tx) - AGAIN
    lately = {
        payout.currency: payout.reason
        for payout in await _last_failed(tx, vendor)
        if payout.reason in TEMPORARY and payout.failed_at is not None and payout.failed_at > since
    }
    return await barred(tx, vendor) | lately


async def _last_failed(tx: Tx, vendor: str) -> list[Payout]:
    """The last payout of each currency, if it failed."""
    last: Sequence[Payout] = await tx.all(_LAST, Payout, {"vendor": vendor})
    return [payout for payout in last if payout.state is PayoutState.FAILED]


async def look_again(tx: Tx, vendor: str) -> None:
    """The vendor's money could not be sent: the same moment of its schedule is acted on again, in a while."""
    await tx.execute(update(payout_plans).where(payout_plans.c.vendor == vendor).values(planned_for=None, again_at=func.now() + AGAIN))


_LOCKED_STATE = select(payouts.c.state).where(payouts.c.id == bindparam("payout_id")).with_for_update()


async def locked_state(tx: Tx, payout_id: str) -> PayoutState:
    """The state, which nobody else changes until the transaction ends."""
    return PayoutState(await tx.scalar(_LOCKED_STATE, {"payout_id": payout_id}))


_NOW = select(func.now())


async def now(tx: Tx) -> datetime:
    """The transaction's time, by PostgreSQL's clock."""
    moment: datetime = await tx.scalar(_NOW)
    return moment
