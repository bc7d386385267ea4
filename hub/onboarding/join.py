"""Lets a vendor join by its invitation: in one transaction its shipping options, its nkey, its API key and its new state.

Its account on the broker, its streams and its account with the payment provider follow within seconds, by those who look
after these: nothing is lost if one of them is away just now.
"""

from hub.kernel.errors import Conflict, NotFound
from hub.onboarding import store
from hub.onboarding.model import Acceptance, Joined
from hub.runtime import audit, auth
from hub.runtime.auth import hash_key
from hub.runtime.database import Actor, Tx
from hub.runtime.nkeys import new_seed, public_of
from hub.vendors import nkeys
from hub.vendors import store as vendors
from hub.vendors.admit import check_options
from hub.vendors.advance import advance
from hub.vendors.states import VendorEvent, VendorState
from vendor_sdk.subjects import account


async def join(tx: Tx, acceptance: Acceptance) -> Joined:
    """A vendor that is onboarding now, with all it needs to connect.

    Raises `Invalid`, `NotFound` (``unknown_invitation``: made up, used, revoked or expired alike) and `Conflict` (``nkey_taken``).
    """
    check_options(acceptance.shipping_options)
    code = await store.invited(tx, hash_key(acceptance.token))
    if code is not None:
        await vendors.lock(tx, code)  # before its invitation, as whoever takes that back
    if code is None or await store.take_invitation(tx, hash_key(acceptance.token)) is None:
        raise NotFound("unknown_invitation", "no such invitation is open: ask for another", field="/token")
    asker, tx.actor = tx.actor, Actor("vendor", code)  # what follows is the vendor's own doing
    if (await vendors.get(tx, code)).state is not VendorState.INVITED:
        raise Conflict("invitation_over", "this vendor has joined, or is gone")
    await vendors.add_options(tx, code, acceptance.shipping_options)
    wanted, seed = acceptance.nkey_public, None
    if wanted is None and acceptance.capabilities:
        seed = new_seed()
        wanted = public_of(seed)
    if wanted is not None:
        await nkeys.add(tx, code, wanted)
    await vendors.equip(tx, code, nkey_public=wanted, capabilities=sorted(set(acceptance.capabilities)))
    vendor = await advance(tx, code, VendorEvent.JOIN, "")
    issued = await auth.issue_key(tx, tx.actor)
    await audit.note(tx, "vendor.joined", code, after={"nkey": wanted, "key": issued.id})
    tx.actor = asker
    return Joined(
        vendor=vendor,
        key_id=issued.id,
        api_key=issued.key,
        nkey_public=wanted,
        nkey_seed=seed,
        account=None if wanted is None else account(code),
    )
