"""A vendor's vacation: from then until then its offers are not sold; what is ordered goes on."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import update

from hub.kernel.errors import Conflict, Invalid
from hub.runtime import audit
from hub.runtime.database import Tx
from hub.vendors import store
from hub.vendors.states import VendorState
from hub.vendors.tables import vendors

LONGEST = timedelta(days=366)
_MAY = frozenset({VendorState.ACTIVE, VendorState.SUSPENDED})

Moment = Annotated[datetime, Meta(tz=True)]


class NewVacation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When nothing is to be sold; `begins` left out is now."""

    begins: Moment | None = None
    ends: Moment
    reason: Annotated[str, Meta(max_length=200)] = ""


class Vacation(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's vacation, present, to come or past; all null if it never had one. It ends by itself."""

    begins: datetime | None
    ends: datetime | None
    on_vacation: bool


async def look(tx: Tx, code: str) -> Vacation:
    """Raises `NotFound` (``unknown_vendor``)."""
    vendor, now = await store.get(tx, code), await tx.now()
    begins, ends = vendor.vacation_from, vendor.vacation_until
    return Vacation(begins=begins, ends=ends, on_vacation=begins is not None and ends is not None and begins <= now < ends)


async def leave(tx: Tx, code: str, new: NewVacation) -> Vacation:
    """Go on vacation; another one that is planned or under way is replaced.

    Raises `Invalid` (``vacation_invalid``) and `Conflict` (``not_selling``) for a vendor that is not active.
    """
    now = await tx.now()
    begins = new.begins or now
    if new.ends <= max(begins, now):
        raise Invalid("vacation_invalid", "it ends before it begins, or has ended", field="/ends")
    if new.ends - begins > LONGEST or begins - now > LONGEST:
        raise Invalid("vacation_invalid", f"longer, or further away, than {LONGEST.days} days", field="/ends")
    return await _put(tx, code, begins, new.ends, new.reason)


async def come_back(tx: Tx, code: str) -> Vacation:
    """End the vacation now. Raises `Conflict` (``not_selling``)."""
    return await _put(tx, code, None, None, "")


async def _put(tx: Tx, code: str, begins: datetime | None, ends: datetime | None, why: str) -> Vacation:
    await store.lock(tx, code)
    vendor = await store.get(tx, code)
    if vendor.state not in _MAY:
        raise Conflict("not_selling", f"the vendor is {vendor.state}: it has nothing to take leave of", state=str(vendor.state))
    mine = update(vendors).where(vendors.c.code == code)
    await tx.execute(mine.values(vacation_from=begins, vacation_until=ends, version=vendors.c.version + 1))
    before = {"begins": vendor.vacation_from, "ends": vendor.vacation_until}
    await audit.note(tx, "vendor.vacation", code, why=why, before=before, after={"begins": begins, "ends": ends})
    return await look(tx, code)
