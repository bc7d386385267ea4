"""What vendors say of their endpoints and are told of them, and what a webhook's body holds."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hub.notifications.states import EndpointState

EventType = Literal[
    "order.placed",
    "order.routed",
    "order.accepted",
    "order.declined",
    "order.expired",
    "order.canceled",
    "order.recalled",
    "order.kept",
    "order.shipped",
    "order.delivered",
    "refund.created",
    "refund.succeeded",
    "refund.failed",
    "transfer.sent",
    "payout.paid",
    "payout.failed",
    "dispute.opened",
    "dispute.closed",
    "vendor.updated",
    "webhook_endpoint.disabled",
    "test",
]
"""What a vendor may hear of. ``order.…`` is about its sub-order; ``test`` comes only when it is asked for."""

Scheme = Literal["v1", "v1a"]
Payload = Literal["thin", "full"]
DeliveryState = Literal["pending", "delivered", "failed"]

URL_LENGTH_MAX = 2048

Url = Annotated[str, Meta(min_length=1, max_length=URL_LENGTH_MAX)]
Description = Annotated[str, Meta(max_length=500)]
Types = Annotated[list[EventType], Meta(max_length=50)]
Schemes = Annotated[list[Scheme], Meta(min_length=1, max_length=2)]
OverlapSeconds = Annotated[int, Meta(ge=0, le=604_800)]


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a vendor wants to hear of what; without `types` of all. ``thin`` payloads name the object, ``full`` ones contain it.

    To one that is born ``disabled`` nothing is sent: what happens is kept for it, to be looked at, or replayed once it is enabled.
    """

    url: Url
    description: Description = ""
    types: Types = []
    payload: Payload = "full"
    schemes: Schemes = msgspec.field(default_factory=lambda: ["v1"])
    state: Literal["enabled", "disabled"] = "enabled"


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different from now on; what is left out stays."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    payload: Payload | UnsetType = UNSET
    state: Literal["enabled", "disabled"] | UnsetType = UNSET


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key; the others of its scheme sign for `overlap_seconds` more, so that nothing is missed while yours is changed."""

    scheme: Scheme = "v1"
    overlap_seconds: OverlapSeconds = 86_400


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which type an example is wanted. Its data says ``"test": true`` and is about nothing that there is."""

    type: EventType = "test"


class ReplayFrom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which moment on everything that failed is to be delivered again."""

    since: Annotated[datetime, Meta(tz=True)]


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key in force. `public` (``whpk_…``) verifies v1a; of v1 nothing is shown any more."""

    id: str
    scheme: Scheme
    public: str | None
    created_at: datetime
    expires_at: datetime | None


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `reason` says why it is disabled: ``by_vendor``, ``gone`` (it answered 410) or ``failing`` (for days).

    `failing_since`: no attempt has succeeded since; `quiet_until`: it asked to be left alone, or is overloaded.
    """

    id: str
    vendor: str
    url: str
    description: str
    types: list[EventType]
    payload: Payload
    state: EndpointState
    reason: str
    version: int
    failing_since: datetime | None
    quiet_until: datetime | None
    created_at: datetime
    keys: list[KeyView] = []


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor verifies with, shown once: ``whsec_…`` for v1, the public ``whpk_…`` for v1a. Null when answered again."""

    scheme: Scheme
    secret: str | None


class EndpointWithSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint and its new secrets."""

    endpoint: EndpointView
    secrets: list[Secret]


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint. `event_id` is the header webhook-id; `due_at` means something while it is pending.

    Those of one `key` are in the order of their `position`.

    `reason` of a failed one: ``exhausted`` (ten attempts), ``gone``, ``endpoint_disabled`` or ``endpoint_removed``.
    """

    id: str
    event_id: str
    endpoint_id: str
    vendor: str
    type: EventType
    key: str
    position: int
    state: DeliveryState
    reason: str
    attempts: int
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt: what was answered (its beginning), or why nothing was."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None
    error: str
    response: str


class DeliveryWithAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, the body that is sent, and each attempt."""

    delivery: DeliveryView
    body: str
    attempts: list[AttemptView]


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """A replay of what had failed: how far it is."""

    id: str
    endpoint_id: str
    since: datetime
    replayed: int
    created_at: datetime
    done_at: datetime | None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, as Standard Webhooks has it. `timestamp` is when it happened."""

    type: EventType
    timestamp: datetime
    data: dict[str, Any]
