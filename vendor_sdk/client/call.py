"""One request to the vendor API as data: what is asked, of what shape its answer is, under which key it may be repeated."""

import email.utils
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from vendor_sdk.client.answers import Page
from vendor_sdk.client.errors import Answered, Unintelligible, problem_of

T = TypeVar("T")

BASE = "/v1/vendor"
RETRY_AFTER_MAX = 86_400.0


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A request; `answer` is what it is answered with, `bytes` as it comes. `key` is the same in each of its attempts."""

    method: str
    path: str
    answer: type[T]
    query: dict[str, str] = {}
    body: Any = msgspec.UNSET
    headers: dict[str, str] = {}

    def asking(self, **query: object) -> "Call[T]":
        """The same with more in its query."""
        return msgspec.structs.replace(self, query=self.query | _query(query))

    @property
    def content(self) -> bytes | None:
        """The body as it is sent."""
        return None if self.body is msgspec.UNSET else msgspec.json.encode(self.body)

    def read(self, answer: Answered) -> T:
        """What was answered. Raises `Problem`, and `Unintelligible` for what this client cannot read."""
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise problem_of(answer, _retry_after(answer.headers.get("retry-after")))
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise Unintelligible(f"{self.method} {self.path} leads elsewhere ({answer.status}): is the base URL right?")
        if self.answer is bytes:
            return answer.content  # pyright: ignore[reportReturnType]  # that is T
        try:
            return msgspec.json.decode(answer.content, type=self.answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unintelligible(f"{self.method} {self.path} was answered with something else: {error}") from error


def get(answer: type[T], *segments: str, **query: object) -> Call[T]:
    """A question; None in the query is left out."""
    return Call(method="GET", path=path_of(segments), answer=answer, query=_query(query))


def listed(of: type[T], *segments: str, **query: object) -> Call[Page[T]]:
    """A question for a page of many."""
    return Call(method="GET", path=path_of(segments), answer=Page[of], query=_query(query))  # pyright: ignore[reportInvalidTypeForm]  # a type at run time


def write(  # a request's parts, all by name
    answer: type[T], method: str, *segments: str, body: object = msgspec.UNSET, key: str | None = None, version: int | None = None
) -> Call[T]:
    """A change, under `key` or one of its own; refused if the thing is not at `version` any more."""
    headers = {"Idempotency-Key": key or secrets.token_urlsafe(24)}
    if body is not msgspec.UNSET:
        headers["Content-Type"] = "application/json"
    if version is not None:
        headers["If-Match"] = f'"{version}"'
    return Call(method=method, path=path_of(segments), answer=answer, body=body, headers=headers)


def path_of(segments: tuple[str, ...]) -> str:
    """A path of the vendor API. Raises `ValueError` for a segment that would name another one."""
    for segment in segments:
        if segment in {"", ".", ".."}:
            raise ValueError(f"{segment!r} is no id")
    return "/".join((BASE, *(quote(segment, safe="") for segment in segments)))


def said(**values: object) -> dict[str, object]:
    """A body of what was said; None is left out."""
    return {name: value for name, value in values.items() if value is not None}


def _query(values: Mapping[str, object]) -> dict[str, str]:
    return {name.rstrip("_"): _text(value) for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _retry_after(text: str | None) -> float | None:
    """Seconds, of a number or a date (RFC 9110, 10.2.3); None for neither."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AFTER_MAX)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    now = datetime.now(UTC)  # noqa: TID251  # a date on the wire is compared with the clock on the wall
    return min(max(0.0, (moment - now).total_seconds()), RETRY_AFTER_MAX) if moment.tzinfo else None
