"""Signs what is sent, to the letter of Standard Webhooks 1.0.0: HMAC-SHA256 (``v1``) and ed25519 (``v1a``)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Literal

import msgspec
from nacl.signing import SigningKey

from hub.runtime.entropy import random_bytes

Scheme = Literal["v1", "v1a"]

SECRET_BYTES = 32
"""Of the 24 to 64 that the specification allows; of an ed25519 seed there are never more."""
PREFIXES = {"v1": "whsec_", "v1a": "whsk_"}
PUBLIC_PREFIX = "whpk_"


class Key(msgspec.Struct, frozen=True):
    """One key of an endpoint; `secret` is ``whsec_…`` for v1 and ``whsk_…`` (seed and public key) for v1a."""

    scheme: Scheme
    secret: str


def new_key(scheme: Scheme) -> Key:
    """A fresh key."""
    seed = random_bytes(SECRET_BYTES)
    raw = seed if scheme == "v1" else seed + bytes(SigningKey(seed).verify_key)
    return Key(scheme, PREFIXES[scheme] + base64.b64encode(raw).decode())


def public_half(key: Key) -> str | None:
    """What a receiver verifies v1a with (``whpk_…``); None for v1, whose secret is shared."""
    return PUBLIC_PREFIX + base64.b64encode(_raw(key)[SECRET_BYTES:]).decode() if key.scheme == "v1a" else None


def headers(keys: Iterable[Key], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt, made at the unix second `timestamp`; one signature for each key in force."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"{key.scheme},{base64.b64encode(_sign(key, signed)).decode()}" for key in keys),
    }


def _sign(key: Key, signed: bytes) -> bytes:
    if key.scheme == "v1":
        return hmac.new(_raw(key), signed, hashlib.sha256).digest()
    return SigningKey(_raw(key)[:SECRET_BYTES]).sign(signed).signature


def _raw(key: Key) -> bytes:
    return base64.b64decode(key.secret.removeprefix(PREFIXES[key.scheme]))
