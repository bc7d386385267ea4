"""Where you are told what happens, and what you were told."""

from datetime import datetime

import msgspec

from vendor_sdk.client.answers import Answer


class Key(Answer, frozen=True):
    """A key in force; `public` (``whpk_…``) verifies v1a."""

    id: str
    scheme: str
    public: str | None
    created_at: datetime
    expires_at: datetime | None


class Endpoint(Answer, frozen=True):
    """Where webhooks go; without `types` it hears of all."""

    id: str
    vendor: str
    url: str
    description: str
    types: list[str]
    payload: str
    state: str
    reason: str
    version: int
    failing_since: datetime | None
    quiet_until: datetime | None
    created_at: datetime
    keys: list[Key] = msgspec.field(default_factory=list[Key])


class Secret(Answer, frozen=True):
    """What webhooks are verified with, shown once. Not in its repr."""

    scheme: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Secret(scheme={self.scheme!r}, …)"


class EndpointWithSecrets(Answer, frozen=True):
    """An endpoint and its new secrets."""

    endpoint: Endpoint
    secrets: list[Secret]


class Delivery(Answer, frozen=True):
    """One event for one endpoint; `event_id` is the header webhook-id. Those of one `key` are in the order of their `position`."""

    id: str
    event_id: str
    endpoint_id: str
    vendor: str
    type: str
    key: str
    position: int
    state: str
    reason: str
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None


class Attempt(Answer, frozen=True):
    """One attempt: the beginning of what was answered, or why nothing was."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str
    response: str


class DeliveryWithAttempts(Answer, frozen=True):
    """A delivery, the body that is sent, and each attempt."""

    delivery: Delivery
    body: str
    attempts: list[Attempt]


class Replay(Answer, frozen=True):
    """Deliveries begun anew: how far it is."""

    id: str
    endpoint_id: str
    since: datetime
    replayed: int
    created_at: datetime
    done_at: datetime | None
