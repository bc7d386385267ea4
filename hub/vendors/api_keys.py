"""The keys of a vendor for the vendor API: listed, made, replaced with an overlap, ended."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.kernel.errors import Conflict, Invalid, NotFound
from hub.runtime import audit, auth
from hub.runtime.auth import SCOPES, ApiKey
from hub.runtime.database import Actor, Tx
from hub.vendors import store
from hub.vendors.states import VendorState

KEYS_MAX = 10
MAKES_KEYS = "vendor:write"
OVERLAP_SECONDS_MAX = 30 * 86_400
_WITHOUT = frozenset({VendorState.INVITED, VendorState.CLOSED})

KeyName = Annotated[str, Meta(max_length=100)]


class NewApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made. The key `replaces` works for `overlap_seconds` more; no `scopes` means all that its maker has."""

    name: KeyName = ""
    scopes: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=10)] = []
    replaces: Annotated[str, Meta(max_length=64)] | None = None
    overlap_seconds: Annotated[int, Meta(ge=0, le=OVERLAP_SECONDS_MAX)] = 86_400


class MadeApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """The new key, shown this once: null when the answer is repeated."""

    id: str
    api_key: str | None
    live: list[ApiKey]


class ApiKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that work now, the newest first."""

    data: list[ApiKey]


async def browse(tx: Tx, code: str) -> ApiKeys:
    """Raises `NotFound` (``unknown_vendor``)."""
    await store.get(tx, code)
    return ApiKeys(data=await auth.keys_of(tx, Actor("vendor", code)))


async def make(tx: Tx, code: str, new: NewApiKey, scopes: Collection[str] = SCOPES["vendor"]) -> MadeApiKey:
    """Another key, beside the others or instead of one; none may do more than `scopes`, those of whoever makes it.

    Raises `NotFound` (``unknown_vendor``, ``unknown_key``), `Invalid` (``scope_unknown``) and `Conflict`:
    ``too_many_keys``, ``no_api`` for a vendor that has not joined, or has left.
    """
    theirs = [scope for scope in SCOPES["vendor"] if scope in scopes]
    vendor = Actor("vendor", code)
    await store.lock(tx, code)
    if (await store.get(tx, code)).state in _WITHOUT:
        raise Conflict("no_api", "only a vendor that has joined, and has not left, has keys")
    for number, scope in enumerate(new.scopes):
        if scope not in theirs:
            raise Invalid("scope_unknown", f"to be given are {', '.join(theirs)}", field=f"/scopes/{number}")
    if len(await auth.keys_of(tx, vendor)) >= KEYS_MAX:
        raise Conflict("too_many_keys", f"there are {KEYS_MAX} keys: revoke one first")
    if new.replaces is not None and not await auth.expire(tx, vendor, new.replaces, new.overlap_seconds):
        raise NotFound("unknown_key", f"no key {new.replaces}, or it has ended", field="/replaces")
    issued = await auth.issue_key(tx, vendor, tuple(new.scopes or theirs), new.name)
    await audit.note(tx, "api_key.made", code, after={"id": issued.id, "name": new.name, "replaces": new.replaces})
    return MadeApiKey(id=issued.id, api_key=issued.key, live=await auth.keys_of(tx, vendor))


async def end(tx: Tx, code: str, key_id: str, *, last_too: bool) -> ApiKeys:
    """End a key of the vendor's.

    Raises `NotFound` (``unknown_key``), and `Conflict` (``last_key``) where none would be left that makes others, unless `last_too`.
    """
    vendor = Actor("vendor", code)
    await store.lock(tx, code)
    left = [key for key in await auth.keys_of(tx, vendor) if key.id != key_id and key.expires_at is None and MAKES_KEYS in key.scopes]
    if not await auth.revoke(tx, key_id, vendor):
        raise NotFound("unknown_key", f"no key {key_id}, or it has ended")
    if not left and not last_too:
        raise Conflict("last_key", "it is the last that lasts: make another first, or have an operator end it")
    await audit.note(tx, "api_key.revoked", code, before={"id": key_id})
    return ApiKeys(data=await auth.keys_of(tx, vendor))
