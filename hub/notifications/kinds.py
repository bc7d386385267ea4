"""Which moments of the timeline vendors are told of, and in what form (pure)."""

from datetime import datetime
from typing import Any

import msgspec

from hub.notifications.model import Body, EventType

KINDS: dict[tuple[str, str], EventType] = {
    ("sub_order", "born"): "order.placed",
    ("sub_order", "route"): "order.routed",
    ("sub_order", "accept"): "order.accepted",
    ("sub_order", "decline"): "order.declined",
    ("sub_order", "expire"): "order.expired",
    ("sub_order", "cancel"): "order.canceled",
    ("sub_order", "recall"): "order.recalled",
    ("sub_order", "keep"): "order.kept",
    ("sub_order", "ship"): "order.shipped",
    ("sub_order", "deliver"): "order.delivered",
    ("return", "born"): "return.requested",
    ("return", "authorize"): "return.authorized",
    ("return", "refuse"): "return.refused",
    ("return", "send"): "return.in_transit",
    ("return", "receive"): "return.received",
    ("return", "refund"): "return.refunded",
    ("return", "cancel"): "return.canceled",
    ("return", "expire"): "return.expired",
    ("refund", "born"): "refund.created",
    ("refund", "succeed"): "refund.succeeded",
    ("refund", "fail"): "refund.failed",
    ("transfer", "transfer"): "transfer.sent",
    ("payout", "pay"): "payout.paid",
    ("payout", "fail"): "payout.failed",
    ("dispute", "contest"): "dispute.opened",
    ("dispute", "win"): "dispute.closed",
    ("dispute", "lose"): "dispute.closed",
    ("vendor", "suspend"): "vendor.updated",
    ("vendor", "activate"): "vendor.updated",
    ("vendor", "close"): "vendor.updated",
    ("vendor", "end"): "vendor.updated",
    ("vendor", "approve"): "vendor.updated",
    ("vendor", "send_back"): "vendor.updated",
    ("vendor", "reject"): "vendor.updated",
    ("vendor", "terms"): "vendor.updated",
    ("webhook_endpoint", "disable"): "webhook_endpoint.disabled",
}
"""By life and event. An inquiry of a bank is told when it becomes a dispute."""

BODY_BYTES_MAX = 20_000
"""What Standard Webhooks asks of a body."""

_encoder = msgspec.json.Encoder()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor may know of a thing: `thin` names it, `full` is the thing itself; `key` is the line it waits in."""

    vendor: str
    key: str
    thin: dict[str, Any]
    full: Any = None


class Bodies(msgspec.Struct, frozen=True):
    """An event as it is sent; without `full` it is always thin."""

    thin: bytes
    full: bytes | None


def bodies(kind: EventType, at: datetime, told: Told) -> Bodies:
    """Both forms, to the byte."""
    thin = _encoder.encode(Body(type=kind, timestamp=at, data=told.thin))
    if told.full is None:
        return Bodies(thin, None)
    full = _encoder.encode(Body(type=kind, timestamp=at, data={**told.thin, "object": told.full}))
    return Bodies(thin, full if len(full) < BODY_BYTES_MAX else None)


def hears(types: list[EventType], kind: EventType) -> bool:
    """Whether an endpoint with this filter hears of it."""
    return not types or kind in types
