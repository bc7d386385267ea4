"""The life of a sub-order as a table, and an order's state as a pure roll-up of its sub-orders."""

from collections.abc import Sequence
from enum import StrEnum

from hub.kernel.machine import Machine


class SubOrderState(StrEnum):
    """Where one vendor's part stands."""

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


class SubOrderEvent(StrEnum):
    """What may happen to it."""

    RESERVE = "reserve"
    ROUTE = "route"
    ACCEPT = "accept"
    DECLINE = "decline"
    RECALL = "recall"
    KEEP = "keep"
    SHIP = "ship"
    DELIVER = "deliver"
    SETTLE = "settle"
    CANCEL = "cancel"
    EXPIRE = "expire"


_S, _E = SubOrderState, SubOrderEvent
_BEFORE_ACCEPTANCE = (_S.PLACED, _S.RESERVED, _S.ROUTED)

SUB_ORDER = Machine(
    "sub_order",
    initial=_S.PLACED,
    ends=frozenset({_S.SETTLED, _S.DECLINED, _S.CANCELED, _S.EXPIRED}),
    table={
        (_S.PLACED, _E.RESERVE): _S.RESERVED,
        (_S.RESERVED, _E.ROUTE): _S.ROUTED,
        (_S.ROUTED, _E.ACCEPT): _S.ACCEPTED,
        **{(state, _E.DECLINE): _S.DECLINED for state in _BEFORE_ACCEPTANCE},
        **{(state, _E.EXPIRE): _S.EXPIRED for state in _BEFORE_ACCEPTANCE},
        **{(state, _E.CANCEL): _S.CANCELED for state in (*_BEFORE_ACCEPTANCE, _S.ACCEPTED, _S.RECALLING)},
        (_S.ACCEPTED, _E.RECALL): _S.RECALLING,
        (_S.RECALLING, _E.KEEP): _S.ACCEPTED,
        (_S.RECALLING, _E.SHIP): _S.SHIPPED,
        (_S.ACCEPTED, _E.SHIP): _S.SHIPPED,
        (_S.SHIPPED, _E.DELIVER): _S.DELIVERED,
        (_S.DELIVERED, _E.SETTLE): _S.SETTLED,
    },
)


class OrderState(StrEnum):
    """What the buyer sees of the whole."""

    PLACED = "placed"
    RESERVED = "reserved"
    ROUTED = "routed"
    CONFIRMED = "confirmed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    PARTIALLY_DELIVERED = "partially_delivered"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    DECLINED = "declined"
    CANCELED = "canceled"
    EXPIRED = "expired"


ORDER_ENDS = frozenset({OrderState.COMPLETED, OrderState.DECLINED, OrderState.CANCELED, OrderState.EXPIRED})

FALLEN = frozenset({_S.DECLINED, _S.CANCELED, _S.EXPIRED})
"""Sub-orders that will not be fulfilled; the order goes on without them."""

LEFT = frozenset({_S.SHIPPED, _S.DELIVERED, _S.SETTLED})
"""Sub-orders whose goods have left."""

_RANK = {
    _S.PLACED: 0,
    _S.RESERVED: 1,
    _S.ROUTED: 2,
    _S.ACCEPTED: 3,
    _S.RECALLING: 3,
    _S.SHIPPED: 4,
    _S.DELIVERED: 5,
    _S.SETTLED: 6,
}
_WHOLE = (
    OrderState.PLACED,
    OrderState.RESERVED,
    OrderState.ROUTED,
    OrderState.CONFIRMED,
    OrderState.SHIPPED,
    OrderState.DELIVERED,
    OrderState.COMPLETED,
)
_SHIPPED, _DELIVERED = _RANK[_S.SHIPPED], _RANK[_S.DELIVERED]


def roll_up(states: Sequence[SubOrderState]) -> OrderState:
    """An order's state: that of its slowest part still standing; ``partially_…`` while some parts are ahead on the road."""
    standing = [_RANK[state] for state in states if state not in FALLEN]
    if not standing:
        return _fallen(states)
    slowest, fastest = min(standing), max(standing)
    if slowest < _DELIVERED <= fastest and slowest >= _RANK[_S.ACCEPTED]:
        return OrderState.PARTIALLY_DELIVERED
    if slowest < _SHIPPED <= fastest and slowest >= _RANK[_S.ACCEPTED]:
        return OrderState.PARTIALLY_SHIPPED
    return _WHOLE[slowest]


def _fallen(states: Sequence[SubOrderState]) -> OrderState:
    if _S.EXPIRED in states:
        return OrderState.EXPIRED
    if _S.CANCELED in states:
        return OrderState.CANCELED
    return OrderState.DECLINED
