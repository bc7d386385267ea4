"""Our signatures are those of Standard Webhooks, as its own library has them."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.vendor_sdk.client.hub import KEY
from vendor_sdk.webhooks.signing import BadSignature, sign, stable_secret, verify

BODY = b'{"type":"test"}'
NOW = 1_790_000_000
SECRET = stable_secret(KEY, "here")


def test_their_library_verifies_ours() -> None:
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251  # their library asks the clock
    assert Webhook(SECRET).verify(BODY, sign(SECRET, "evt_1", now, BODY)) == {"type": "test"}


def test_we_verify_theirs_also_while_a_secret_is_rotated() -> None:
    theirs = Webhook(SECRET).sign("evt_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(NOW), "webhook-signature": f"v1a,AAAA v1,bm8= {theirs}"}
    verify(SECRET, headers, BODY, now=NOW + 299)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,not base64 ä"},
    ],
)
def test_what_was_changed_is_not_right(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, sign(SECRET, "evt_1", NOW, BODY) | change, BODY, now=NOW)


def test_another_body_time_or_secret_is_not_right() -> None:
    headers = sign(SECRET, "evt_1", NOW, BODY)
    for body, now, secret in ((BODY + b" ", NOW, SECRET), (BODY, NOW + 301, SECRET), (BODY, NOW, stable_secret(KEY, "there"))):
        with pytest.raises(BadSignature):
            verify(secret, headers, body, now=now)


def test_a_secret_is_the_same_each_time_and_no_key() -> None:
    assert stable_secret(KEY, "here") == SECRET != stable_secret(KEY + "x", "here")
    assert KEY not in SECRET
    for wrong in ("", "whsec_", "whsec_c2hvcnQ=", "whsec_!"):
        with pytest.raises(ValueError, match="a secret is whsec_"):
            sign(wrong, "evt_1", NOW, BODY)
