"""A command as a request, and what an answer means; pure."""

import msgspec

from vendor_sdk.errors import AdapterError, Misconfigured, NeedsReauth, Rejected
from vendor_sdk.feeds import Rate
from vendor_sdk.messages import ANSWERS, COMMANDS, EVENTS, Message, Pending, Reason, Text
from vendor_sdk.ports import CommandBody

PATHS = {
    "stock.reserve": "/reserve",
    "stock.release": "/release",
    "orders.submit": "/orders",
    "orders.recall": "/orders",
    "shipping.ship": "/shipments",
    "shipping.track": "/shipments",
}
"""Four endpoints; where one serves two commands, ``type`` tells them apart."""
KINDS = {command: kind for kind, command in COMMANDS.items()}
CALLBACKS = frozenset({"orders.accepted", "orders.declined", "shipping.shipped", "shipping.delivered"})
"""What a vendor may tell later, by itself."""
DEAD_ENDS = (NeedsReauth, Misconfigured)


class Request(msgspec.Struct, frozen=True):
    """One call: `body` is the same bytes however often the command is asked, so that a vendor may compare them."""

    kind: str
    path: str
    body: bytes


RATES = Request("shipping.rates", "/rates", msgspec.json.encode({"type": "shipping.rates", "data": {}}))
"""The call that asks for all rates."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """All ways by which a vendor ships."""

    rates: list[Rate]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What each body holds; other fields are let be."""

    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a 4xx: a stable word and, for people, a sentence."""

    reason: Reason
    detail: Text = ""


def request(command: CommandBody) -> Request:
    """The call that asks a command."""
    kind = KINDS[type(command)]
    return Request(kind, PATHS[kind], msgspec.json.encode({"type": kind, "data": command}))


def pending(kind: str, sub_order_id: str) -> Message:
    """Understood, and no more. Raises `AdapterError` for a command that has to be answered at once."""
    if f"{kind.partition('.')[0]}.pending" not in ANSWERS[kind]:
        raise AdapterError(f"{kind} has to be answered at once")
    return Pending(sub_order_id=sub_order_id)


def read_answer(kind: str, sub_order_id: str, body: bytes) -> Message:
    """The answer in a signed body. A type that is none of the command's is pending, never a yes.

    Raises `AdapterError` for a body that is no answer at all, or whose data is not its type's.
    """
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
        if envelope.type not in ANSWERS[kind]:
            return pending(kind, sub_order_id)
        return msgspec.json.decode(envelope.data, type=EVENTS[envelope.type])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AdapterError(f"the answer to {kind} is none: {error}"[:300]) from error


def read_rates(body: bytes) -> list[Rate]:
    """The rates in a signed body. Raises `AdapterError` for one that tells none."""
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
        if envelope.type != RATES.kind:
            raise AdapterError(f"{envelope.type[:64]!r} does not answer {RATES.kind}")
        return msgspec.json.decode(envelope.data, type=Rates).rates
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AdapterError(f"the answer to {RATES.kind} is none: {error}"[:300]) from error


def read_refusal(body: bytes) -> Rejected | None:
    """The business refusal in the signed body of a 4xx; None if it holds no reason."""
    try:
        refusal = msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Rejected(refusal.detail or refusal.reason, reason=refusal.reason)
