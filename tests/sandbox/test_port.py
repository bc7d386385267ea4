"""The sandbox on a port, as any language's client meets it: raw forms over HTTP, and the plain synchronous client."""

import asyncio
import itertools
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import stripe

from hub.sandbox.app import SECRET, create_sandbox
from hub.sandbox.serve import running
from tests.sandbox.watched import Watched

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def port() -> AsyncIterator[str]:
    app = Watched(create_sandbox())
    async with running(app) as base:
        yield base
    assert app.checked
    assert not app.violations, "\n".join(app.violations)


async def test_raw_forms(port: str) -> None:
    """What ``curl -u sk_test_sandbox: -d …`` sends."""
    async with httpx.AsyncClient(base_url=port, auth=(SECRET, ""), headers=FORM) as http:

        async def post(path: str, form: str, **headers: str) -> httpx.Response:
            answer = await http.post(path, content=form, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer

        form = "type=express&country=DE&capabilities[transfers][requested]=true&metadata[vendor]=acme"
        account = (await post("/v1/accounts", form)).json()["id"]
        link = (await post("/v1/account_links", f"account={account}&type=account_onboarding")).json()["url"]
        assert link.startswith(port)
        page = await http.get(link, auth=("", ""))
        assert "SIMULATED" in page.text
        assert "SIMULATED" in (await http.post(link)).text
        form = "amount=2000&currency=eur&payment_method=pm_card_visa&confirm=true&expand[]=latest_charge.balance_transaction"
        paid = await post("/v1/payment_intents", form, **{"idempotency-key": "k1"})
        again = await post("/v1/payment_intents", form, **{"idempotency-key": "k1"})
        assert again.headers["idempotent-replayed"] == "true"
        charge = paid.json()["latest_charge"]
        assert (paid.content, charge["balance_transaction"]["fee"]) == (again.content, 83)
        form = f"amount=500&currency=eur&destination={account}&source_transaction={charge['id']}"
        assert (await post("/v1/transfers", form)).json()["destination"] == account
        theirs = (await http.get("/v1/balance", headers={"stripe-account": account})).json()
        assert theirs["pending"] == [{"amount": 500, "currency": "eur", "source_types": {"card": 500}}]
        refused = await http.post("/v1/refunds", content=f"charge={charge['id']}&amount=2001")
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
        assert (await http.get("/v1/balance", auth=("sk_other", ""))).status_code == 401
        about = (await http.get("/_sandbox/", auth=("", ""))).json()
        assert about["simulated"]
        assert "POST /v1/disputes/{}/close" in about["endpoints"]


async def test_the_plain_synchronous_client(port: str) -> None:
    """`stripe.StripeClient` as it comes, with its own HTTP client, from another thread."""

    def shop() -> tuple[str, str]:
        client = stripe.StripeClient(SECRET, base_addresses={"api": port})
        made = client.v1.payment_intents.create({"amount": 1_000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True})
        refund = client.v1.refunds.create({"payment_intent": made.id, "amount": 400})
        assert [one.id for one in client.v1.refunds.list({"charge": str(made.latest_charge)}).auto_paging_iter()] == [refund.id]
        with pytest.raises(stripe.CardError):
            client.v1.payment_intents.create(
                {"amount": 1_000, "currency": "eur", "payment_method": "pm_card_chargeDeclined", "confirm": True}
            )
        return made.status, str(refund.status)

    assert await asyncio.to_thread(shop) == ("succeeded", "succeeded")


async def test_the_command_serves_and_tells(tmp_path: Path) -> None:
    """``hub sandbox`` as a person starts it; its webhooks are in the file and an endpoint given twice is one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    words = [
        "sandbox",
        "--port",
        str(number),
        "--data",
        str(tmp_path / "s.db"),
        "--webhook",
        "http://127.0.0.1:9/x=whsec_1",
        "--every-event",
    ]
    base = f"http://127.0.0.1:{number}"
    told: list[dict[str, str]] = []
    for _ in range(2):
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", "hub.cli", *words)
        try:
            await _listening(number)
            async with httpx.AsyncClient(base_url=base, auth=(SECRET, ""), headers=FORM) as http:
                assert (await http.post("/v1/payment_intents", content="amount=100&currency=eur")).status_code == 200
                found = (await http.get("/v1/webhook_endpoints")).json()["data"]
                told = (await http.get("/_sandbox/webhooks")).json()["deliveries"]
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        assert [endpoint["url"] for endpoint in found] == ["http://127.0.0.1:9/x"]
    assert [delivery["type"] for delivery in told] == ["payment_intent.created"] * 2


async def _listening(number: int) -> None:
    async with asyncio.timeout(20):
        for _ in itertools.count():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", number)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
