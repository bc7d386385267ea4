"""Owns cursor pages: a list cut at `limit`, and an opaque cursor that says where the next one begins."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

LIMIT_MAX = 100
LIMIT = 20
CURSOR_LENGTH_MAX = 400

Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="at most so many")]
Cursor = Annotated[str | None, QueryParameter(name="cursor", max_length=CURSOR_LENGTH_MAX, description="`next_cursor` of the page before")]

T = TypeVar("T")
P = TypeVar("P")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Part of a list; `next_cursor` is null on the last page."""

    data: list[T]
    next_cursor: str | None


def page(found: Sequence[T], limit: int, position: Callable[[T], Any]) -> Page[T]:
    """Cut `found` (asked for with ``limit + 1``) to a page; `position` is where one of its things stands in the order."""
    shown = list(found[:limit])
    more = len(found) > limit
    return Page(data=shown, next_cursor=cursor_of(position(shown[-1])) if more else None)


def cursor_of(position: Any) -> str:
    """An opaque cursor for a position: an id, or a tuple that ends in one."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def position_of(cursor: str | None, shape: type[P]) -> P | None:
    """The position a cursor stands for; None for no cursor. Raises the 400 of a malformed query parameter."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw.replace(b"\\u0000", b"\\x"), type=shape)  # U+0000 cannot be stored: made to fail
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        message = "not a cursor of this list"
        raise ValidationException(message, extra=[{"key": "cursor", "message": message, "source": "query"}]) from None
