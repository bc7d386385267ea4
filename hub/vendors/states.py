"""A vendor's standing as a table."""

from enum import StrEnum

from hub.kernel.machine import Machine


class VendorState(StrEnum):
    """How a vendor stands with us; only an active one's offers are for sale."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class VendorEvent(StrEnum):
    """What may happen to a vendor."""

    SUSPEND = "suspend"
    ACTIVATE = "activate"
    CLOSE = "close"


VENDOR = Machine(
    "vendor",
    initial=VendorState.ACTIVE,
    ends=frozenset({VendorState.CLOSED}),
    table={
        (VendorState.ACTIVE, VendorEvent.SUSPEND): VendorState.SUSPENDED,
        (VendorState.SUSPENDED, VendorEvent.ACTIVATE): VendorState.ACTIVE,
        (VendorState.SUSPENDED, VendorEvent.CLOSE): VendorState.CLOSED,
    },
)
