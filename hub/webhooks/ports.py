"""What receiving needs of a provider: its secrets, and somebody who can tell its events from forged ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from hub.payments.facts import ProviderEvent
from hub.payments.signed import BadEvent, BadSignature

__all__ = ["BadEvent", "BadSignature", "Endpoint", "Endpoints", "ReadEvent"]


class ReadEvent(Protocol):
    """Verifies and reads what was sent."""

    def __call__(self, raw: bytes, signature: str, secrets: Sequence[str], *, now: datetime) -> ProviderEvent:
        """The event in the body `raw`. Raises `BadSignature` (also for no signature) and `BadEvent`."""
        ...


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One address at which a provider tells us things. Several `secrets` while they are being changed; none: it is closed."""

    gateway: str
    name: str
    secrets: tuple[str, ...]
    signature_header: str
    read: ReadEvent


Endpoints = dict[str, Endpoint]
"""By what stands in the path: ``stripe``, ``stripe/connect``."""
