"""What the vendor is told by webhook: an event for each endpoint that wants to hear of it, in the form of Standard Webhooks."""

from typing import Any, Literal

import msgspec

from vendor_sdk.emulator import shown
from vendor_sdk.emulator.model import Delivery, Endpoint, Part
from vendor_sdk.emulator.turn import Turn, moment

BODY_BYTES_MAX = 20_000
KINDS = {
    "born": "order.placed",
    "route": "order.routed",
    "accept": "order.accepted",
    "decline": "order.declined",
    "expire": "order.expired",
    "cancel": "order.canceled",
    "recall": "order.recalled",
    "keep": "order.kept",
    "ship": "order.shipped",
    "deliver": "order.delivered",
}
"""By what happens to a sub-order."""
EventType = Literal[
    "order.placed",
    "order.routed",
    "order.accepted",
    "order.declined",
    "order.expired",
    "order.canceled",
    "order.recalled",
    "order.kept",
    "order.shipped",
    "order.delivered",
    "return.requested",
    "return.authorized",
    "return.refused",
    "return.in_transit",
    "return.received",
    "return.refunded",
    "return.canceled",
    "return.expired",
    "refund.created",
    "refund.succeeded",
    "refund.failed",
    "transfer.sent",
    "payout.paid",
    "payout.failed",
    "dispute.opened",
    "dispute.closed",
    "vendor.updated",
    "webhook_endpoint.disabled",
    "test",
]
"""What an endpoint may ask for.

The steps of a return, failures of money, disputes and changes of the vendor do not happen here: they are only tested.
"""


def tell_of_part(turn: Turn, part: Part, event: str) -> None:
    """Something happened to a sub-order, as it stands now."""
    if event in KINDS:
        thin = {"id": part.id, "state": str(part.state), "reason": part.reason or "", "order_id": part.order_id}
        tell(turn, KINDS[event], part.id, thin, shown.order(turn.book, part))


def tell(turn: Turn, kind: str, key: str, thin: dict[str, Any], full: Any = None) -> None:
    """Write a delivery for each endpoint that hears of `kind`; those with one `key` are told in order."""
    event_id = turn.new_id("evt")
    for endpoint in turn.book.endpoints.values():
        if not endpoint.types or kind in endpoint.types:
            add(turn, endpoint, event_id, kind, key, _body(turn, kind, endpoint, thin, full))


def tell_test(turn: Turn, endpoint: Endpoint, kind: str) -> Delivery:
    """An example of an event for one endpoint."""
    thin = {"id": endpoint.id, "state": "enabled", "reason": "asked for", "test": True}
    return add(turn, endpoint, turn.new_id("evt"), kind, turn.new_id("tst"), _body(turn, kind, endpoint, thin, None))


def add(turn: Turn, endpoint: Endpoint, event_id: str, kind: str, key: str, body: str) -> Delivery:  # a delivery's parts
    """A delivery that is due now; to an endpoint that is disabled it has failed, and may be replayed."""
    is_on = endpoint.state == "enabled"
    made = Delivery(
        id=turn.new_id("whd"),
        event_id=event_id,
        endpoint_id=endpoint.id,
        type=kind,
        key=key,
        position=len(turn.book.deliveries) + 1,
        body=body,
        created_at=turn.now,
        due_at=turn.now,
        state="pending" if is_on else "failed",
        reason="" if is_on else "endpoint_disabled",
        ended_at=None if is_on else turn.now,
    )
    turn.book.deliveries[made.id] = made
    return made


def _body(turn: Turn, kind: str, endpoint: Endpoint, thin: dict[str, Any], full: Any) -> str:
    data = thin if full is None or endpoint.payload == "thin" else {**thin, "object": full}
    body = msgspec.json.encode({"type": kind, "timestamp": moment(turn.now), "data": data})
    if len(body) >= BODY_BYTES_MAX:
        body = msgspec.json.encode({"type": kind, "timestamp": moment(turn.now), "data": thin})
    return body.decode()
