"""Receive what a provider sends: verify it, keep it as it came, and leave the rest to a worker."""

from datetime import datetime

from hub.kernel.errors import NotFound
from hub.payments.facts import ProviderEvent
from hub.runtime.database import Tx
from hub.webhooks import store
from hub.webhooks.ports import BadEvent, Endpoint, Endpoints

BODY_BYTES_MAX = 256 * 1024
KEPT_HEADERS = ("content-type", "user-agent", "stripe-signature", "stripe-version")
TEXT_MAX = 255
LAST_SECOND = 253_402_300_799
"""The end of the year 9999: beyond it no calendar of ours goes."""


def endpoint(endpoints: Endpoints, path: str) -> Endpoint:
    """The endpoint at a path. Raises `NotFound` (``webhook_closed``) if no secret is set for it: nobody could be believed."""
    found = endpoints.get(path)
    if found is None or not found.secrets:
        raise NotFound("webhook_closed", "no secret is set for this endpoint, so nothing is taken here")
    return found


def read(at: Endpoint, raw: bytes, signature: str, now: datetime) -> ProviderEvent:
    """The event, if it is genuine. Raises `BadSignature` and `BadEvent`."""
    event = at.read(raw, signature, at.secrets, now=now)
    if not all(_storable(text) for text in (event.id, event.kind, event.subject or "-", event.account or "-")):
        raise BadEvent("its names are not names")
    if not 0 <= event.at <= LAST_SECOND:
        raise BadEvent("its time is none")
    return event


async def keep(tx: Tx, at: Endpoint, event: ProviderEvent, raw: bytes, headers: dict[str, str]) -> bool:
    """Keep it for the worker; False if it is here already."""
    kept = {name: headers[name].replace("\0", "") for name in KEPT_HEADERS if name in headers}
    return await store.keep(tx, event, gateway=at.gateway, endpoint=at.name, raw=raw, headers=kept)


def _storable(text: str) -> bool:
    return 0 < len(text) <= TEXT_MAX and text.isprintable()
