"""Whether a webhook is Stripe's, and what it is a hint of."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import stripe
from msgspec import Meta, Struct

from hub.payments.facts import ProviderEvent
from hub.payments.signed import BadEvent, BadSignature

TOLERANCE_SECONDS = 300
"""How far a signature's time may lie from ours on either side (Stripe's own default; its package does not mind the future)."""

HEADER = re.compile(r"t=([0-9]{1,12})(?:,v[0-9]+=[0-9a-f]{1,256})+")
"""``t=1492774577,v1=5257a8…``, strictly: were there two moments to choose from, one could be signed and the other be checked."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,255}\Z")]


class _Object(Struct):
    id: Name | None = None


class _Data(Struct):
    object: _Object


class _Event(Struct):
    id: Name
    object: Literal["event"]
    type: Name
    created: Annotated[int, Meta(ge=0, lt=1 << 40)]
    data: _Data
    account: Name | None = None


def read_event(raw: bytes, signature: str, secrets: Sequence[str], *, now: datetime) -> ProviderEvent:
    """The event in a webhook's body exactly as it came in; `signature` is its header ``Stripe-Signature``.

    Several `secrets` while one is being replaced; with none of them every signature is bad. Raises `BadSignature`, `BadEvent`.
    `subject` is the id of the object, empty where it has none (``balance.available``).
    """
    _check(raw, signature, secrets, now)
    try:
        event = msgspec.json.decode(raw, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEvent(str(error)) from None
    return ProviderEvent(id=event.id, kind=event.type, subject=event.data.object.id or "", account=event.account, at=event.created)


def _check(raw: bytes, signature: str, secrets: Sequence[str], now: datetime) -> None:
    header = HEADER.fullmatch(signature)
    # Without a secret nothing is signed: an empty one is a key that everybody has.
    if header is None or not any(_is_signed(raw, signature, secret) for secret in secrets if secret.strip()):
        raise BadSignature("the signature is not ours")
    if abs(now.timestamp() - int(header[1])) > TOLERANCE_SECONDS:
        raise BadSignature("the signature is not of now")


def _is_signed(raw: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(raw.decode(), signature, secret, tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True
