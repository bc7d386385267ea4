"""Webhook endpoints and deliveries over HTTP: where the vendor is told, what it was told, and again."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vendor_sdk.client.answers import webhooks as answers
from vendor_sdk.client.answers.webhooks import DeliveryWithAttempts, EndpointWithSecrets, Secret
from vendor_sdk.emulator import deliver, shown
from vendor_sdk.emulator.http.pages import newest_first
from vendor_sdk.emulator.http.request import Answer, Call, encoded
from vendor_sdk.emulator.http.write import check_version, write
from vendor_sdk.emulator.model import Book, Delivery, Endpoint
from vendor_sdk.emulator.refusals import Conflict, Invalid, NotFound
from vendor_sdk.emulator.tell import EventType, tell_test
from vendor_sdk.emulator.turn import Turn
from vendor_sdk.webhooks.signing import stable_secret

ENDPOINTS_MAX = 10
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Description = Annotated[str, Meta(max_length=500)]
Types = Annotated[list[EventType], Meta(max_length=50)]
Payload = Literal["thin", "full"]
EndpointState = Literal["enabled", "disabled"]


class New(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the vendor wants to hear of what; the emulator signs with v1 alone."""

    url: Url
    description: Description = ""
    types: Types = []
    payload: Payload = "full"
    schemes: Annotated[list[Literal["v1", "v1a"]], Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: ["v1"])
    state: EndpointState = "enabled"


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    payload: Payload | UnsetType = UNSET
    state: EndpointState | UnsetType = UNSET


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which type."""

    type: EventType = "test"


def register(call: Call) -> Answer:
    """A new endpoint; its secret is shown this once."""
    new = call.body(New)

    def work(turn: Turn) -> EndpointWithSecrets:
        endpoint = add(turn, new)
        return EndpointWithSecrets(endpoint=shown.endpoint(turn.book, endpoint), secrets=[Secret(scheme="v1", secret=endpoint.secret)])

    return write(call, work, status=201, keep=_without_secrets)


def browse(call: Call) -> Answer:
    """The endpoints, newest first."""
    book = call.emulator.book
    return newest_first(call, book.endpoints.values(), lambda one: shown.endpoint(book, one))


def one(call: Call) -> Answer:
    """One of them."""
    book = call.emulator.book
    return encoded(shown.endpoint(book, _endpoint(book, call.args[0])))


def change(call: Call) -> Answer:
    """Change it, disable it or enable it."""
    asked = call.body(Changes)

    def work(turn: Turn) -> answers.Endpoint:
        endpoint = _endpoint(turn.book, call.args[0])
        check_version(call, endpoint.version)
        said: dict[str, Any] = {name: getattr(asked, name) for name in asked.__struct_fields__}
        values = {name: value for name, value in said.items() if value is not UNSET and value != getattr(endpoint, name)}
        if "url" in values:
            _check_url(values["url"])
        for name, value in values.items():
            setattr(endpoint, name, value)
        if "state" in values:
            endpoint.reason = "" if endpoint.state == "enabled" else "by_vendor"
            if endpoint.state == "disabled":
                deliver.fail_all(turn, endpoint.id, "endpoint_disabled")
        endpoint.version += 1 if values else 0
        return shown.endpoint(turn.book, endpoint)

    return write(call, work)


def remove(call: Call) -> Answer:
    """Nothing is sent there any more."""

    def work(turn: Turn) -> answers.Endpoint:
        endpoint = _endpoint(turn.book, call.args[0])
        check_version(call, endpoint.version)
        deliver.fail_all(turn, endpoint.id, "endpoint_removed")
        del turn.book.endpoints[endpoint.id]
        last = shown.endpoint(turn.book, endpoint)
        return msgspec.structs.replace(last, state="removed", version=last.version + 1, keys=[])

    return write(call, work)


def test(call: Call) -> Answer:
    """Send it an example."""
    asked = call.optional_body(Example) or Example()

    def work(turn: Turn) -> answers.Delivery:
        endpoint = _endpoint(turn.book, call.args[0])
        return shown.delivery(turn.book, tell_test(turn, endpoint, asked.type))

    return write(call, work, status=201)


def deliveries(call: Call) -> Answer:
    """What was told, newest first."""
    book = call.emulator.book
    return newest_first(call, _wanted(call, book), lambda one: shown.delivery(book, one))


def delivery(call: Call) -> Answer:
    """One delivery with the body and each attempt."""
    book = call.emulator.book
    found = _delivery(book, call.args[0])
    return encoded(DeliveryWithAttempts(delivery=shown.delivery(book, found), body=found.body, attempts=shown.attempts(found)))


def replay(call: Call) -> Answer:
    """Deliver it again, under the same webhook-id."""

    def work(turn: Turn) -> answers.Delivery:
        found = _delivery(turn.book, call.args[0])
        _enabled(turn.book, found.endpoint_id)
        deliver.again(turn, found)
        return shown.delivery(turn.book, found)

    return write(call, work)


def add(turn: Turn, new: New) -> Endpoint:
    """A new endpoint. Raises `Invalid` (``url_refused``, ``scheme_twice``), `Conflict` (``too_many_endpoints``)."""
    _check_url(new.url)
    if len(set(new.schemes)) != len(new.schemes):
        raise Invalid("scheme_twice", "each scheme can be named once", field="/schemes")
    if "v1a" in new.schemes:
        raise Invalid("scheme_not_emulated", "the emulator signs with v1 alone", field="/schemes")
    if len(turn.book.endpoints) >= ENDPOINTS_MAX:
        raise Conflict("too_many_endpoints", f"a vendor has at most {ENDPOINTS_MAX} endpoints")
    endpoint_id = turn.new_id("wep")
    endpoint = Endpoint(
        id=endpoint_id,
        url=new.url,
        secret=stable_secret(turn.book.api_key, endpoint_id),
        key_id=turn.new_id("whk"),
        created_at=turn.now,
        description=new.description,
        types=[*new.types],
        payload=new.payload,
        state=new.state,
        reason="" if new.state == "enabled" else "by_vendor",
    )
    turn.book.endpoints[endpoint.id] = endpoint
    return endpoint


def _without_secrets(made: EndpointWithSecrets) -> EndpointWithSecrets:
    return msgspec.structs.replace(made, secrets=[Secret(scheme=secret.scheme, secret=None) for secret in made.secrets])


def _endpoint(book: Book, endpoint_id: str) -> Endpoint:
    if endpoint_id not in book.endpoints:
        raise NotFound("unknown_endpoint", f"no endpoint {endpoint_id}")
    return book.endpoints[endpoint_id]


def _enabled(book: Book, endpoint_id: str) -> Endpoint:
    endpoint = _endpoint(book, endpoint_id)
    if endpoint.state != "enabled":
        raise Conflict("endpoint_disabled", "nothing is sent to a disabled endpoint: enable it first", state=endpoint.state)
    return endpoint


def _delivery(book: Book, delivery_id: str) -> Delivery:
    if delivery_id not in book.deliveries:
        raise NotFound("unknown_delivery", f"no delivery {delivery_id}")
    return book.deliveries[delivery_id]


def _wanted(call: Call, book: Book) -> Iterator[Delivery]:
    asked = {name: call.request.query.get(name) for name in ("endpoint", "state", "type")}
    for one in book.deliveries.values():
        has = {"endpoint": one.endpoint_id, "state": one.state, "type": one.type}
        if all(value in {None, has[name]} for name, value in asked.items()):
            yield one


def _check_url(url: str) -> None:
    """As a hub in development does: private addresses are allowed, for the vendor's own machine is one."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and not parts.fragment
        usable = usable and url.isascii() and url.isprintable() and " " not in url and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise Invalid("url_refused", "this is not a URL that webhooks can go to", field="/url")
