"""Standard Webhooks 1.0.0, both ways: signs what is sent and checks what comes, with each of several secrets (``v1``, HMAC-SHA256).

The specification: https://www.standardwebhooks.com (signed is ``<id>.<timestamp>.<body>``).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
SCHEME = "v1"
KEY_BYTES = (24, 64)
WINDOW_SECONDS = 300
"""How old, or how far ahead of our clock, a signature may be; as the specification's own libraries have it."""
SIGNATURES_MAX = 16


class Unsigned(Exception):
    """There is no signature at all."""


class Forged(Exception):
    """There is a signature, and it is not to be believed."""


def read_keys(text: str) -> list[bytes]:
    """The keys of a list of secrets (``whsec_…``, separated by blanks). Raises `ValueError` without repeating the secret."""
    keys = [_key(secret) for secret in text.split()]
    if not keys:
        raise ValueError("secret: there is none")
    return keys


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message sent at the unix second `timestamp`; one signature for each key."""
    signatures = " ".join(f"{SCHEME},{base64.b64encode(_digest(key, message_id, str(timestamp), body)).decode()}" for key in keys)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message id, if one signature is by one of the keys and the time is ours. `headers` by names in lower case.

    Raises `Unsigned` or `Forged`.
    """
    if SIGNATURE not in headers:
        raise Unsigned(f"there is no {SIGNATURE}")
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):  # noqa: PLR2004 - unix seconds have 10 digits
        raise Forged(f"{ID} or {TIMESTAMP} is missing or no unix second")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise Forged(f"{TIMESTAMP} is more than {WINDOW_SECONDS} s from now")
    given = [each.removeprefix(f"{SCHEME},") for each in headers[SIGNATURE].split(" ")[:SIGNATURES_MAX] if each.startswith(f"{SCHEME},")]
    wanted = [base64.b64encode(_digest(key, message_id, timestamp, body)) for key in keys]
    # All are compared, whichever fits: how long it takes tells nothing.
    fits = [hmac.compare_digest(each.encode(errors="replace"), right) for each in given for right in wanted]
    if not any(fits):
        raise Forged("no signature is by a secret that we know")
    return message_id


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.new(key, b".".join((message_id.encode(), timestamp.encode(), body)), hashlib.sha256).digest()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"secret: after {PREFIX} it has to be base64") from None
    if not KEY_BYTES[0] <= len(key) <= KEY_BYTES[1]:
        raise ValueError(f"secret: a key has {KEY_BYTES[0]} to {KEY_BYTES[1]} bytes")
    return key
