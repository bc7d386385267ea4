"""A vendor's standing as a table."""

from enum import StrEnum

from hub.kernel.machine import Machine


class VendorState(StrEnum):
    """How a vendor stands with us; only an active one's offers are for sale."""

    INVITED = "invited"
    ONBOARDING = "onboarding"
    IN_REVIEW = "in_review"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    CLOSED = "closed"


class VendorEvent(StrEnum):
    """What may happen to a vendor."""

    JOIN = "join"
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    REJECT = "reject"
    APPROVE = "approve"
    ADMIT = "admit"
    SUSPEND = "suspend"
    ACTIVATE = "activate"
    CLOSE = "close"
    END = "end"


_S, _E = VendorState, VendorEvent

VENDOR = Machine(
    "vendor",
    initial=_S.INVITED,
    ends=frozenset({_S.CLOSED}),
    table={
        (_S.INVITED, _E.JOIN): _S.ONBOARDING,
        (_S.INVITED, _E.ADMIT): _S.ACTIVE,
        (_S.INVITED, _E.CLOSE): _S.CLOSING,
        (_S.ONBOARDING, _E.SUBMIT): _S.IN_REVIEW,
        (_S.ONBOARDING, _E.CLOSE): _S.CLOSING,
        (_S.IN_REVIEW, _E.APPROVE): _S.ACTIVE,
        (_S.IN_REVIEW, _E.SEND_BACK): _S.ONBOARDING,
        (_S.IN_REVIEW, _E.REJECT): _S.CLOSING,
        (_S.IN_REVIEW, _E.CLOSE): _S.CLOSING,
        (_S.ACTIVE, _E.SUSPEND): _S.SUSPENDED,
        (_S.ACTIVE, _E.CLOSE): _S.CLOSING,
        (_S.SUSPENDED, _E.ACTIVATE): _S.ACTIVE,
        (_S.SUSPENDED, _E.CLOSE): _S.CLOSING,
        (_S.CLOSING, _E.SUSPEND): _S.SUSPENDED,
        (_S.CLOSING, _E.END): _S.CLOSED,
    },
)
"""``admit``: an operator answers for it, without any onboarding. ``closing``: nothing new, and what is open comes to its end."""
