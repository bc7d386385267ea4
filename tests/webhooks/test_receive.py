"""What is sent to the webhooks: kept if it is genuine, once, as it came; refused with an answer that teaches nothing."""

import asyncio
import re
from typing import Any

import httpx
import msgspec
import pytest

from hub.runtime.callers import Callers
from hub.runtime.edge import Edge, Rates
from tests.hub_api import Api
from tests.problem import problem
from tests.webhooks.signing import CONNECT, OLD, PLATFORM, event, kept, send, signature

BODY = event("refund.updated", "re_1")


async def test_a_genuine_event_is_kept_as_it_came(api: Api):
    spaced = BODY.replace(b":", b" :  ")
    answer = await send(api, spaced)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    row = (await kept(api))["evt_1"]
    assert row["raw"] == spaced
    assert (row["kind"], row["subject"], row["account"], row["endpoint"], row["state"]) == ("refund.updated", "re_1", None, "stripe", "new")
    assert row["headers"]["stripe-signature"].startswith("t=")
    assert "authorization" not in row["headers"]


async def test_of_many_deliveries_one_is_kept(api: Api):
    answers = await asyncio.gather(*(send(api, BODY) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {'{"received":true}'}
    assert list(await kept(api)) == ["evt_1"]


async def test_both_secrets_hold_while_they_are_changed(api: Api):
    assert (await send(api, event("refund.updated", "re_1", event_id="evt_new"), PLATFORM)).status_code == 200
    assert (await send(api, event("refund.updated", "re_1", event_id="evt_old"), OLD)).status_code == 200
    assert set(await kept(api)) == {"evt_new", "evt_old"}


async def test_events_of_connected_accounts_have_an_endpoint_of_their_own(api: Api):
    body = event("account.updated", "acct_1", account="acct_1")
    assert (await send(api, body, CONNECT, to="stripe/connect")).status_code == 200
    row = (await kept(api))["evt_1"]
    assert (row["endpoint"], row["account"]) == ("stripe/connect", "acct_1")


class TestRefused:
    @pytest.mark.parametrize(
        ("secret", "to", "age"),
        [
            ("whsec_guessed", "stripe", 0),
            ("", "stripe", 0),
            (CONNECT, "stripe", 0),
            (PLATFORM, "stripe/connect", 0),
            (PLATFORM, "stripe", 301),
            (PLATFORM, "stripe", -3600),
        ],
        ids=["guessed", "empty secret", "connect's", "platform's", "old", "of the future"],
    )
    async def test_not_signed_by_the_provider_just_now(self, api: Api, secret: str, to: str, age: float):
        problem(await send(api, BODY, secret, to=to, age=age), 400, "bad_signature")
        assert not await kept(api)

    @pytest.mark.parametrize("header", ["", "v1=abc", "t=1", "t=x,v1=y", f"t=99999999999999999999,v1={'a' * 64}", "garbage", "t=1,v1=\xff"])
    async def test_a_header_that_is_none(self, api: Api, header: str):
        headers = {"Stripe-Signature": header.encode("latin-1")}
        problem(await api.http.post("/v1/webhooks/stripe", content=BODY, headers=headers), 400, "bad_signature")  # pyright: ignore[reportArgumentType]  # httpx takes bytes

    async def test_no_header(self, api: Api):
        problem(await api.http.post("/v1/webhooks/stripe", content=BODY), 400, "bad_signature")

    async def test_tampered_with(self, api: Api):
        headers = {"Stripe-Signature": signature(BODY, PLATFORM)}
        changed = BODY.replace(b"re_1", b"re_2")
        problem(await api.http.post("/v1/webhooks/stripe", content=changed, headers=headers), 400, "bad_signature")

    async def test_all_bad_signatures_are_answered_alike(self, api: Api):
        answers = [await send(api, BODY, "whsec_guessed"), await send(api, BODY, age=9999), await api.http.post("/v1/webhooks/stripe")]
        assert len({re.sub(r'"request_id":"[^"]*"', "", answer.text) for answer in answers}) == 1
        for secret in (PLATFORM, OLD, CONNECT):
            assert not any(secret in answer.text for answer in answers)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"not json",
            b"\x00" + BODY,
            BODY.replace(b"re_1", b"re_\\u0000"),
            BODY.replace(b"evt_1", b"evt_\\u0000"),
            BODY.replace(b'"event"', b'"v2.core.event"'),
            BODY.replace(b'"evt_1"', b'"' + b"e" * 300 + b'"'),
            event("refund.updated", "re_1", created=-1),
            event("refund.updated", "re_1", created=10**12),
            event("refund.updated", "re_1", created="now"),
            event("refund.updated", "re_1", data=[]),
            b"[" * 10_000,
        ],
        ids=range(15),
    )
    async def test_signed_and_not_an_event(self, api: Api, body: bytes):
        problem(await send(api, body), 400, "bad_event")
        assert not await kept(api)

    async def test_too_large(self, api: Api):
        problem(await send(api, event("refund.updated", "re_1", filler="x" * 256 * 1024)), 413, "body_too_large")

        async def pieces():
            for _ in range(10):
                yield b" " * 65_536

        problem(await api.http.post("/v1/webhooks/stripe", content=pieces()), 413, "body_too_large")
        assert not await kept(api)

    async def test_no_signature_is_even_looked_at_without_a_secret(self, closed: Api):
        for to in ("stripe", "stripe/connect"):
            problem(await send(closed, BODY, "", to=to), 404, "webhook_closed")

    async def test_other_paths_and_methods(self, api: Api):
        problem(await send(api, BODY, to="paypal"), 404, "not_found")
        problem(await api.http.get("/v1/webhooks/stripe"), 405, "method_not_allowed")


async def test_nothing_that_was_sent_is_logged(api: Api, capsys: pytest.CaptureFixture[str]):
    secret = "pi_1_secret_abc"
    await send(api, event("payment_intent.requires_action", "pi_1", client_secret=secret))
    await send(api, event("payment_intent.requires_action", "pi_1", client_secret=secret), "whsec_guessed")
    shown = capsys.readouterr()
    assert "webhook.refused" in shown.out + shown.err
    assert secret not in shown.out + shown.err


async def test_an_unknown_kind_is_taken(api: Api):
    assert (await send(api, event("brand.new.thing", "x_1"))).status_code == 200
    assert (await send(api, event("balance.available", "", event_id="evt_2", data={"object": {}}))).status_code == 200
    assert set(await kept(api)) == {"evt_1", "evt_2"}


async def test_a_provider_s_burst_is_not_counted_with_strangers(api: Api):
    answer = await send(api, BODY)
    assert int(answer.headers["ratelimit-limit"]) == 6_000

    async def taken(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    edge: Any = Edge(taken, Callers(api.wiring.database), Rates(anonymous=1, customer=1, vendor=1, operator=1, webhooks=2))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=edge), base_url="http://hub") as http:
        answers = [await http.post("/v1/webhooks/stripe", content=BODY) for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) > 0
        assert [(await http.get("/v1/search")).status_code for _ in range(2)] == [200, 429], "strangers have a count of their own"


class TestOperators:
    async def test_see_what_came_and_not_what_stood_in_it(self, api: Api):
        for number in range(3):
            await send(api, event("refund.updated", f"re_{number}", event_id=f"evt_{number}", client_secret="hidden"))
        first = await api("olga", "GET", "/v1/admin/provider-events?state=new&limit=2")
        assert first.status_code == 200
        assert "hidden" not in first.text
        page = first.json()
        rest = (await api("olga", "GET", f"/v1/admin/provider-events?state=new&limit=2&cursor={page['next_cursor']}")).json()
        assert [each["id"] for each in page["data"] + rest["data"]] == ["evt_2", "evt_1", "evt_0"]
        assert (await api("olga", "GET", "/v1/admin/provider-events?state=applied")).json()["data"] == []
        problem(await api("olga", "GET", "/v1/admin/provider-events?state=lost"), 400, "invalid_request")

    async def test_nobody_else_does(self, api: Api):
        problem(await api("acme", "GET", "/v1/admin/provider-events"), 403, "not_allowed")
        problem(await api("ada", "POST", "/v1/admin/provider-events/evt_1/apply"), 403, "not_allowed")
        problem(await api("olga", "POST", "/v1/admin/provider-events/evt_none/apply"), 404, "unknown_provider_event")


def test_the_signature_here_is_stripe_s_own():
    assert msgspec.json.decode(BODY)["id"] == "evt_1"
    assert re.fullmatch(r"t=\d+,v1=[0-9a-f]{64}", signature(BODY, PLATFORM))
