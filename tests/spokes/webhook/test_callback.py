"""A vendor's callback is read only if it is the vendor's, of now, and something a vendor may tell."""

import time

import pytest
from standardwebhooks.webhooks import Webhook as Signer

from spokes.webhook.callback import read_callback
from spokes.webhook.signing import Forged, read_keys, sign, verify
from tests.spokes.webhook.vendor import OTHER, SECRET
from vendor_sdk.errors import AdapterError, NeedsReauth
from vendor_sdk.messages import BODY_BYTES_MAX, Shipped

KEYS = read_keys(SECRET)
NOW = 1_800_000_000
PARCELS = b'[{"carrier": "Post", "tracking_number": "1"}]'
BODY = b'{"type": "shipping.shipped", "command_id": "h1", "data": {"sub_order_id": "s1", "parcels": ' + PARCELS + b"}}"


def signed(body: bytes, at: int = NOW) -> dict[str, str]:
    return sign(KEYS, "msg_1", at, body)


def test_a_fact_is_read() -> None:
    said = read_callback(KEYS, signed(BODY), BODY, NOW)
    assert (said.kind, said.command_id) == ("shipping.shipped", "h1")
    assert isinstance(said.message, Shipped)


@pytest.mark.parametrize("age", [301, -301])
def test_a_replayed_one_is_refused(age: int) -> None:
    with pytest.raises(NeedsReauth, match="300 s"):
        read_callback(KEYS, signed(BODY, NOW - age), BODY, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "v1,äöü"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 10_000)},
        {"webhook-timestamp": "١٢٣"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
    ],
)
def test_a_signature_that_is_none_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NeedsReauth):
        read_callback(KEYS, signed(BODY) | headers, BODY, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"type": "stock.reserved", "command_id": "r1", "data": {"sub_order_id": "s1"}}',
        b'{"type": "spoke.dead", "command_id": "r1", "data": {}}',
        b'{"type": "orders.accepted", "command_id": "a b", "data": {"sub_order_id": "s1"}}',
        b'{"type": "orders.accepted", "command_id": "o1", "data": {"sub_order_id": "s1", "paid": true}}',
        b"[" * 100_000,
        b"x" * (BODY_BYTES_MAX + 1),
    ],
)
def test_what_says_nothing_is_refused_though_it_is_signed(body: bytes) -> None:
    with pytest.raises((AdapterError, RecursionError)):
        read_callback(KEYS, signed(body), body, NOW)


def test_the_reference_library_believes_us_and_we_the_example_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    made = sign(KEYS, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made["webhook-signature"] == wanted
    assert verify(KEYS, made, body, 1614265330) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    now = int(time.time())
    Signer(SECRET).verify(body, sign(read_keys(f"{OTHER} {SECRET}"), "m", now, body))
    with pytest.raises(Forged):
        verify(read_keys(OTHER), made, body, 1614265330)
