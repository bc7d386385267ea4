"""Webhooks: signed as Stripe signs, to the right endpoint, again until they are taken, and held, shuffled or doubled on order."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from aiohttp import web

from hub.gateways.stripe.wire import Network
from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.call import Call
from hub.sandbox.serve import running
from hub.sandbox.store import PLATFORM
from hub.sandbox.webhook_endpoints import Endpoint, endpoints, ensure, sign
from hub.sandbox.webhook_queue import GIVES_UP_AFTER
from tests.sandbox.controls import turn
from tests.sandbox.trade import charge, vendor
from tests.sandbox.watched import Watched


class Ear:
    """A server that takes webhooks; `says` is what it answers, the last one for ever."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.says = [200]
        self.url = ""
        self.more = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((request.path, dict(request.headers), await request.read()))
        self.more.set()
        return web.Response(status=self.says.pop(0) if len(self.says) > 1 else self.says[0])

    def events(self, path: str, secret: str) -> list[stripe.Event]:
        """What came to `path`, each verified as the official client verifies."""
        return [
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)  # pyright: ignore[reportUnknownMemberType]  # untyped in the wheel
            for where, headers, body in self.heard
            if where == path
        ]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                self.more.clear()
                await self.more.wait()


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    app = web.Application()
    app.router.add_post("/{path}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address: Any = runner.addresses[0]
    made.url = f"http://{address[0]}:{address[1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def told(client: stripe.StripeClient, ear: Ear) -> stripe.WebhookEndpoint:
    """The platform's endpoint, made as anyone would make it."""
    return await client.v1.webhook_endpoints.create_async({"url": f"{ear.url}/platform", "enabled_events": ["*"]})


async def pay(client: stripe.StripeClient) -> None:
    await client.v1.payment_intents.create_async({"amount": 100, "currency": "eur"})


async def test_it_is_signed_and_says_what_the_list_says(
    client: stripe.StripeClient, watched: Watched, ear: Ear, told: stripe.WebhookEndpoint
) -> None:
    await charge(client)
    assert told.secret
    assert told.secret.startswith("whsec_")
    assert await watched.sandbox.deliver() == 5
    listed = (await client.v1.events.list_async({})).data[::-1]
    assert {event.pending_webhooks for event in listed} == {0}
    heard = ear.events("/platform", told.secret)
    assert [(event.id, event.type) for event in heard] == [(event.id, event.type) for event in listed]
    with pytest.raises(stripe.SignatureVerificationError):
        ear.events("/platform", "whsec_other")
    assert await watched.sandbox.deliver() == 0
    assert "secret" not in (await client.v1.webhook_endpoints.retrieve_async(told.id))


async def test_events_of_accounts_go_to_the_connect_endpoint(
    client: stripe.StripeClient, watched: Watched, ear: Ear, told: stripe.WebhookEndpoint
) -> None:
    connect = await client.v1.webhook_endpoints.create_async(
        {"url": f"{ear.url}/connect", "enabled_events": ["account.updated"], "connect": True}
    )
    account = await vendor(client, watched)
    await pay(client)
    await watched.sandbox.deliver()
    assert connect.secret
    assert told.secret
    assert [(event.type, event.account) for event in ear.events("/connect", connect.secret)] == [("account.updated", account)]
    assert [event.type for event in ear.events("/platform", told.secret)] == ["payment_intent.created"]


async def test_what_is_not_taken_is_sent_again_for_three_days(
    client: stripe.StripeClient, watched: Watched, ear: Ear, told: stripe.WebhookEndpoint
) -> None:
    ear.says = [500, 302, 204]
    await pay(client)
    await watched.sandbox.deliver()
    assert await watched.sandbox.deliver() == 0
    for _ in range(2):
        await turn(watched, "advance", {"seconds": 60})
        await watched.sandbox.deliver()
    [delivery] = (await turn(watched, "webhooks", method="GET"))["deliveries"]
    assert (delivery["state"], delivery["attempts"], delivery["status"], delivery["endpoint"]) == ("delivered", 3, 204, told.id)
    ear.says = [503]
    await pay(client)
    for _ in range(40):
        await watched.sandbox.deliver()
        await turn(watched, "advance", {"seconds": GIVES_UP_AFTER // 30})
    given_up, _ = (await turn(watched, "webhooks", method="GET"))["deliveries"]
    assert (given_up["state"], given_up["status"]) == ("given_up", 503)
    assert 10 < given_up["attempts"] < 25


async def test_nobody_there_is_tried_again(client: stripe.StripeClient, watched: Watched) -> None:
    await client.v1.webhook_endpoints.create_async({"url": "http://127.0.0.1:9/none", "enabled_events": ["*"]})
    await pay(client)
    await watched.sandbox.deliver()
    [delivery] = (await turn(watched, "webhooks", method="GET"))["deliveries"]
    assert (delivery["state"], delivery["status"]) == ("waiting", None)
    assert "ClientConnectorError" in delivery["error"]


@pytest.mark.usefixtures("told")
class TestModes:
    async def test_held_back_and_let_go(self, client: stripe.StripeClient, watched: Watched, ear: Ear) -> None:
        await turn(watched, "webhooks", {"mode": "hold"})
        await pay(client)
        assert await watched.sandbox.deliver() == 0
        assert not ear.heard
        await turn(watched, "webhooks", {"mode": "normal"})
        assert await watched.sandbox.deliver() == 1

    @pytest.mark.parametrize(("mode", "least"), [("shuffle", 20), ("duplicate", 40), ("chaos", 21)])
    async def test_out_of_order_and_several_times(
        self, client: stripe.StripeClient, watched: Watched, ear: Ear, mode: str, least: int
    ) -> None:
        await turn(watched, "webhooks", {"mode": mode, "seed": 3})
        for _ in range(20):
            await pay(client)
        await watched.sandbox.deliver()
        bodies = [body for _, _, body in ear.heard]
        order = [stripe.Event.construct_from(json.loads(body), SECRET).id for body in bodies]
        made = [event.id for event in (await client.v1.events.list_async({"limit": 100})).data][::-1]
        assert len(order) >= least
        assert set(order) == set(made)
        assert order != made
        if mode == "duplicate":
            assert order[::2] == order[1::2] == made

    async def test_sent_again_on_demand(self, client: stripe.StripeClient, watched: Watched, ear: Ear) -> None:
        await pay(client)
        await watched.sandbox.deliver()
        [event] = (await client.v1.events.list_async({})).data
        await turn(watched, "advance", {"seconds": 30 * 86_400})
        assert (await turn(watched, f"webhooks/{event.id}/resend"))["queued"] == 1
        await watched.sandbox.deliver()
        first, second = [body for _, _, body in ear.heard]
        assert first == second


async def test_a_rolled_secret_is_good_for_another_day(
    client: stripe.StripeClient, watched: Watched, ear: Ear, told: stripe.WebhookEndpoint
) -> None:
    new = (await turn(watched, f"webhook_endpoints/{told.id}/roll"))["secret"]
    assert told.secret
    await pay(client)
    await watched.sandbox.deliver()
    assert ear.events("/platform", new)
    assert ear.events("/platform", told.secret)
    ear.heard.clear()
    await turn(watched, "advance", {"seconds": 86_400})
    await pay(client)
    await watched.sandbox.deliver()
    assert ear.events("/platform", new)
    with pytest.raises(stripe.SignatureVerificationError):
        ear.events("/platform", told.secret)


async def test_an_endpoint_is_changed_and_deleted(
    client: stripe.StripeClient, watched: Watched, ear: Ear, told: stripe.WebhookEndpoint
) -> None:
    await client.v1.webhook_endpoints.update_async(told.id, {"enabled_events": ["charge.succeeded"]})
    await pay(client)
    assert await watched.sandbox.deliver() == 0
    assert (await client.v1.webhook_endpoints.delete_async(told.id)).deleted
    await charge(client)
    assert await watched.sandbox.deliver() == 0
    assert not ear.heard
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.webhook_endpoints.create_async({"url": "example.org", "enabled_events": ["*"]})


async def test_behind_a_port_they_go_out_by_themselves(ear: Ear) -> None:
    hooks = [Endpoint(f"{ear.url}/platform", "whsec_one"), Endpoint(f"{ear.url}/connect", "whsec_two", connect=True)]
    app = create_sandbox(webhooks=hooks, onboard=True)
    async with running(app) as base:
        wire = Network(5.0)
        client = stripe.StripeClient(SECRET, base_addresses={"api": base}, http_client=wire)
        await pay(client)
        await ear.until(1)
        await client.v1.accounts.create_async({"country": "DE"})
        await ear.until(2)
        intent = await client.v1.payment_intents.create_async(
            {"amount": 100, "currency": "eur", "payment_method": "pm_card_visa", "capture_method": "manual", "confirm": True}
        )
        await ear.until(5)
        # Nobody asks for anything, the hold expires, and they are told.
        await turn(None, "advance", {"seconds": 7 * 86_400}, base=base)
        await ear.until(7)
        await wire.close_async()
    assert [event.type for event in ear.events("/connect", "whsec_two")] == ["account.updated"]
    assert [event.type for event in ear.events("/platform", "whsec_one")][-2:] == ["charge.expired", "payment_intent.canceled"]
    assert intent.status == "requires_capture"


def test_a_signature_without_any_endpoint() -> None:
    event = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "_secret": "x"}
    headers, body = sign(event, "whsec_x", at=1_800_000_000)
    assert b"_secret" not in body
    assert stripe.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], "whsec_x")


def test_endpoints_as_given_on_a_command_line() -> None:
    assert endpoints(["http://a.test/x?y=z=whsec_1"], connect=True) == [Endpoint("http://a.test/x?y=z", "whsec_1", connect=True)]
    assert endpoints(["http://a.test"], "whsec_known", connect=False) == [Endpoint("http://a.test", "whsec_known")]
    wanted = endpoints(["http://a.test=s"], connect=True, events=["account.updated"])
    assert wanted == [Endpoint("http://a.test", "s", connect=True, events=("account.updated",))]
    for wrong in ("http://a.test", "a.test=s", "http://a.test="):
        with pytest.raises(RuntimeError):
            endpoints([wrong], connect=False)


async def test_an_endpoint_of_an_earlier_start_is_forgotten(tmp_path: Path) -> None:
    for port in (1, 2):
        sandbox = create_sandbox(tmp_path / "kept.sqlite", webhooks=[Endpoint(f"http://127.0.0.1:{port}", "whsec_x")])
        known = [endpoint["url"] for endpoint in sandbox.store.find("webhook_endpoint", PLATFORM)]
        sandbox.close()
        assert known == [f"http://127.0.0.1:{port}"]


async def test_without_any_network(client: stripe.StripeClient, watched: Watched) -> None:
    """Whoever tests in process takes the deliveries as they come, and may be down."""
    taken: list[str] = []

    async def take(url: str, headers: dict[str, str], body: bytes) -> int:
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_1")  # pyright: ignore[reportUnknownMemberType]  # untyped in the wheel
        taken.append(f"{url} {event.type}")
        if len(taken) == 1:
            raise ConnectionError("down")
        return 200

    watched.sandbox.sender.post = take
    with watched.sandbox.store.transaction():
        ensure(Call(store=watched.sandbox.store, now=watched.sandbox.now()), Endpoint("http://hub.test/hooks", "whsec_1"))
    await pay(client)
    assert await watched.sandbox.deliver() == 1
    await turn(watched, "advance", {"seconds": 5})
    assert await watched.sandbox.deliver() == 1
    assert taken == ["http://hub.test/hooks payment_intent.created"] * 2
