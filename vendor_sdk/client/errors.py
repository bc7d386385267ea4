"""How the vendor API says no: one class per family of problems (RFC 9457), each with what one needs to go on."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""
RETRYABLE_CODES = frozenset({"idempotency_key_in_use"})
"""A request with the same key is still running."""


class Answered(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem as it stands in an answer. `field` points at the offending input."""

    type: str
    status: int
    detail: str = ""
    title: str = ""
    request_id: str = ""
    field: str | None = None
    facts: dict[str, Any] = {}

    @property
    def code(self) -> str:
        """The stable word of its type: ``not_awaited`` of ``/problems/not_awaited``."""
        return self.type.rsplit("/", 1)[-1]

    @property
    def current_version(self) -> int | None:
        """The version that the thing has by now, where it is told."""
        version = self.facts.get("version")
        return version if isinstance(version, int) else None


class ClientError(Exception):
    """Anything that a call may raise. `retryable`: asked again, with the same key, it may succeed."""

    retryable = False
    retry_after: float | None = None
    """Seconds after which the hub asked to come again, if it did (RFC 9110, Retry-After)."""


class Unreachable(ClientError):
    """No answer came: whether it was done is unknown. A write may be asked again under the same key."""

    retryable = True


class Unintelligible(ClientError):
    """An answer that this client cannot read: another program answers there, or a hub of another time."""


class Problem(ClientError):
    """A reasoned no."""

    def __init__(self, details: Details, retry_after: float | None = None) -> None:
        super().__init__(f"{details.status} {details.code}: {details.detail}" + (f" ({details.field})" if details.field else ""))
        self.details = details
        self.retry_after = retry_after
        self.retryable = details.status in RETRYABLE or details.code in RETRYABLE_CODES

    @property
    def code(self) -> str:
        """The stable word for what is wrong."""
        return self.details.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.details.status

    @property
    def detail(self) -> str:
        """The same in a sentence."""
        return self.details.detail

    @property
    def field(self) -> str | None:
        """The offending input, as a JSON pointer or the name of a parameter."""
        return self.details.field

    @property
    def request_id(self) -> str:
        """By which the hub's operators find it."""
        return self.details.request_id

    @property
    def facts(self) -> dict[str, Any]:
        """More of the same, by name."""
        return self.details.facts


class Invalid(Problem):
    """The request makes no sense, whatever the state of the world."""


class NotAuthenticated(Problem):
    """The key is missing, unknown or revoked."""


class NotAllowed(Problem):
    """The key may not do this."""


class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""


class Conflict(Problem):
    """The world has moved on: answered already, changed by somebody else, not possible any more."""

    @property
    def current_version(self) -> int | None:
        """The version that it has by now, if it was changed since you looked."""
        return self.details.current_version

    @property
    def state(self) -> str | None:
        """In which state the thing is, where it is told."""
        state = self.facts.get("state")
        return state if isinstance(state, str) else None


class TooManyRequests(Problem):
    """More requests than a key may make in a minute."""


class Unavailable(Problem):
    """Not now."""


class Failed(Problem):
    """Something went wrong at the hub."""


_FAMILIES: dict[int, type[Problem]] = {
    400: Invalid,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def problem_of(answer: Answered, retry_after: float | None) -> Problem:
    """The error that an answer of 400 and more stands for, whoever gave it."""
    status = answer.status
    try:
        details = msgspec.json.decode(answer.content, type=Details)
    except (msgspec.MsgspecError, UnicodeDecodeError):  # a proxy's page
        details = Details(type=f"http_{status}", status=status, detail="the answer says no more")
    details = msgspec.structs.replace(details, status=status, request_id=details.request_id or answer.headers.get("x-request-id", ""))
    family = _FAMILIES.get(status, Failed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Invalid)
    return family(details, retry_after)
