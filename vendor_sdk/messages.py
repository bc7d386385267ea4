"""Every message between hub and spoke: commands, answers, facts, and the headers around them.

Bodies are JSON. Money is integer minor units with the sub-order's currency; times are RFC 3339 in UTC. A decoder
refuses unknown fields: what a side does not understand it must not half-apply.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from vendor_sdk.documents import *
from vendor_sdk.return_messages import *
from vendor_sdk.words import *

SCHEMA_VERSION = "1"
BODY_BYTES_MAX = 256 * 1024
MSG_ID = "Nats-Msg-Id"
COMMAND_ID = "Mk-Cmd-Id"
EVENT_ID = "Mk-Event-Id"
ORDER_ID = "Mk-Order-Id"
ATTEMPT = "Mk-Attempt"
DEADLINE = "Mk-Deadline"
SCHEMA = "Mk-Schema"
TRACEPARENT = "traceparent"
CORRELATION_ID = "Mk-Correlation-Id"


class PricedItem(Item, frozen=True):
    """An item as the buyer bought it; `unit_price` in minor units."""

    title: Text
    unit_price: Minor


class Address(Message, frozen=True):
    """Where the goods go; `country` is ISO 3166-1 alpha-2."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    line1: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    postal_code: Annotated[str, Meta(min_length=1, max_length=20)]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$", max_length=2)]
    line2: Annotated[str, Meta(max_length=200)] = ""
    region: Annotated[str, Meta(max_length=100)] = ""


class Parcel(Message, frozen=True):
    """One tracked box."""

    carrier: Annotated[str, Meta(min_length=1, max_length=64)]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=128)]


# Commands: hub to vendor. The command id (header) is the idempotency key: do it once, answer it always.


class Reserve(Message, frozen=True):
    """``stock.reserve``: set these units aside for a sub-order until `expires_at`; all of them or none."""

    sub_order_id: Id
    items: list[Item]
    expires_at: datetime


class Release(Message, frozen=True):
    """``stock.release``: give back what `reserve_command_id` set aside.

    If that command is unknown, remember the release: when the reserve arrives late it must be refused.
    """

    sub_order_id: Id
    reserve_command_id: Id


class Submit(Message, frozen=True):
    """``orders.submit``: will you fulfill this sub-order? Nothing leaves the house before ``shipping.ship``."""

    sub_order_id: Id
    order_id: Id
    items: list[PricedItem]
    ship_to: Address
    shipping_option: Annotated[str, Meta(max_length=64)]
    shipping_price: Minor
    total: Minor
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    answer_by: datetime


class Recall(Message, frozen=True):
    """``orders.recall``: stop; the sub-order is to be canceled. Refuse only if the goods have left.

    A recall for an unknown submit leaves a tombstone, as a release does.
    """

    sub_order_id: Id
    submit_command_id: Id
    reason: Reason


class Ship(Message, frozen=True):
    """``shipping.ship``: the sub-order is paid; send it."""

    sub_order_id: Id
    items: list[Item]
    ship_to: Address
    shipping_option: Annotated[str, Meta(max_length=64)]


class Track(Message, frozen=True):
    """``shipping.track``: have the goods of a shipped sub-order arrived? Asked again from time to time until they have."""

    sub_order_id: Id
    parcels: list[Parcel]


# Answers and facts: vendor to hub.


class Reserved(Message, frozen=True):
    """``stock.reserved`` answers reserve; `reference` is the vendor's own reservation number."""

    sub_order_id: Id
    reference: Annotated[str, Meta(max_length=128)] = ""


class Shortfall(Item, frozen=True):
    """Units of an item that the vendor cannot or will not deliver, and why."""

    reason: Reason = "out_of_stock"
    detail: Text = ""


Short = Annotated[list[Shortfall], Meta(max_length=1_000)]


class Refused(Message, frozen=True):
    """``stock.refused`` answers reserve: nothing was set aside. ``returns.refused`` answers authorize: nothing is taken back.

    `short` may say what is missing: then the hub asks anew for the rest, unless the buyer wants all or nothing. It means
    nothing of a return.
    """

    sub_order_id: Id
    reason: Reason
    detail: Text = ""
    short: Short = []


class Released(Message, frozen=True):
    """``stock.released`` answers release, also when there was nothing to release."""

    sub_order_id: Id


class Accepted(Message, frozen=True):
    """``orders.accepted`` answers submit, at once or later.

    Partly, where `short` says which units are not taken on; all of them is declining. The rest is what ``shipping.ship``
    will ask for.
    """

    sub_order_id: Id
    reference: Annotated[str, Meta(max_length=128)] = ""
    short: Short = []


class Declined(Message, frozen=True):
    """``orders.declined`` answers submit, at once or later."""

    sub_order_id: Id
    reason: Reason
    detail: Text = ""


class Pending(Message, frozen=True):
    """``orders.pending``, ``shipping.pending``, ``returns.pending``: understood, the answer comes later. Unknown means pending.

    Never final: the hub asks the same command again from time to time, and the adapter answers what it knows by then.
    """

    sub_order_id: Id


class Recalled(Message, frozen=True):
    """``orders.recalled`` answers recall: the goods will not leave."""

    sub_order_id: Id


class Kept(Message, frozen=True):
    """``orders.kept`` answers recall: too late, the goods have left."""

    sub_order_id: Id
    reason: Reason = "already_shipped"


class Shipped(Message, frozen=True, omit_defaults=True):
    """``shipping.shipped`` answers ship, at once or later; the same `documents` however often it is asked."""

    sub_order_id: Id
    parcels: list[Parcel]
    documents: Documents = []


class Delivered(Message, frozen=True):
    """``shipping.delivered`` answers track: the goods arrived."""

    sub_order_id: Id


class Dead(Message, frozen=True):
    """``spoke.dead``: the spoke gave a command up for good; a copy for the hub's triage."""

    command_kind: Annotated[str, Meta(max_length=64)]
    error: Annotated[str, Meta(max_length=64)]
    detail: Annotated[str, Meta(max_length=2000)]
    attempts: int
    payload: Annotated[str, Meta(max_length=BODY_BYTES_MAX)]


class Heartbeat(Message, frozen=True):
    """``hb``: alive, and how well. `breakers` by capability; `oldest_command_age` in seconds.

    Bounded in every part: the hub keeps all vendors' beats together, and one must not spoil the others'.
    """

    boot_id: Id
    version: Annotated[str, Meta(max_length=64, pattern=r"^[!-~]*$")]
    capabilities: Annotated[list[Word], Meta(max_length=16)]
    breakers: Annotated[dict[Word, Word], Meta(max_length=16)]
    in_flight: Annotated[int, Meta(ge=0, le=1_000_000)]
    oldest_command_age: Annotated[float, Meta(ge=0)]


COMMANDS: dict[str, type[Message]] = {
    "stock.reserve": Reserve,
    "stock.release": Release,
    "stock.restock": Restock,
    "orders.submit": Submit,
    "orders.recall": Recall,
    "shipping.ship": Ship,
    "shipping.track": Track,
    "returns.authorize": Authorize,
    "returns.inspect": Inspect,
    "returns.cancel": Cancel,
}
"""What a hub may ask, by ``<area>.<verb>``."""

EVENTS: dict[str, type[Message]] = {
    "stock.reserved": Reserved,
    "stock.refused": Refused,
    "stock.released": Released,
    "stock.restocked": Restocked,
    "orders.accepted": Accepted,
    "orders.declined": Declined,
    "orders.pending": Pending,
    "orders.recalled": Recalled,
    "orders.kept": Kept,
    "shipping.pending": Pending,
    "shipping.shipped": Shipped,
    "shipping.delivered": Delivered,
    "returns.pending": Pending,
    "returns.authorized": Authorized,
    "returns.refused": Refused,
    "returns.received": Received,
    "returns.canceled": Canceled,
    "spoke.dead": Dead,
}
"""What a vendor may tell, by ``<area>.<fact>``."""

ANSWERS: dict[str, frozenset[str]] = {
    "stock.reserve": frozenset({"stock.reserved", "stock.refused"}),
    "stock.release": frozenset({"stock.released"}),
    "stock.restock": frozenset({"stock.restocked"}),
    "orders.submit": frozenset({"orders.accepted", "orders.declined", "orders.pending"}),
    "orders.recall": frozenset({"orders.recalled", "orders.kept"}),
    "shipping.ship": frozenset({"shipping.shipped", "shipping.pending"}),
    "shipping.track": frozenset({"shipping.delivered", "shipping.pending"}),
    "returns.authorize": frozenset({"returns.authorized", "returns.refused", "returns.pending"}),
    "returns.inspect": frozenset({"returns.received", "returns.pending"}),
    "returns.cancel": frozenset({"returns.canceled"}),
}
"""Which events may answer which command."""


def encode(message: Message) -> bytes:
    """The body of a message."""
    return msgspec.json.encode(message)


def decode_command(kind: str, body: bytes) -> Message:
    """A command's body, checked. Raises `msgspec.ValidationError` with the field's path; `KeyError` for an unknown kind."""
    return msgspec.json.decode(body, type=COMMANDS[kind])


def decode_event(kind: str, body: bytes) -> Message:
    """An event's body, checked. Raises as `decode_command` does."""
    return msgspec.json.decode(body, type=EVENTS[kind])
