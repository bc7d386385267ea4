"""The only reader and writer of how vendors' connected accounts stand, as their provider last told us."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, and_, bindparam, func, or_, select, update

from hub.kernel.errors import NotFound
from hub.runtime.database import Tx
from hub.vendors.tables import vendors

READY_SECONDS = 86_400.0
"""How old what we know of an account in order may be; webhooks and sweeps tell us sooner."""
NOT_READY_SECONDS = 900.0

_v = vendors.c


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a connected account may do; `due` names what the provider still wants to know, `reason` why it restricts."""

    receives: bool
    pays_out: bool
    due: list[str] = []
    reason: str = ""


class VendorAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor is paid.

    `state`: ``opening`` until the provider has an account for it, ``onboarding`` until it may receive money, ``limited``
    while it may receive and not pay out, or has something due, ``ready``. Shares of an account that may not receive wait.
    """

    state: Literal["opening", "onboarding", "limited", "ready"]
    may_receive: bool
    may_pay_out: bool
    due: list[str]
    reason: str
    seen_at: datetime | None


class Noted(msgspec.Struct, frozen=True):
    """The vendor of an account, and whether it may do more than before."""

    vendor: str
    better: bool


_MINE = (
    select(_v.code, _v.account_receives, _v.account_pays_out, _v.account_seen_at)
    .where(_v.connected_account == bindparam("account"))
    .order_by(_v.code)
    .with_for_update(key_share=True)
)
_NOTE = update(vendors).where(_v.code == bindparam("of_vendor"))


async def note_account(tx: Tx, account: str, standing: Standing, seen_at: datetime) -> list[Noted]:
    """Note how an account stood at `seen_at`, when it was asked for: what was asked for earlier never replaces what is known.

    Empty if the account is nobody's.
    """
    noted: list[Noted] = []
    for row in await tx.rows(_MINE, {"account": account}):
        if row.account_seen_at is not None and row.account_seen_at > seen_at:
            noted.append(Noted(row.code, better=False))
            continue
        values = {
            "account_receives": standing.receives,
            "account_pays_out": standing.pays_out,
            "account_due": standing.due,
            "account_reason": standing.reason,
            "account_seen_at": seen_at,
        }
        await tx.execute(_NOTE, {"of_vendor": row.code, **values})
        better = (standing.receives and not row.account_receives) or (standing.pays_out and not row.account_pays_out)
        noted.append(Noted(row.code, better=better))
    return noted


_DOUBT = (
    update(vendors)
    .where(_v.connected_account == bindparam("account"), _v.account_receives, _v.account_seen_at < bindparam("asked_at"))
    .values(account_receives=False, account_seen_at=None)
)


async def doubt(tx: Tx, account: str, asked_at: datetime) -> None:
    """An account that we thought may receive may not, as somebody found who asked at `asked_at`: it is looked at anew at once."""
    await tx.execute(_DOUBT, {"account": account, "asked_at": asked_at})


async def account_of(tx: Tx, code: str) -> tuple[str | None, VendorAccount]:
    """A vendor's connected account (``acct_…``, None until it is opened) and how it stands. Raises `NotFound`."""
    columns = (_v.connected_account, _v.account_receives, _v.account_pays_out, _v.account_due, _v.account_reason, _v.account_seen_at)
    row = await tx.row(select(*columns).where(_v.code == code))
    if row is None:
        raise NotFound("unknown_vendor", f"no vendor {code}")
    return row.connected_account, VendorAccount(
        state=_state(row),
        may_receive=row.account_receives,
        may_pay_out=row.account_pays_out,
        due=row.account_due,
        reason=row.account_reason,
        seen_at=row.account_seen_at,
    )


def _ago(seconds: float) -> Any:
    return func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)


_READY = and_(_v.account_receives, _v.account_pays_out, func.jsonb_array_length(_v.account_due) == 0)
_OLD = or_(_v.account_seen_at < _ago(READY_SECONDS), and_(~_READY, _v.account_seen_at < _ago(NOT_READY_SECONDS)))
_STALE = (
    select(_v.connected_account)
    .where(_v.connected_account.is_not(None), or_(_v.account_seen_at.is_(None), _OLD))
    .order_by(_v.account_seen_at.asc().nulls_first())
    .limit(bindparam("most"))
)


async def stale(tx: Tx, limit: int) -> Sequence[str]:
    """Accounts that were never looked at, or long ago; the longest ago first."""
    return [row[0] for row in await tx.rows(_STALE, {"most": limit})]


def _state(row: Row[Any]) -> Literal["opening", "onboarding", "limited", "ready"]:
    if row.connected_account is None:
        return "opening"
    if not row.account_receives:
        return "onboarding"
    return "ready" if row.account_pays_out and not row.account_due else "limited"


async def note_bank_changed(tx: Tx, account: str) -> bool:
    """A vendor has told its provider of another bank account: what had failed because of the old one may be tried again."""
    return await tx.execute(update(vendors).where(_v.connected_account == account).values(bank_changed_at=func.now())) > 0
