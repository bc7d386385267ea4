"""The life of an endpoint."""

from enum import StrEnum

from hub.kernel.machine import Machine


class EndpointState(StrEnum):
    """Whether webhooks go to it; what happens while it is disabled is kept for it, as failed."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"


class EndpointEvent(StrEnum):
    """What may happen to it."""

    DISABLE = "disable"
    ENABLE = "enable"
    REMOVE = "remove"


_S, _E = EndpointState, EndpointEvent

WEBHOOK_ENDPOINT = Machine(
    "webhook_endpoint",
    initial=_S.ENABLED,
    ends=frozenset({_S.REMOVED}),
    table={
        (_S.ENABLED, _E.DISABLE): _S.DISABLED,
        (_S.DISABLED, _E.ENABLE): _S.ENABLED,
        (_S.ENABLED, _E.REMOVE): _S.REMOVED,
        (_S.DISABLED, _E.REMOVE): _S.REMOVED,
    },
)
