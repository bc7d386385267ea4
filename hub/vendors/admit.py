"""Admits a vendor: its account with us, its shipping options and its first API key."""

from typing import get_args

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.runtime import auth
from hub.runtime.database import Actor, Tx
from hub.vendors import store
from hub.vendors.advance import VENDOR_LIFE
from hub.vendors.model import Admitted, Capability, NewVendor


def check(new: NewVendor) -> None:
    """Raises `Invalid` for what a field alone cannot tell."""
    codes = [option.code for option in new.shipping_options]
    if len(set(codes)) != len(codes):
        raise Invalid("shipping_option_twice", "each shipping option needs a code of its own", field="/shipping_options")
    if new.capabilities and new.embedded_spoke is None and new.nkey_public is None:
        raise Invalid("nkey_missing", "a vendor with a spoke needs the public nkey the spoke signs in with", field="/nkey_public")


async def admit(tx: Tx, new: NewVendor) -> Admitted:
    """A new vendor, active at once. Raises `Invalid`, and `Conflict` (``vendor_exists``) if the code is taken.

    A spoke that we run has a key that we make, and every capability unless some are named.
    """
    check(new)
    if new.embedded_spoke is not None and not new.capabilities:
        new = msgspec.structs.replace(new, capabilities=list(get_args(Capability)))
    if not await store.add(tx, new):
        raise Conflict("vendor_exists", f"there is a vendor {new.code}", field="/code")
    VENDOR_LIFE.born(tx, new.code, new.code)
    issued = await auth.issue_key(tx, Actor("vendor", new.code))
    return Admitted(vendor=await store.get(tx, new.code), key_id=issued.id, api_key=issued.key)
