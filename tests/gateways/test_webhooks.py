"""Whose webhooks are believed: signed by Stripe's own package, then bent in every way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import stripe

from hub.gateways.stripe.webhooks import read_event
from hub.payments.facts import ProviderEvent
from hub.payments.signed import BadEvent, BadSignature

SECRET, OTHER = "whsec_one", "whsec_other"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())


def body(**changes: Any) -> bytes:
    event: dict[str, Any] = {
        "id": "evt_1",
        "object": "event",
        "type": "refund.updated",
        "created": AT - 5,
        "data": {"object": {"id": "re_1", "object": "refund", "amount": 5}},
        "livemode": False,
    }
    return msgspec.json.encode(event | changes)


def signed(raw: bytes, secret: str = SECRET, at: int = AT) -> str:
    return stripe.WebhookSignature.generate_signature_header(raw.decode(), secret, at)


def read(raw: bytes, signature: str, *secrets: str, now: datetime = NOW) -> ProviderEvent:
    return read_event(raw, signature, secrets or (SECRET,), now=now)


class TestGenuine:
    def test_of_ours(self) -> None:
        assert read(body(), signed(body())) == ProviderEvent(id="evt_1", kind="refund.updated", subject="re_1", account=None, at=AT - 5)

    def test_of_a_vendors_account(self) -> None:
        raw = body(account="acct_1", type="payout.paid", data={"object": {"id": "po_1"}})
        event = read(raw, signed(raw))
        assert (event.account, event.subject) == ("acct_1", "po_1")

    def test_of_something_without_an_id(self) -> None:
        raw = body(type="balance.available", data={"object": {"object": "balance"}})
        assert read(raw, signed(raw)).subject == ""

    @pytest.mark.parametrize("secret", [SECRET, OTHER])
    def test_while_a_secret_is_replaced_both_are_good(self, secret: str) -> None:
        assert read(body(), signed(body(), secret), SECRET, OTHER).id == "evt_1"

    def test_signed_with_both_as_stripe_does_while_it_rolls_a_secret(self) -> None:
        two = signed(body(), OTHER) + "," + signed(body(), SECRET).split(",")[1]
        assert read(body(), two).id == "evt_1"

    @pytest.mark.parametrize("seconds", [-300, 0, 300])
    def test_within_five_minutes(self, seconds: int) -> None:
        assert read(body(), signed(body(), at=AT + seconds)).id == "evt_1"


class TestForged:
    @pytest.mark.parametrize("seconds", [-301, 301, -10_000_000, 10_000_000])
    def test_too_old_or_of_a_moment_still_to_come(self, seconds: int) -> None:
        with pytest.raises(BadSignature, match="of now"):
            read(body(), signed(body(), at=AT + seconds))

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "t=1",
            "v1=00",
            f"t={AT},v1=00",
            f"t={AT},v0=00",
            f"t={AT}",
            "t=,v1=",
            ",",
            "=",
            "t=x,v1=y",
            "\x00",
            f"t={AT},v1=ü",
            "t=1" * 99_999,
        ],
    )
    def test_with_no_signature_worth_the_name(self, signature: str) -> None:
        with pytest.raises(BadSignature):
            read(body(), signature)

    def test_an_old_one_with_a_second_moment_beside_its_own(self) -> None:
        old = signed(body(), at=AT - 10_000)
        moment, proof = old.split(",")
        digits = moment.removeprefix("t=")
        for bent in (
            f"t={AT},{old}",
            f"{old},t={AT}",
            f"{moment},t={AT},{proof}",
            f"t={digits[0]}_{digits[1:]},t={AT},{proof}",
            f" t={AT},{old}",
        ):
            with pytest.raises(BadSignature):
                read(body(), bent)

    def test_tampered_with(self) -> None:
        with pytest.raises(BadSignature):
            read(body(id="evt_2"), signed(body()))
        with pytest.raises(BadSignature):
            read(body() + b" ", signed(body()))

    def test_with_another_secret(self) -> None:
        with pytest.raises(BadSignature):
            read(body(), signed(body(), OTHER))

    @pytest.mark.parametrize("secrets", [(), ("",), (" ",), ("", "\t")])
    def test_where_there_is_no_secret_nothing_is_believed(self, secrets: tuple[str, ...]) -> None:
        for guess in ("", " ", "\t", SECRET):
            with pytest.raises(BadSignature):
                read_event(body(), signed(body(), guess), secrets, now=NOW)

    def test_bytes_that_are_no_text(self) -> None:
        with pytest.raises(BadSignature):
            read(b"\xff\xfe", signed(body()))


class TestUnreadable:
    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"null",
            b"[]",
            b"{",
            b'{"id":"evt_1"}',
            b"[" * 10_000,
            body(object="v2.core.event"),
            body(id="evt_\x00"),
            body(id=""),
            body(id="x" * 256),
            body(id="evt_1\n"),
            body(type="a b"),
            body(account="acct_1'; --"),
            body(data={"object": {"id": "re_\u0000"}}),
            body(data={}),
            body(created="yesterday"),
            body(created=-1),
            body(created=1 << 70),
        ],
    )
    def test_signed_and_yet_no_event(self, raw: bytes) -> None:
        with pytest.raises(BadEvent):
            read(raw, signed(raw))

    def test_the_clock_is_the_callers(self) -> None:
        later = NOW + timedelta(days=30)
        with pytest.raises(BadSignature):
            read(body(), signed(body()), now=later)
