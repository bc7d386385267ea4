"""A request and an answer as data, and what is read of a request: strict JSON of the declared shape, nothing coerced."""

import re
from typing import Any, TypeVar

import msgspec

from vendor_sdk.emulator.emulator import Emulator
from vendor_sdk.emulator.refusals import Malformed, Unsupported

T = TypeVar("T")

JSON = "application/json"
LIMIT, LIMIT_MAX = 20, 100
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_AT = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:unknown|required) field `(.*)`$", re.DOTALL)
_PART = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What came; names of headers in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True):
    """A request with whom it is for, and the parts of its path that are named by a route."""

    emulator: Emulator
    request: Request
    args: list[str]

    def body(self, shape: type[T]) -> T:
        """The body. Raises `Malformed` naming the field, `Unsupported` for what is not called JSON."""
        request = self.request
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise Unsupported("unsupported_media_type", "the body must be application/json")
        if _NUL.search(request.body):
            raise Malformed("malformed_request", "the character U+0000 is not text")
        try:
            return msgspec.json.decode(request.body, type=shape)
        except msgspec.ValidationError as error:
            raise refused(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed("malformed_request", f"the body is not JSON: {error}") from None

    def optional_body(self, shape: type[T]) -> T | None:
        """The same, where it may be left out."""
        return self.body(shape) if self.request.body else None

    def asked(self, name: str, shape: Any) -> Any:
        """A parameter of the query, None if it is left out. Raises `Malformed` naming it."""
        text = self.request.query.get(name)
        if text is None:
            return None
        try:
            return msgspec.convert(text, shape, strict=False)
        except msgspec.ValidationError as error:
            raise Malformed("invalid_request", str(error), field=name) from None


def refused(text: str) -> Malformed:
    """The problem of a msgspec complaint such as ``Expected `int`, got `str` - at `$.quantity` ``."""
    found = _AT.match(text)
    assert found is not None, "the pattern matches any text"
    field = "".join("/" + _escaped(name or index) for name, index in _PART.findall(found["path"] or ""))
    if named := _NAMED.search(found["message"]):
        field += "/" + _escaped(named[1])
    return Malformed("invalid_request", found["message"], field=field)


def encoded(found: Any, status: int = 200) -> Answer:
    """An answer with an ETag where what is answered has a version."""
    return raw(msgspec.json.encode(found), status)


def raw(body: bytes, status: int, *, replayed: bool = False) -> Answer:
    """The same of a body that is encoded already."""
    headers = {"content-type": JSON}
    if body.startswith(b"{") and b'"version":' in body and (version := msgspec.json.decode(body, type=_Versioned).version) is not None:
        headers["etag"] = f'W/"{version}"'
    if replayed:
        headers["idempotent-replayed"] = "true"
    return Answer(status=status, body=body, headers=headers)


class _Versioned(msgspec.Struct):
    version: int | None = None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
