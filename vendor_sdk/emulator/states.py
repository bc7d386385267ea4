"""The life of a sub-order as a hub keeps it; the tests compare it with the hub's own table."""

from enum import StrEnum

from vendor_sdk.emulator.refusals import Conflict


class State(StrEnum):
    """Where the vendor's part of an order stands."""

    PLACED = "placed"
    RESERVED = "reserved"
    ROUTED = "routed"
    ACCEPTED = "accepted"
    RECALLING = "recalling"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    SETTLED = "settled"
    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "expired"


BEFORE_ACCEPTANCE = (State.PLACED, State.RESERVED, State.ROUTED)
FALLEN = frozenset({State.DECLINED, State.CANCELED, State.EXPIRED})
ENDS = FALLEN | {State.SETTLED}

TABLE: dict[tuple[State, str], State] = {
    (State.PLACED, "reserve"): State.RESERVED,
    (State.RESERVED, "route"): State.ROUTED,
    (State.ROUTED, "accept"): State.ACCEPTED,
    **{(state, "decline"): State.DECLINED for state in BEFORE_ACCEPTANCE},
    **{(state, "expire"): State.EXPIRED for state in BEFORE_ACCEPTANCE},
    **{(state, "cancel"): State.CANCELED for state in (*BEFORE_ACCEPTANCE, State.ACCEPTED, State.RECALLING)},
    (State.ACCEPTED, "recall"): State.RECALLING,
    (State.RECALLING, "keep"): State.ACCEPTED,
    (State.RECALLING, "ship"): State.SHIPPED,
    (State.ACCEPTED, "ship"): State.SHIPPED,
    (State.SHIPPED, "deliver"): State.DELIVERED,
    (State.DELIVERED, "settle"): State.SETTLED,
}
"""(state, event) → state."""


def after(state: State, event: str) -> State:
    """The state after `event`. Raises `Conflict` (``illegal_transition``) where there is no such edge."""
    if (state, event) not in TABLE:
        raise Conflict("illegal_transition", f"the sub-order is {state}: {event} is not possible", state=str(state))
    return TABLE[state, event]
