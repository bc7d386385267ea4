"""Commands and events with their headers: reading the one from the wire, dressing the other for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import msgspec

from vendor_sdk import messages, subjects
from vendor_sdk.ports import CommandBody, Context

CARRIED = (messages.ORDER_ID, messages.TRACEPARENT, messages.CORRELATION_ID)
"""Headers that go back as they came."""

HEADER_CHARS_MAX = 256


class Unreadable(Exception):
    """A message that can never be done as it stands; `code` is stable, for the dead letter."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One asking of one command. `deadline` in unix seconds; `carried` are the headers an event about it bears."""

    id: str
    kind: str
    body: CommandBody
    attempt: int = 1
    deadline: float | None = None
    carried: dict[str, str] = {}

    @property
    def area(self) -> str:
        """The capability that serves it."""
        return self.kind.split(".", maxsplit=1)[0]

    @property
    def context(self) -> Context:
        """What the adapter is told beside the body."""
        return Context(
            command_id=self.id,
            attempt=self.attempt,
            deadline=None if self.deadline is None else datetime.fromtimestamp(self.deadline, UTC),
            traceparent=self.carried.get(messages.TRACEPARENT, ""),
            correlation_id=self.carried.get(messages.CORRELATION_ID, ""),
        )


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell the hub: an answer, a fact or a dead letter."""

    id: str
    command_id: str
    kind: str
    body: bytes
    attempt: int = 1
    carried: dict[str, str] = {}


event_id = subjects.event_id


def event_headers(event: Event) -> dict[str, str]:
    """An event's headers; a new attempt has a new message id, or the broker would swallow it as a duplicate."""
    headers = dict(event.carried) | {
        messages.MSG_ID: f"{event.id}.{event.attempt}",
        messages.EVENT_ID: event.id,
        messages.ATTEMPT: str(event.attempt),
        messages.SCHEMA: messages.SCHEMA_VERSION,
    }
    if event.command_id:
        headers[messages.COMMAND_ID] = event.command_id
    return headers


def carried(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers of a command that its events bear too."""
    return {name: headers[name][:HEADER_CHARS_MAX] for name in CARRIED if name in headers}


def read_command(vendor: str, subject: str, headers: Mapping[str, str], body: bytes) -> Command:
    """The command in a message. Raises `Unreadable` if it is malformed, unknown or not for `vendor`."""
    if subjects.vendor_of(subject) != vendor:
        raise Unreadable("foreign", f"{subject} is not a command for {vendor}")
    kind = subjects.kind_of(subject)
    if kind not in messages.COMMANDS:
        raise Unreadable("unknown_command", f"{subject} is no known command")
    if headers.get(messages.SCHEMA, messages.SCHEMA_VERSION) != messages.SCHEMA_VERSION:
        raise Unreadable("unknown_schema", f"{messages.SCHEMA} {headers[messages.SCHEMA]!r} is not {messages.SCHEMA_VERSION}")
    if len(body) > messages.BODY_BYTES_MAX:
        raise Unreadable("malformed", f"body of {len(body)} bytes, at most {messages.BODY_BYTES_MAX}")
    try:
        return Command(
            id=msgspec.convert(headers.get(messages.COMMAND_ID), messages.Id),
            kind=kind,
            body=cast("CommandBody", messages.decode_command(kind, body)),
            attempt=_attempt(headers.get(messages.ATTEMPT, "1")),
            deadline=_deadline(headers.get(messages.DEADLINE)),
            carried=carried(headers),
        )
    except (ValueError, msgspec.DecodeError) as error:
        raise Unreadable("malformed", str(error)) from error


def _attempt(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9):  # noqa: PLR2004 - far above any count
        raise ValueError(f"{messages.ATTEMPT}: {text!r} is no count")
    return int(text)


def _deadline(text: str | None) -> float | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{messages.DEADLINE}: {text!r} names no time zone")
    return moment.timestamp()
