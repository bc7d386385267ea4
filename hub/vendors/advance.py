"""The one door for a vendor's state."""

from hub.kernel.errors import Conflict, NotFound
from hub.runtime.database import Tx
from hub.runtime.life import Life
from hub.vendors import store
from hub.vendors.model import Vendor
from hub.vendors.states import VENDOR, VendorEvent, VendorState
from hub.vendors.tables import vendors

VENDOR_LIFE = Life(VENDOR, vendors, saga_column="code", id_column="code")


async def advance(tx: Tx, code: str, event: VendorEvent, reason: str) -> Vendor:
    """Apply `event`.

    Raises `NotFound` (``unknown_vendor``) and `Conflict`: ``illegal_transition``, ``never_active`` for calling off the closing
    of a vendor that nobody ever admitted or approved.
    """
    closing = event is VendorEvent.SUSPEND and (await store.get(tx, code)).state is VendorState.CLOSING
    if closing and not await store.was_active(tx, code):
        raise Conflict("never_active", "it was never admitted or approved: there is nothing to go back to")
    try:
        await VENDOR_LIFE.advance(tx, code, event, reason=reason)
    except NotFound:
        raise NotFound("unknown_vendor", f"no vendor {code}") from None
    return await store.get(tx, code)
