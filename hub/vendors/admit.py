"""Admits a vendor on an operator's word: its account with us, its shipping options and its first API key."""

from collections.abc import Sequence

import msgspec

from hub.kernel.errors import Conflict, Invalid
from hub.runtime import auth
from hub.runtime.database import Actor, Tx
from hub.vendors import nkeys, store
from hub.vendors.advance import VENDOR_LIFE, advance
from hub.vendors.model import Admitted, NewVendor, ShippingOption
from hub.vendors.states import VendorEvent


def check(new: NewVendor) -> None:
    """Raises `Invalid` for what a field alone cannot tell."""
    check_options(new.shipping_options)
    if new.capabilities and new.embedded_spoke is None and new.nkey_public is None:
        raise Invalid("nkey_missing", "a vendor with a spoke needs the public nkey the spoke signs in with", field="/nkey_public")


def check_options(options: Sequence[ShippingOption]) -> None:
    """Raises `Invalid` (``shipping_option_twice``)."""
    codes = [option.code for option in options]
    if len(set(codes)) != len(codes):
        raise Invalid("shipping_option_twice", "each shipping option needs a code of its own", field="/shipping_options")


def capabilities_of(named: Sequence[str], *, we_run: bool) -> list[str]:
    """What a vendor's spoke is asked: what was named, or of one that we run what every adapter of ours can do."""
    return list(named) if named or not we_run else ["stock", "orders", "shipping"]


async def admit(tx: Tx, new: NewVendor) -> Admitted:
    """A new vendor, active at once. Raises `Invalid`, and `Conflict`: ``vendor_exists``, ``nkey_taken``.

    A spoke that we run has a key that we make.
    """
    check(new)
    capabilities = capabilities_of(new.capabilities, we_run=new.embedded_spoke is not None)
    await enter(tx, msgspec.structs.replace(new, capabilities=capabilities))
    await advance(tx, new.code, VendorEvent.ADMIT, "")
    issued = await auth.issue_key(tx, Actor("vendor", new.code))
    return Admitted(vendor=await store.get(tx, new.code), key_id=issued.id, api_key=issued.key)


async def enter(tx: Tx, new: NewVendor) -> None:
    """The row of a new vendor, invited. Raises `Conflict` (``vendor_exists``) if the code is taken, and as `nkeys.add`."""
    if not await store.add(tx, new):
        raise Conflict("vendor_exists", f"there is a vendor {new.code}", field="/code")
    if new.nkey_public is not None:
        await nkeys.add(tx, new.code, new.nkey_public)
    VENDOR_LIFE.born(tx, new.code, new.code)
