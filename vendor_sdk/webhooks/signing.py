"""Signatures of Standard Webhooks 1.0.0 with a shared secret (``v1``): made and verified."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300.0
SECRET_BYTES_MIN = 24


class BadSignature(Exception):
    """It is not from whom it claims to be, or not of now; the text says what is wrong."""


def stable_secret(api_key: str, name: str) -> str:
    """A secret that is the same each time for a key and a name, and tells nothing of the key."""
    return PREFIX + base64.b64encode(hmac.new(api_key.encode(), f"wheelwright listen {name}".encode(), hashlib.sha256).digest()).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message sent at the unix second `timestamp`. Raises `ValueError` for a secret that is none."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(_signature(secret, message_id, str(timestamp), body)).decode()}",
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Raises `BadSignature` unless one of the signatures is right and the message no older or younger than five minutes.

    `headers` are named in lower case; `now` is in unix seconds. Of an endpoint whose secret was rotated, several sign.
    """
    message_id, timestamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("99999999999")):
        raise BadSignature("the headers webhook-id and webhook-timestamp are missing or malformed")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("it was signed at another time")
    expected = _signature(secret, message_id, timestamp, body)
    for scheme, _, text in (each.partition(",") for each in signatures.split(" ")):
        if scheme == "v1" and hmac.compare_digest(_decoded(text), expected):
            return
    raise BadSignature("no signature is right")


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> bytes:
    raw = _decoded(secret.removeprefix(PREFIX))
    if len(raw) < SECRET_BYTES_MIN:
        raise ValueError(f"a secret is {PREFIX} and the base64 of at least {SECRET_BYTES_MIN} bytes")
    return hmac.new(raw, b".".join((message_id.encode(), timestamp.encode(), body)), hashlib.sha256).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
