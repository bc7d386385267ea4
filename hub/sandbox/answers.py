"""What the sandbox may answer: an object, or an error in Stripe's form, and whether the answer is kept under the key."""

from typing import Any

import msgspec

Json = dict[str, Any]
"""A Stripe object. Keys that begin with an underscore are the sandbox's own memory and never leave it."""

SERVER_ERROR = 500


class Problem(Exception):
    """An error answer. `kept` is whether it is saved under the idempotency key: validation errors and 429 are not."""

    def __init__(self, status: int, error: Json, *, kept: bool, headers: dict[str, str] | None = None) -> None:
        super().__init__(error["message"])
        self.status = status
        self.error = error
        self.kept = kept
        self.headers = headers or {}


class Answer(msgspec.Struct, frozen=True):
    """A finished HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict[str, str])


def _problem(status: int, kind: str, message: str, **facts: Any) -> Json:
    error: Json = {"type": kind, "message": message, "request_log_url": None}
    error |= {name: fact for name, fact in facts.items() if fact is not None}
    return {"status": status, "error": error}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> Problem:
    """The request makes no sense; nothing began, nothing is saved under the key."""
    return Problem(**_problem(400, "invalid_request_error", message, param=param, code=code), kept=False)


def missing(kind: str, identity: str, param: str) -> Problem:
    """There is no such object."""
    return Problem(
        **_problem(404, "invalid_request_error", f"No such {kind}: '{identity}'", param=param, code="resource_missing"), kept=False
    )


def refused(message: str, *, code: str | None = None, param: str | None = None, **facts: Any) -> Problem:
    """The endpoint ran and said no: a definite answer, replayed for the same key."""
    return Problem(**_problem(400, "invalid_request_error", message, code=code, param=param, **facts), kept=True)


def declined(message: str, *, code: str, decline_code: str | None, **facts: Any) -> Problem:
    """The issuer said no. `facts` are the charge and the intent it happened to."""
    return Problem(**_problem(402, "card_error", message, code=code, decline_code=decline_code, **facts), kept=True)


def unauthorized() -> Problem:
    """No key, or another one."""
    return Problem(**_problem(401, "invalid_request_error", "Invalid API Key provided."), kept=False)


def unknown_route(method: str, path: str) -> Problem:
    """The sandbox does not simulate this endpoint."""
    message = f"Unrecognized request URL ({method}: {path}). The sandbox simulates a part of Stripe; see GET /_sandbox/."
    return Problem(**_problem(404, "invalid_request_error", message), kept=False)


def busy() -> Problem:
    """Another call with this key is still under way."""
    message = "There is currently another in-progress request using this Idempotent Key. Please try again later."
    return Problem(**_problem(409, "idempotency_error", message, code="idempotency_key_in_use"), kept=False)


def mismatch(key: str) -> Problem:
    """The key was used before with other parameters."""
    message = f"Keys for idempotent requests can only be used with the same parameters they were first used with. Key: '{key}'."
    return Problem(**_problem(400, "idempotency_error", message), kept=False)


def rate_limited() -> Problem:
    """Too many requests; nothing began."""
    error = _problem(429, "invalid_request_error", "Too many requests in a short time (injected fault).", code="rate_limit")
    return Problem(**error, kept=False, headers={"retry-after": "1"})


def server_error(*, kept: bool) -> Problem:
    """Something broke on the provider's side."""
    return Problem(**_problem(SERVER_ERROR, "api_error", "An unknown error occurred (injected fault)."), kept=kept)


def public(obj: Json) -> Json:
    """The object without the sandbox's own memory."""
    return {key: value for key, value in obj.items() if not key.startswith("_")}


def render(problem: Problem) -> Answer:
    """An error as bytes."""
    return Answer(problem.status, msgspec.json.encode({"error": problem.error}), problem.headers)
