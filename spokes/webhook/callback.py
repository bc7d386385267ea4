"""What a vendor tells by itself, later: checked and read; pure."""

from collections.abc import Mapping, Sequence

import msgspec

from spokes.webhook.mapping import CALLBACKS
from spokes.webhook.signing import Forged, Unsigned, verify
from vendor_sdk.errors import AdapterError, NeedsReauth
from vendor_sdk.messages import BODY_BYTES_MAX, EVENTS, Id, Message


class Callback(msgspec.Struct, frozen=True):
    """A fact about the command `command_id`."""

    command_id: str
    kind: str
    message: Message


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a callback; other fields are let be."""

    type: str
    command_id: Id
    data: msgspec.Raw


def read_callback(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> Callback:
    """The fact in a callback that came at `now` (unix seconds).

    Raises `NeedsReauth` for one that is not the vendor's or not of now, `AdapterError` for one that says nothing a vendor may tell.
    """
    if len(body) > BODY_BYTES_MAX:
        raise AdapterError(f"a callback has at most {BODY_BYTES_MAX} bytes")
    try:
        verify(keys, {name.lower(): value for name, value in headers.items()}, body, now)
    except (Unsigned, Forged) as error:
        raise NeedsReauth(f"callback: {error}") from error
    try:
        said = msgspec.json.decode(body, type=Body)
        if said.type not in CALLBACKS:
            raise AdapterError(f"callback: {said.type[:64]!r} is nothing to tell by itself")
        return Callback(said.command_id, said.type, msgspec.json.decode(said.data, type=EVENTS[said.type]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AdapterError(f"callback: {error}"[:300]) from error
