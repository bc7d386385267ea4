"""Owns the check of every request's body before its handler sees it: strict JSON of the declared shape, nothing coerced.

The framework alone would take ``"2"`` for a number, any media type for JSON, and U+0000, which PostgreSQL cannot store.
"""

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException, ValidationException

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_AT = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:unknown|required) field `(.*)`$", re.DOTALL)
_PART = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


class UnsupportedMediaType(HTTPException):
    """415: the body is not called JSON."""

    status_code = 415


async def check(request: Request[Any, Any, Any]) -> None:
    """Run before every handler. Raises 413, 415, or 400 naming the offending field as a JSON pointer."""
    field = request.route_handler.parsed_data_field
    if field is None:
        return
    body = await request.body()
    if field.is_optional and not body:
        return
    if request.content_type[0] != "application/json":
        raise UnsupportedMediaType("the body must be application/json")
    if _NUL.search(body):
        raise ClientException("the character U+0000 is not text")
    try:
        msgspec.json.decode(body, type=field.annotation)
    except msgspec.ValidationError as error:
        raise refused(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"the body is not JSON: {error}") from None


def refused(text: str) -> ValidationException:
    """The 400 of a msgspec complaint such as ``Expected `int`, got `str` - at `$.quantity` ``."""
    message, field = pointer_of(text)
    return ValidationException(detail=message, extra=[{"key": field, "message": message, "source": "body"}])


def pointer_of(text: str) -> tuple[str, str]:
    """What a msgspec complaint says, and of which field."""
    found = _AT.match(text)
    assert found is not None, "the pattern matches any text"
    field = pointer(found["path"] or "")
    if named := _NAMED.search(found["message"]):
        field += "/" + _escaped(named[1])
    return found["message"], field


def pointer(path: str) -> str:
    """An RFC 6901 pointer of a msgspec path: ``.lines[3].quantity`` becomes ``/lines/3/quantity``."""
    return "".join("/" + _escaped(name or index) for name, index in _PART.findall(path))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
