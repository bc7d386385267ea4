"""Owns what every refusal of the API must look like (RFC 9457)."""

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, slug: str, field: str | None = None) -> dict[str, Any]:
    """The problem in `answer`, which must be of this status, type and offending field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["type"] == f"/problems/{slug}", body
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    if field is not None:
        assert body["field"] == field
    return body
