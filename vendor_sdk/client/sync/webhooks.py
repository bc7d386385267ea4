"""Where you are told what happens, and what you were told."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from vendor_sdk.client.answers import Page
from vendor_sdk.client.answers.webhooks import Delivery, DeliveryWithAttempts, Endpoint, EndpointWithSecrets, Replay
from vendor_sdk.client.call import get, listed, said, write
from vendor_sdk.client.sync.sender import Sender

WHERE = "webhook-endpoints"
WHAT = "webhook-deliveries"


class Endpoints:
    """Your webhook endpoints."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self) -> Iterator[Endpoint]:
        """Each of yours, newest first."""
        return self._send.each(listed(Endpoint, WHERE, limit=100))

    def page(self, *, limit: int = 20, cursor: str | None = None) -> Page[Endpoint]:
        """A page of the same."""
        return self._send(listed(Endpoint, WHERE, limit=limit, cursor=cursor))

    def get(self, endpoint: str) -> Endpoint:
        """One of them."""
        return self._send(get(Endpoint, WHERE, endpoint))

    def register(  # noqa: PLR0913  # an endpoint's parts, all by name
        self,
        url: str,
        *,
        types: Sequence[str] = (),
        description: str = "",
        payload: str = "full",
        schemes: Sequence[str] = ("v1",),
        state: str = "enabled",
        key: str | None = None,
    ) -> EndpointWithSecrets:
        """A new one; its secrets are shown this once. One that is born ``disabled`` is sent nothing: what happens is kept for it."""
        body = {"url": url, "types": list(types), "description": description, "payload": payload, "schemes": list(schemes), "state": state}
        return self._send(write(EndpointWithSecrets, "POST", WHERE, body=body, key=key))

    def change(  # noqa: PLR0913  # an endpoint's parts, all by name
        self,
        endpoint: str,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        description: str | None = None,
        payload: str | None = None,
        state: str | None = None,
        version: int | None = None,
        key: str | None = None,
    ) -> Endpoint:
        """Change it, disable it or enable it; None stays. Raises `Conflict` with the current version if it is not at `version`."""
        body = said(url=url, types=types, description=description, payload=payload, state=state)
        return self._send(write(Endpoint, "PATCH", WHERE, endpoint, body=body, key=key, version=version))

    def remove(self, endpoint: str, *, version: int | None = None, key: str | None = None) -> Endpoint:
        """It is gone; what was pending for it is sent no more."""
        return self._send(write(Endpoint, "DELETE", WHERE, endpoint, key=key, version=version))

    def rotate(self, endpoint: str, *, scheme: str = "v1", overlap_seconds: int = 86_400, key: str | None = None) -> EndpointWithSecrets:
        """A new secret, shown this once; the old one signs beside it for a while."""
        body = {"scheme": scheme, "overlap_seconds": overlap_seconds}
        return self._send(write(EndpointWithSecrets, "POST", WHERE, endpoint, "keys", body=body, key=key))

    def test(self, endpoint: str, type_: str = "test", *, key: str | None = None) -> Delivery:
        """An example of an event of this type, for this endpoint alone."""
        return self._send(write(Delivery, "POST", WHERE, endpoint, "test", body={"type": type_}, key=key))

    def replay(self, endpoint: str, since: datetime, *, key: str | None = None) -> Replay:
        """Deliver again all that failed since then."""
        return self._send(write(Replay, "POST", WHERE, endpoint, "replays", body={"since": since}, key=key))

    def replayed(self, endpoint: str, replay: str) -> Replay:
        """How far that is."""
        return self._send(get(Replay, WHERE, endpoint, "replays", replay))


class Deliveries:
    """What you were told, and what came of it."""

    def __init__(self, send: Sender) -> None:
        self._send = send

    def all(self, *, endpoint: str | None = None, state: str | None = None, type_: str | None = None) -> Iterator[Delivery]:
        """Each of them, newest first."""
        return self._send.each(listed(Delivery, WHAT, endpoint=endpoint, state=state, type_=type_, limit=100))

    def page(  # filters, all by name
        self,
        *,
        endpoint: str | None = None,
        state: str | None = None,
        type_: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """A page of the same."""
        return self._send(listed(Delivery, WHAT, endpoint=endpoint, state=state, type_=type_, limit=limit, cursor=cursor))

    def get(self, delivery: str) -> DeliveryWithAttempts:
        """One of them, with the body and each attempt."""
        return self._send(get(DeliveryWithAttempts, WHAT, delivery))

    def replay(self, delivery: str, *, key: str | None = None) -> Delivery:
        """Deliver it again, under the same webhook-id."""
        return self._send(write(Delivery, "POST", WHAT, delivery, "replay", key=key))
