"""Webhook endpoints: who wants to be told what, and the signature by which they know that it is us."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from hub.sandbox.answers import Json, invalid, public
from hub.sandbox.call import API_VERSION, Call
from hub.sandbox.forms import Params
from hub.sandbox.lists import PageParams, page
from hub.sandbox.store import PLATFORM

OLD_SECRET_LIVES = 24 * 3600
"""How long Stripe signs with a rolled secret as well, at most (docs.stripe.com/webhooks, roll endpoint secrets)."""

SCHEMES = ("http://", "https://")
GIVEN = "given at start"


class Endpoint(Struct, frozen=True):
    """An endpoint given up front. `connect`: it hears the connected accounts' events, not the platform's; of either only these kinds."""

    url: str
    secret: str
    connect: bool = False
    events: tuple[str, ...] = ("*",)


class Update(Params, kw_only=True):
    description: str | None = None
    disabled: bool | None = None
    enabled_events: list[str] | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    url: str | None = None


class Create(Params, kw_only=True):
    enabled_events: list[str]
    url: str
    api_version: str | None = None
    connect: bool = False
    description: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


def create(call: Call, params: Create) -> Json:
    """A new endpoint. Its secret is told this once."""
    _check(params.url, params.enabled_events)
    secret = f"whsec_{secrets.token_hex(16)}"
    return _add(call, params, secret) | {"secret": secret}


def forget_given(call: Call, wanted: Sequence[Endpoint]) -> None:
    """Say no more to what was given at an earlier start and is not `wanted` now: nobody of ours listens there."""
    now = {(endpoint.url, endpoint.connect) for endpoint in wanted}
    for endpoint in call.store.find("webhook_endpoint", PLATFORM):
        if endpoint["description"] == GIVEN and (endpoint["url"], endpoint["_connect"]) not in now:
            _remove(call, endpoint)


def ensure(call: Call, wanted: Endpoint) -> None:
    """Have that endpoint, hearing what it wants, with that secret; the same one again if the sandbox's file knows it already."""
    events = list(wanted.events)
    _check(wanted.url, events)
    known = [one for one in call.store.find("webhook_endpoint", PLATFORM) if (one["url"], one["_connect"]) == (wanted.url, wanted.connect)]
    for endpoint in known:
        call.store.put(endpoint | {"_secret": wanted.secret, "status": "enabled", "enabled_events": events})
    if not known:
        _add(call, Create(url=wanted.url, enabled_events=events, connect=wanted.connect, description=GIVEN), wanted.secret)


def endpoints(given: Sequence[str], known: str = "", *, connect: bool, events: Collection[str] = ("*",)) -> list[Endpoint]:
    """``URL=SECRET`` as given on a command line, or ``URL`` alone where its secret is `known`. Raises `RuntimeError` for anything else."""
    found: list[Endpoint] = []
    for text in given:
        url, _, secret = text.rpartition("=") if "=" in text else (text, "", known)
        if not url.startswith(SCHEMES) or not secret:
            raise RuntimeError(f"a webhook is given as URL=SECRET, not as {text!r}")
        found.append(Endpoint(url, secret, connect, tuple(events)))
    return found


def update(call: Call, params: Update) -> Json:
    """Change where, what, or whether at all."""
    endpoint = call.need("webhook_endpoint", call.ids[0])
    endpoint["url"] = params.url or endpoint["url"]
    endpoint["description"] = params.description or endpoint["description"]
    endpoint["enabled_events"] = params.enabled_events or endpoint["enabled_events"]
    endpoint["metadata"] |= params.metadata
    if params.disabled is not None:
        endpoint["status"] = "disabled" if params.disabled else "enabled"
    _check(endpoint["url"], endpoint["enabled_events"])
    return call.store.put(endpoint)


def delete(call: Call, params: Params) -> Json:
    """Say no more to it; what was still to be sent is dropped."""
    del params
    endpoint = call.need("webhook_endpoint", call.ids[0])
    _remove(call, endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def get(call: Call, params: Params) -> Json:
    """One endpoint, without its secret."""
    del params
    return call.need("webhook_endpoint", call.ids[0])


def find(call: Call, params: PageParams) -> Json:
    """The platform's endpoints, newest first."""
    return page(call, "webhook_endpoint", "/v1/webhook_endpoints", params)


def body_of(event: Json) -> bytes:
    """The event as it is sent: indented as Stripe's are, so that whoever signs a re-encoded body notices."""
    return msgspec.json.format(msgspec.json.encode(public(event)), indent=2)


def roll(call: Call, endpoint: Json) -> Json:
    """A new secret, as the dashboard makes one; until tomorrow everything is signed with the old one too."""
    secret = f"whsec_{secrets.token_hex(16)}"
    call.store.put(endpoint | {"_secret": secret, "_old_secret": endpoint["_secret"], "_old_until": call.now + OLD_SECRET_LIVES})
    return public(endpoint) | {"secret": secret}


def secrets_of(endpoint: Json, now: int) -> list[str]:
    """What a delivery is signed with now, the newest first."""
    return [endpoint["_secret"], *([endpoint["_old_secret"]] if endpoint.get("_old_until", 0) > now else [])]


def sign(event: Json, *secrets_: str, at: int | None = None) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery, signed with each secret as docs.stripe.com/webhooks says.

    `at` is unix seconds of the wall clock, now by default: the receiver compares it with its own clock, not with the sandbox's.
    """
    body = body_of(event)
    at = int(time.time()) if at is None else at
    signed = f"{at}.".encode() + body
    signatures = ",".join(f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets_)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={at},{signatures}",
        "User-Agent": "Stripe/1.0 (SIMULATED by the Wheelwright sandbox)",
    }
    return headers, body


def _add(call: Call, params: Create, secret: str) -> Json:
    fields: Json = {
        "api_version": params.api_version or API_VERSION,
        "application": None,
        "description": params.description,
        "enabled_events": params.enabled_events,
        "metadata": params.metadata,
        "status": "enabled",
        "url": params.url,
        "_connect": params.connect,
        "_secret": secret,
    }
    call.store.listeners = None
    return call.new("webhook_endpoint", fields)


def _remove(call: Call, endpoint: Json) -> None:
    call.store.remove(endpoint["id"])
    call.store.db.execute("DELETE FROM deliveries WHERE endpoint = ?", (endpoint["id"],))
    call.store.listeners = None


def _check(url: str, events: list[str]) -> None:
    if not url.startswith(SCHEMES):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", param="url", code="url_invalid")
    if not events:
        raise invalid("Missing required param: enabled_events.", param="enabled_events", code="parameter_missing")


Mode = Literal["normal", "hold", "shuffle", "duplicate", "chaos"]
"""How deliveries go out: in order; not at all; in any order; each twice, in order; in any order and several times."""
