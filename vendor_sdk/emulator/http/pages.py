"""Cursor pages: a list cut at `limit`, and where the next one begins."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import Meta

from vendor_sdk.client.answers import Page
from vendor_sdk.emulator.http.request import LIMIT, LIMIT_MAX, Answer, Call, encoded
from vendor_sdk.emulator.refusals import Malformed

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX)]


class Named(Protocol):
    """What has an id that sorts by birth."""

    @property
    def id(self) -> str:
        """The id."""
        ...


N = TypeVar("N", bound=Named)


def newest_first(call: Call, things: Iterable[N], show: Callable[[N], Any]) -> Answer:
    """A page of these."""
    limit, after = limit_of(call), position(call, str)
    found = sorted((thing for thing in things if after is None or thing.id < after), key=lambda thing: thing.id, reverse=True)
    cut = found[:limit]
    return encoded(Page(data=[show(thing) for thing in cut], next_cursor=cursor(cut[-1].id) if len(found) > limit else None))


def limit_of(call: Call) -> int:
    """How many are asked for."""
    return call.asked("limit", Limit) or LIMIT


P = TypeVar("P")


def position(call: Call, shape: type[P]) -> P | None:
    """Where the page begins. Raises `Malformed` for a cursor that is none."""
    text = call.request.query.get("cursor")
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=shape)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Malformed("invalid_request", "not a cursor of this list", field="cursor") from None


def cursor(place: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()
