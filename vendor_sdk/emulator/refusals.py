"""How the emulated hub says no: the hub's words, statuses and problems (RFC 9457)."""

from typing import Any

import msgspec

MEDIA_TYPE = "application/problem+json"
STATUS_OF_SLUG = {"version_mismatch": 412}
"""Refusals for which HTTP has a status of its own."""

TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Precondition failed",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid request",
    500: "Internal error",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem as it is answered."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    field: str | None = None
    facts: dict[str, Any] = {}


class Refusal(Exception):
    """A reasoned no. `slug` is the stable problem type, `field` the offending input."""

    status = 500

    def __init__(self, slug: str, detail: str, *, field: str | None = None, **facts: object) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.field = field
        self.facts = facts

    def problem(self, request_id: str = "") -> Problem:
        """The same as it is answered."""
        status = STATUS_OF_SLUG.get(self.slug, self.status)
        return Problem(
            type=f"/problems/{self.slug}",
            title=TITLES[status],
            status=status,
            detail=self.detail,
            request_id=request_id,
            field=self.field,
            facts=self.facts,
        )


class Malformed(Refusal):
    """What came is not of the shape that was asked for."""

    status = 400


class NotAuthenticated(Refusal):
    """Without the vendor's key."""

    status = 401


class Invalid(Refusal):
    """It makes no sense, whatever the state of the world."""

    status = 422


class NotFound(Refusal):
    """There is no such thing."""

    status = 404


class NotAllowed(Refusal):
    """Not with this method."""

    status = 405


class Conflict(Refusal):
    """The world has moved on."""

    status = 409


class TooLarge(Refusal):
    """More than is read."""

    status = 413


class Unsupported(Refusal):
    """Not JSON."""

    status = 415
