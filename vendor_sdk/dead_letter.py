"""The dead-letter copy: how a spoke tells the hub that it gives a command up for good, and how the hub reads it."""

from collections.abc import Mapping

import msgspec

from vendor_sdk import messages
from vendor_sdk.messages import Dead

KIND = "spoke.dead"
PAYLOAD_CHARS_MAX = 100_000
"""So that even fully escaped the copy stays under the broker's 1 MiB; the hub has the whole command."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead copy as the hub reads it; `command_id` is None when the command bore no usable one."""

    command_id: str | None
    order_id: str | None
    correlation_id: str | None
    attempt: str
    dead: Dead


def build(command_kind: str, error: str, detail: str, *, attempts: int, payload: bytes) -> Dead:
    """The copy of a command given up; `error` is a stable code, `payload` the command's body as it came."""
    return Dead(
        command_kind=command_kind[:64],
        error=error[:64],
        detail=detail[:2000],
        attempts=attempts,
        payload=payload.decode(errors="replace")[:PAYLOAD_CHARS_MAX],
    )


def read(headers: Mapping[str, str], body: bytes) -> DeadLetter:
    """A ``spoke.dead`` event. Raises `msgspec.ValidationError` or `msgspec.DecodeError` if it is not one."""
    return DeadLetter(
        command_id=headers.get(messages.COMMAND_ID),
        order_id=headers.get(messages.ORDER_ID),
        correlation_id=headers.get(messages.CORRELATION_ID),
        attempt=headers.get(messages.ATTEMPT, "1"),
        dead=msgspec.json.decode(body, type=Dead),
    )
