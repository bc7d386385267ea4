"""Changes when and how a vendor gets its money, seen in the vendor's timeline."""

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import func, select, update

from hub.kernel.errors import NotFound
from hub.runtime.database import Tx
from hub.runtime.http import check_version
from hub.runtime.life import Move, record
from hub.vendors import store
from hub.vendors.money_terms import BankAccount, Marketplace, MoneyTerms, OwnTerms, TermsChange, check
from hub.vendors.tables import vendors

_OWN = [vendors.c[name] for name in OwnTerms.__struct_fields__]
_SEEN = [vendors.c.code, vendors.c.state, vendors.c.version, vendors.c.bank_account, *_OWN]


async def look(tx: Tx, marketplace: Marketplace, code: str) -> MoneyTerms:
    """A vendor's terms. Raises `NotFound` (``unknown_vendor``)."""
    return _shown(await _row(tx, code), marketplace)


async def change_terms(tx: Tx, marketplace: Marketplace, code: str, change: TermsChange, if_match: str | None) -> MoneyTerms:
    """The vendor's terms after `change`; they hold for what is held, paid out or disputed from now on.

    Raises `NotFound` (``unknown_vendor``), `Conflict` (``version_mismatch``) and `Invalid`.
    """
    await store.lock(tx, code)
    before = await _row(tx, code)
    check_version(if_match, before["version"])
    wanted = {name: getattr(change, name) for name in TermsChange.__struct_fields__ if name != "reason"}
    values = {name: value for name, value in wanted.items() if value is not UNSET and value != before[name]}
    after = {**before, **values}
    check(change, marketplace.in_force(_own(after)))
    if not values:
        return _shown(before, marketplace)
    stored = {name: msgspec.to_builtins(value) for name, value in values.items()}
    if "bank_account" in values:
        stored["bank_changed_at"] = func.now()
    await tx.execute(update(vendors).where(vendors.c.code == code).values(version=vendors.c.version + 1, **stored))
    changed = {name: [_told(before[name]), _told(value)] for name, value in values.items()}
    state = before["state"]
    record(
        tx,
        Move(
            life="vendor",
            subject_id=code,
            saga_id=code,
            event="terms",
            before=state,
            after=state,
            reason=change.reason,
            data={"changed": changed},
        ),
    )
    return _shown({**after, "version": before["version"] + 1}, marketplace)


async def _row(tx: Tx, code: str) -> dict[str, Any]:
    found = await tx.mappings(select(*_SEEN).where(vendors.c.code == code))
    if not found:
        raise NotFound("unknown_vendor", f"no vendor {code}")
    account = found[0]["bank_account"]
    return {**found[0], "bank_account": None if account is None else msgspec.convert(account, BankAccount)}


def _own(row: dict[str, Any]) -> OwnTerms:
    return OwnTerms(**{name: row[name] for name in OwnTerms.__struct_fields__})


def _shown(row: dict[str, Any], marketplace: Marketplace) -> MoneyTerms:
    own, account = _own(row), row["bank_account"]
    return MoneyTerms(
        vendor=row["code"],
        version=row["version"],
        own=own,
        in_force=marketplace.in_force(own),
        bank_account=None if account is None else account.masked,
    )


def _told(value: object) -> object:
    return value.masked if isinstance(value, BankAccount) else value
