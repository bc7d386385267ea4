"""The life of a return as a hub keeps it; the tests compare it with the hub's own table."""

from enum import StrEnum

from vendor_sdk.emulator.refusals import Conflict


class ReturnState(StrEnum):
    """Where units that a buyer wants to send back stand."""

    REQUESTED = "requested"
    AUTHORIZED = "authorized"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    REFUNDED = "refunded"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"


_R = ReturnState
ENDS = frozenset({_R.REFUNDED, _R.CANCELED})
OVER = ENDS | {_R.REFUSED, _R.EXPIRED}
"""Where nothing is waited for; from the latter two a return can still go on."""

TABLE: dict[tuple[ReturnState, str], ReturnState] = {
    **{(state, "authorize"): _R.AUTHORIZED for state in (_R.REQUESTED, _R.REFUSED)},
    **{(state, "refuse"): _R.REFUSED for state in (_R.REQUESTED, _R.AUTHORIZED, _R.IN_TRANSIT)},
    (_R.AUTHORIZED, "send"): _R.IN_TRANSIT,
    **{(state, "receive"): _R.RECEIVED for state in (_R.AUTHORIZED, _R.IN_TRANSIT, _R.REFUSED, _R.EXPIRED)},
    (_R.RECEIVED, "refund"): _R.REFUNDED,
    **{(state, "cancel"): _R.CANCELED for state in (_R.REQUESTED, _R.AUTHORIZED)},
    (_R.AUTHORIZED, "expire"): _R.EXPIRED,
}
"""(state, event) → state."""


def after(state: ReturnState, event: str) -> ReturnState:
    """The state after `event`. Raises `Conflict` (``illegal_transition``) where there is no such edge."""
    if (state, event) not in TABLE:
        raise Conflict("illegal_transition", f"return is {state}: {event} is not possible", state=str(state))
    return TABLE[state, event]
