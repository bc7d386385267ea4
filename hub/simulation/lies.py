"""What a simulated vendor says beside the truth: the same again, nonsense, mistakes, the opposite."""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from hub.simulation.nature import Nature
from vendor_sdk.envelope import Command, Event, event_headers
from vendor_sdk.messages import COMMAND_ID, EVENT_ID, MSG_ID, SCHEMA

if TYPE_CHECKING:
    from hub.simulation.vendors import Vendor

SOON = (0.001, 3600.0)
"""Seconds from the answer to what is said beside it."""

OPPOSITE = {
    "stock.reserved": "stock.refused",
    "stock.refused": "stock.reserved",
    "orders.accepted": "orders.declined",
    "orders.declined": "orders.accepted",
    "orders.pending": "orders.declined",
    "orders.recalled": "orders.kept",
    "orders.kept": "orders.recalled",
    "shipping.pending": "shipping.shipped",
    "shipping.shipped": "shipping.delivered",
}
MORE: dict[str, dict[str, Any]] = {
    "stock.refused": {"reason": "changed_our_mind"},
    "orders.declined": {"reason": "changed_our_mind"},
    "shipping.shipped": {"parcels": [{"carrier": "Virtual Post", "tracking_number": "VP-NEVER"}]},
}
"""What a fact says beside the sub-order."""

GARBAGE: list[tuple[str, dict[str, str], bytes]] = [
    ("", {}, b"certainly, sir"),
    ("", {}, b'{"sub_order_id": 7}'),
    ("", {}, b'{"sub_order_id": "a\\u0000b"}'),
    ("", {}, b"\xff\xfe"),
    ("", {SCHEMA: "99"}, b"{}"),
    ("", {EVENT_ID: ""}, b"{}"),
    ("stock.perhaps", {}, b"{}"),
    ("spoke.dead", {}, b"{}"),
]
"""Kind (empty: the answer's), headers that replace the answer's, body."""


def lie(vendor: "Vendor", nature: Nature, command: Command, event: Event) -> None:
    """After an answer: whatever else this vendor says of it."""
    if not vendor.character.prone:
        return
    if vendor.prone("vendor_echoes"):
        _say(vendor, nature, event.kind, _headers(event, "echo"), event.body)
    if vendor.prone("vendor_babbles"):
        kind, headers, body = nature.dice("garbage").choice(GARBAGE)
        _say(vendor, nature, kind or event.kind, _headers(event, "garbage") | headers, body)
    if vendor.prone("vendor_mistakes"):
        _say(vendor, nature, event.kind, *_mistaken(nature, event))
    if event.kind in OPPOSITE and vendor.prone("vendor_contradicts"):
        sub_order_id = command.body.sub_order_id
        vendor.lied[sub_order_id] = None
        kind = OPPOSITE[event.kind]
        headers = _headers(event, "opposite") | {EVENT_ID: f"{command.id}.{kind.rsplit('.', 1)[-1]}"}
        _say(vendor, nature, kind, headers, msgspec.json.encode({"sub_order_id": sub_order_id} | MORE.get(kind, {})))


def _say(vendor: "Vendor", nature: Nature, kind: str, headers: dict[str, str], body: bytes) -> None:
    asyncio.get_running_loop().call_later(nature.seconds("lie", *SOON), vendor.say, kind, headers, body)


def _headers(event: Event, what: str) -> dict[str, str]:
    headers = event_headers(event)
    headers[MSG_ID] += f".{what}"
    return headers


def _mistaken(nature: Nature, event: Event) -> tuple[dict[str, str], bytes]:
    headers = _headers(event, "mistake") | {EVENT_ID: f"{event.id}.mistake"}
    if nature.dice("mistake").random() < 0.5:  # noqa: PLR2004  # as often the one as the other
        return headers | {COMMAND_ID: "step_of_nobody"}, event.body
    return headers, msgspec.json.encode(msgspec.json.decode(event.body) | {"sub_order_id": "sub_of_somebody_else"})
