"""The life of a return."""

from enum import StrEnum

from hub.kernel.machine import Machine


class ReturnState(StrEnum):
    """Where units that a buyer wants to send back stand."""

    REQUESTED = "requested"
    """Its vendor is asked."""
    AUTHORIZED = "authorized"
    """The buyer may send them."""
    IN_TRANSIT = "in_transit"
    """The buyer says that they were sent."""
    RECEIVED = "received"
    """They are back and were looked at; the refund is about to be asked for, or waits for a dispute."""
    REFUNDED = "refunded"
    """The refund of what was taken back has begun, or the buyer had that money before; a refund has a life of its own."""
    REFUSED = "refused"
    """Its vendor does not take them back, before or after it has seen them; an operator may think otherwise."""
    CANCELED = "canceled"
    EXPIRED = "expired"
    """Nothing has come back in time."""


class ReturnEvent(StrEnum):
    """What may happen to it."""

    AUTHORIZE = "authorize"
    REFUSE = "refuse"
    SEND = "send"
    RECEIVE = "receive"
    REFUND = "refund"
    CANCEL = "cancel"
    EXPIRE = "expire"


_R, _E = ReturnState, ReturnEvent

RETURN = Machine(
    "return",
    initial=_R.REQUESTED,
    ends=frozenset({_R.REFUNDED, _R.CANCELED}),
    table={
        **{(state, _E.AUTHORIZE): _R.AUTHORIZED for state in (_R.REQUESTED, _R.REFUSED)},
        **{(state, _E.REFUSE): _R.REFUSED for state in (_R.REQUESTED, _R.AUTHORIZED, _R.IN_TRANSIT)},
        (_R.AUTHORIZED, _E.SEND): _R.IN_TRANSIT,
        **{(state, _E.RECEIVE): _R.RECEIVED for state in (_R.AUTHORIZED, _R.IN_TRANSIT, _R.REFUSED, _R.EXPIRED)},
        (_R.RECEIVED, _E.REFUND): _R.REFUNDED,
        **{(state, _E.CANCEL): _R.CANCELED for state in (_R.REQUESTED, _R.AUTHORIZED)},
        (_R.AUTHORIZED, _E.EXPIRE): _R.EXPIRED,
    },
)
