"""Invites a vendor: its row, invited, and a token that lets it join once."""

import base64

from hub.kernel.errors import Conflict
from hub.onboarding import store
from hub.onboarding.model import Invitation, Invited, NewInvitation
from hub.runtime import audit
from hub.runtime.auth import hash_key
from hub.runtime.database import Tx
from hub.runtime.entropy import random_bytes
from hub.vendors import store as vendors
from hub.vendors.admit import enter
from hub.vendors.advance import advance
from hub.vendors.model import NewVendor
from hub.vendors.states import VendorEvent, VendorState

PREFIX = "wk_invite"


async def invite(tx: Tx, new: NewInvitation) -> Invited:
    """A vendor that may join for `expires_in_seconds`. Raises `Conflict` (``vendor_exists``)."""
    vendor = NewVendor(
        code=new.code,
        name=new.name,
        country=new.country,
        commission_bps=new.commission_bps,
        hold_seconds=new.hold_seconds,
        shipping_options=[],
    )
    await enter(tx, vendor)
    invited = await _send(tx, new.code, new.email, new.expires_in_seconds)
    await audit.note(tx, "vendor.invited", new.code, after={"invitation": invited.invitation.id, "email": new.email})
    return invited


async def renew(tx: Tx, invitation_id: str) -> Invited:
    """Another token for as long as the first was good, be that lost or expired; the old one ends.

    Raises `NotFound` (``unknown_invitation``) and `Conflict` (``invitation_over``) for a vendor that has joined, or is gone.
    """
    old = await _still_invited(tx, invitation_id)
    invited = await _send(tx, old.vendor, old.email, (old.expires_at - old.created_at).total_seconds())
    await audit.note(tx, "vendor.invited", old.vendor, before={"invitation": old.id}, after={"invitation": invited.invitation.id})
    return invited


async def revoke(tx: Tx, invitation_id: str, why: str) -> Invitation:
    """Take an invitation back; the vendor is closed. Raises as `renew` does."""
    old = await _still_invited(tx, invitation_id)
    await store.end_invitations(tx, old.vendor)
    await advance(tx, old.vendor, VendorEvent.CLOSE, why)
    return await store.invitation(tx, invitation_id)


async def _still_invited(tx: Tx, invitation_id: str) -> Invitation:
    old = await store.invitation(tx, invitation_id)
    await vendors.lock(tx, old.vendor)
    state = (await vendors.get(tx, old.vendor)).state
    if state is not VendorState.INVITED:
        raise Conflict("invitation_over", f"the vendor is {state}", state=str(state))
    return old


async def _send(tx: Tx, code: str, email: str, seconds: float) -> Invited:
    token = f"{PREFIX}_{base64.urlsafe_b64encode(random_bytes(32)).rstrip(b'=').decode()}"
    return Invited(invitation=await store.add_invitation(tx, code, email, hash_key(token), seconds), token=token)
