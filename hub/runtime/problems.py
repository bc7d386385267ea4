"""RFC 9457 problems: every no of the API in one shape, from one table."""

from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, Unavailable
from hub.runtime.trace import current

log = structlog.get_logger("http")

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "/problems/"
STATUS: dict[type[Refusal], int] = {Invalid: 422, Forbidden: 403, NotFound: 404, Conflict: 409, Unavailable: 503}
"""The five ways to say no, as HTTP statuses."""
STATUS_OF_SLUG = {"version_mismatch": 412, "bad_signature": 400, "bad_event": 400}
"""Refusals for which HTTP has a status of its own."""

TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Precondition failed",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid request",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}
SLUGS = {
    400: "malformed_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem. `type` is stable; `field` points at the offending input; `request_id` finds the log lines."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    request_id: str = ""
    field: str | None = None
    facts: dict[str, Any] = {}


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """The OpenAPI entries for problems with these statuses."""
    return {
        status: ResponseSpec(data_container=Problem, description=TITLES[status], media_type=MEDIA_TYPE, generate_examples=False)
        for status in statuses
    }


def problem(status: int, slug: str, detail: str, *, field: str | None = None, **facts: Any) -> Problem:
    """A problem about the current request."""
    trace = current.get()
    return Problem(
        type=TYPE_BASE + slug,
        title=TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        request_id=trace.correlation_id if trace else "",
        field=field,
        facts=facts,
    )


def answer(found: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """A problem as a response."""
    return Response(found, status_code=found.status, media_type=MEDIA_TYPE, headers=headers or {})


def on_refusal(_: Request[Any, Any, Any], error: Refusal) -> Response[Problem]:
    """Our own five errors."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else None
    status = STATUS_OF_SLUG.get(error.slug, STATUS[type(error)])
    return answer(problem(status, error.slug, error.detail, field=error.field, **error.facts), headers)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """The framework's errors: bad JSON, unknown fields, wrong types, unknown paths, bodies over the limit."""
    status = error.status_code
    headers = dict(error.headers or {})
    if isinstance(error, ValidationException):
        field, detail = _offender(error)
        return answer(problem(400, "invalid_request", detail, field=_as_sent(request, field)))
    if isinstance(error, NotAuthorizedException):
        headers["WWW-Authenticate"] = "Bearer"
    if status >= 500:  # noqa: PLR2004  # HTTP's own line between theirs and ours
        log.error("http.error", detail=error.detail, exc_info=error)
        return answer(problem(status, SLUGS.get(status, "internal_error"), "something went wrong on our side"))
    slug = SLUGS.get(status, "malformed_request")
    return answer(problem(status, slug, str(error.detail or TITLES.get(status, ""))), headers)


def on_database(request: Request[Any, Any, Any], error: DBAPIError | PoolTimeoutError | OSError) -> Response[Problem]:
    """The database is away or overloaded: nothing was half done, ask again. What it finds wrong with our SQL is a defect."""
    if isinstance(error, DataError | IntegrityError | ProgrammingError):
        return on_anything(request, error)
    log.warning("http.database_unavailable", error=repr(error))
    return answer(
        problem(503, "database_unavailable", "the database is not available; nothing was changed unless a later look says so"),
        {"Retry-After": "1"},
    )


def on_anything(_: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A defect of ours: logged whole, shown without its insides."""
    log.error("http.error", exc_info=error)
    return answer(problem(500, "internal_error", "something went wrong on our side"))


def _as_sent(request: Request[Any, Any, Any], field: str | None) -> str | None:
    """A parameter as the request names it; the framework names it as our function does."""
    signature = request.route_handler.parsed_fn_signature.parameters if "route_handler" in request.scope else {}
    known = signature.get(field) if field else None
    return getattr(known.kwarg_definition, "name", None) or field if known else field


def _offender(error: ValidationException) -> tuple[str | None, str]:
    extra = error.extra
    if isinstance(extra, list) and extra and isinstance(extra[0], dict):
        first: dict[str, Any] = extra[0]  # pyright: ignore[reportUnknownVariableType]  # litestar's extra is untyped
        return str(first.get("key", "")) or None, str(first.get("message", error.detail))
    return None, error.detail
