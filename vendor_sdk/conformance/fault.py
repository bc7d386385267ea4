"""The ways in which a vendor's system is made to fail."""

from enum import StrEnum


class Fault(StrEnum):
    """What happens to every call into the vendor's system while it lasts; only where an answer is spoiled is anything done there."""

    RATE_LIMITED = "rate_limited"
    """429 with a Retry-After of `RETRY_AFTER` seconds."""
    BUSY = "busy"
    """503."""
    SIGNED_OUT = "signed_out"
    """401: the credentials are no longer good."""
    GARBAGE = "garbage"
    """Something that is no answer, with the status of the true one."""
    CUT = "cut"
    """The connection ends before an answer."""
    SLOW = "slow"
    """No answer for longer than anybody waits."""
    UNKNOWN_STATUS = "unknown_status"
    """The true answer, with a status that nobody has heard of."""


RETRY_AFTER = 70
"""So long that the guard leaves it to redelivery, whatever its limits."""

UNHEARD_OF = "status-nobody-has-heard-of"
