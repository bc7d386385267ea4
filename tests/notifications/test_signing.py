"""What we sign, the reference library of Standard Webhooks believes, and ed25519 an independent implementation."""

import base64
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hub.notifications.signing import Key, headers, new_key, public_half

BODY = b'{"type":"order.accepted","timestamp":"2026-01-31T12:00:00Z","data":{"id":"sub_1","note":"\xc3\xa4"}}'


def now() -> int:
    return int(time.time())


def verify_v1a(public: str, sent: dict[str, str], body: bytes) -> bool:
    """As the specification has it, by another library than ours."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    for each in sent["webhook-signature"].split(" "):
        scheme, _, signature = each.partition(",")
        if scheme == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
            except InvalidSignature:
                continue
            return True
    return False


def test_the_reference_library_believes_a_v1_signature() -> None:
    key = new_key("v1")
    assert Webhook(key.secret).verify(BODY, headers([key], "evt_1", now(), BODY))["type"] == "order.accepted"


def test_the_example_of_the_specification() -> None:
    key = Key("v1", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_old_and_new_secret_both_verify_and_a_third_does_not() -> None:
    old, new, other = new_key("v1"), new_key("v1"), new_key("v1")
    sent = headers([new, old], "evt_1", now(), BODY)
    for key in (old, new):
        Webhook(key.secret).verify(BODY, sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(other.secret).verify(BODY, sent)


@pytest.mark.parametrize(
    ("message_id", "late", "body"), [("evt_2", 0, BODY), ("evt_1", 1, BODY), ("evt_1", 0, BODY + b" ")], ids=["id", "time", "body"]
)
def test_what_is_signed_is_id_time_and_body(message_id: str, late: int, body: bytes) -> None:
    shared, pair = new_key("v1"), new_key("v1a")
    sent = headers([shared, pair], "evt_1", now(), BODY)
    forged = {**sent, "webhook-id": message_id, "webhook-timestamp": str(int(sent["webhook-timestamp"]) - late)}
    with pytest.raises(WebhookVerificationError):
        Webhook(shared.secret).verify(body, forged)
    assert not verify_v1a(public_half(pair) or "", forged, body)


def test_an_ed25519_signature_verifies_with_the_public_half_beside_an_hmac() -> None:
    pair, shared = new_key("v1a"), new_key("v1")
    public = public_half(pair)
    assert public is not None
    assert public_half(shared) is None
    sent = headers([shared, pair], "evt_1", now(), BODY)
    assert verify_v1a(public, sent, BODY)
    assert not verify_v1a(public_half(new_key("v1a")) or "", sent, BODY)
    Webhook(shared.secret).verify(BODY, sent)


def test_secrets_are_as_long_as_the_specification_wants_and_never_twice_the_same() -> None:
    keys = [new_key("v1") for _ in range(50)]
    assert all(24 <= len(base64.b64decode(key.secret.removeprefix("whsec_"))) <= 64 for key in keys)
    assert len(set(keys)) == len(keys)
    assert new_key("v1a").secret.startswith("whsk_")
