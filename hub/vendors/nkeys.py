"""The only reader and writer of the nkeys by which vendors' spokes sign in: at most two at once, for one to take over from the other."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, bindparam, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.runtime import audit, nkeys
from hub.runtime.database import Tx
from hub.vendors import store
from hub.vendors.states import VendorState
from hub.vendors.tables import vendor_nkeys, vendors

LIVE_MAX = 2
OVERLAP_SECONDS_MAX = 30 * 86_400
_WITHOUT = frozenset({VendorState.INVITED, VendorState.CLOSED})


class Nkey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that opens the vendor's account on the broker, until `expires_at` if it is being replaced."""

    nkey_public: str
    created_at: datetime
    expires_at: datetime | None


class NewNkey(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's new key; `seed` is its secret half if we made it, shown this once."""

    nkey_public: str
    seed: str | None
    live: list[Nkey]


_n = vendor_nkeys.c
LIVE = and_(_n.revoked_at.is_(None), or_(_n.expires_at.is_(None), _n.expires_at > func.now()))
_OF = (
    select(_n.nkey.label("nkey_public"), _n.created_at, _n.expires_at)
    .where(_n.vendor == bindparam("code"), LIVE)
    .order_by(_n.created_at.desc(), _n.nkey)
)
_ADD = insert(vendor_nkeys).on_conflict_do_nothing()


async def live(tx: Tx, code: str) -> list[Nkey]:
    """The keys that open the vendor's account now, the newest first."""
    return await tx.all(_OF, Nkey, {"code": code})


async def add(tx: Tx, code: str, nkey: str, field: str = "/nkey_public") -> None:
    """Let `nkey` open the vendor's account from the broker's next look on.

    Raises `Invalid` (``nkey_invalid``) and `Conflict` (``nkey_taken``) for one that was ever given, by whomever.
    """
    if not nkeys.is_public(nkey):
        raise Invalid("nkey_invalid", "it is no public half of a user's nkey: its checksum is wrong", field=field)
    if not await tx.execute(_ADD, {"nkey": nkey, "vendor": code}):
        raise Conflict("nkey_taken", "this nkey was given before; make a new one", field=field)


async def renew(tx: Tx, code: str, wanted: str | None, overlap_seconds: float) -> NewNkey:
    """A new key beside the present one, which ends after `overlap_seconds`; without `wanted` we make the pair.

    Raises `NotFound`, `Invalid` (``nkey_invalid``) and `Conflict`: ``nkey_taken``, ``overlap_running`` while two keys
    live, ``no_broker_account`` for a vendor that has not joined, or has left.
    """
    await store.lock(tx, code)
    if (await store.get(tx, code)).state in _WITHOUT:
        raise Conflict("no_broker_account", "only a vendor that has joined, and has not left, signs in at the broker")
    known = await live(tx, code)
    if len(known) >= LIVE_MAX:
        raise Conflict("overlap_running", "two keys are in force: revoke one, or wait for the older to end", until=known[-1].expires_at)
    seed = nkeys.new_seed() if wanted is None else None
    nkey = wanted or nkeys.public_of(seed or "")
    await add(tx, code, nkey)
    ending = update(vendor_nkeys).where(_n.vendor == code, _n.nkey != nkey, LIVE)
    await tx.execute(ending.values(expires_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, overlap_seconds)))
    await _show_newest(tx, code, nkey)
    await audit.note(tx, "nkey.renewed", code, after={"nkey": nkey, "overlap_seconds": overlap_seconds})
    return NewNkey(nkey_public=nkey, seed=seed, live=await live(tx, code))


async def revoke(tx: Tx, code: str, nkey: str, why: str) -> list[Nkey]:
    """End a key now: the broker drops who came in with it at its next look. What lives afterwards.

    Raises `NotFound` (``unknown_nkey``) for one that is not the vendor's, or has ended.
    """
    await store.lock(tx, code)
    mine = update(vendor_nkeys).where(_n.nkey == nkey, _n.vendor == code, LIVE)
    if not await tx.execute(mine.values(revoked_at=func.now())):
        raise NotFound("unknown_nkey", f"no nkey {nkey}, or it has ended")
    # The one that it was to replace stays: who revokes the new one goes back to the old.
    await tx.execute(update(vendor_nkeys).where(_n.vendor == code, LIVE).values(expires_at=null()))
    left = await live(tx, code)
    await _show_newest(tx, code, left[0].nkey_public if left else None)
    await audit.note(tx, "nkey.revoked", code, why=why, before={"nkey": nkey})
    return left


async def revoke_all(tx: Tx, code: str) -> None:
    """End every key: the vendor's account on the broker is gone at its next look."""
    await tx.execute(update(vendor_nkeys).where(_n.vendor == code, _n.revoked_at.is_(None)).values(revoked_at=func.now()))
    await _show_newest(tx, code, None)


async def _show_newest(tx: Tx, code: str, nkey: str | None) -> None:
    await tx.execute(update(vendors).where(vendors.c.code == code).values(nkey_public=nkey, version=vendors.c.version + 1))
