"""Money that moves because a provider told so: by webhooks in order, by webhooks shuffled and repeated, or by sweeps alone."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from hub.payments.ports import Gateways
from hub.payouts import send as payout
from hub.payouts.store import NewPayout
from hub.sandbox.app import Sandbox, create_sandbox
from hub.sandbox.webhook_endpoints import Endpoint
from hub.webhooks.kinds import OURS, THEIRS
from hub.worker.accounts import open_accounts
from tests.hub_api import Api
from tests.sandbox.controls import turn
from tests.webhooks.desk import DAY, Desk
from tests.webhooks.signing import CONNECT, PLATFORM, states
from tests.webhooks.test_accounts import nobody_has_an_account


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that tells both endpoints what they are to be asked for."""
    told = [
        Endpoint("http://hub/v1/webhooks/stripe", PLATFORM, events=tuple(OURS)),
        Endpoint("http://hub/v1/webhooks/stripe/connect", CONNECT, connect=True, events=tuple(THEIRS)),
    ]
    made = create_sandbox(None, webhooks=told)
    yield made
    made.close()


@pytest_asyncio.fixture(params=["normal", "chaos", "sweep"])
async def desk(request: pytest.FixtureRequest, api: Api, gateways: Gateways, sandbox: Sandbox) -> AsyncIterator[Desk]:
    await nobody_has_an_account(api)
    made = Desk(api, gateways, sandbox, request.param)
    yield made
    assert set(made.answered) <= {200}
    assert bool(made.answered) == (request.param != "sweep")
    assert set((await states(api)).values()) <= {"applied"}, "what says nothing is neither told nor swept"


async def only(desk: Desk, kind: str, path: str) -> dict[str, Any]:
    """The newest of what an operator is shown at a path."""
    answer = await desk.api("olga", "GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"], kind
    return answer.json()["data"][0]


async def test_a_share_goes_on_as_soon_as_the_vendor_is_onboarded(desk: Desk):
    order = await desk.paid()
    await open_accounts(desk.api.wiring, desk.gateways)
    await desk.delivered(order)
    assert "transfer.release" not in await desk.story(order["id"])
    [account] = [each["id"] for each in desk.sandbox.store.find("account", "", []) if each["metadata"]["vendor"] == "acme"]
    await turn(desk.sandbox, f"accounts/{account}/onboard")
    await desk.work()
    assert "transfer.transfer" in await desk.story(order["id"])
    assert (await desk.see(order["id"]))["state"] == "completed"


async def test_a_buyer_who_has_authenticated_goes_on(desk: Desk):
    order = await desk.order("pm_card_authenticationRequired")
    assert "payment.authorize" not in await desk.story(order["id"])
    [intent] = desk.sandbox.store.find("payment_intent", "", [])
    await turn(desk.sandbox, f"payment_intents/{intent['id']}/authenticate")
    await desk.work()
    assert "payment.authorize" in await desk.story(order["id"])


async def test_a_refund_that_comes_back_weeks_later(desk: Desk):
    order = await desk.paid("pm_card_refundFail")
    asked = await desk.api("olga", "POST", f"/v1/admin/orders/{order['id']}/refunds", {"reason": "broken"})
    assert asked.status_code == 201, asked.text
    await desk.work()
    assert (await only(desk, "refund", "/v1/admin/refunds"))["state"] == "succeeded"
    await desk.later(15 * DAY)
    assert (await only(desk, "refund", "/v1/admin/refunds"))["state"] == "failed"


async def test_a_refund_that_takes_its_time(desk: Desk):
    order = await desk.paid("pm_card_pendingRefund")
    await desk.api("olga", "POST", f"/v1/admin/orders/{order['id']}/refunds", {"reason": "broken"})
    await desk.work()
    assert (await only(desk, "refund", "/v1/admin/refunds"))["state"] == "sending"
    await desk.later(15 * DAY)
    assert (await only(desk, "refund", "/v1/admin/refunds"))["state"] == "succeeded"


async def test_a_dispute_opened_and_won(desk: Desk):
    order = await desk.paid()
    [charge] = desk.sandbox.store.find("charge", "", [])
    await turn(desk.sandbox, f"charges/{charge['id']}/dispute", {})
    await desk.work()
    dispute = await only(desk, "dispute", "/v1/admin/disputes")
    assert (dispute["order_id"], dispute["state"]) == (order["id"], "open")
    await turn(desk.sandbox, f"disputes/{dispute['reference']}/close", {"status": "won"})
    await desk.work()
    assert (await only(desk, "dispute", "/v1/admin/disputes"))["state"] == "won"


async def test_a_payout_that_is_paid_and_then_returned(desk: Desk):
    order = await desk.paid()
    await open_accounts(desk.api.wiring, desk.gateways)
    [account] = [each["id"] for each in desk.sandbox.store.find("account", "", []) if each["metadata"]["vendor"] == "acme"]
    await turn(desk.sandbox, f"accounts/{account}/onboard")
    await desk.delivered(order)
    await desk.later(8 * DAY)
    funds = (await desk.gateways["stripe"].funds(account))["EUR"]
    async with desk.api.wiring.database.tx() as tx:
        new = NewPayout(vendor="acme", gateway="stripe", account=account, amount=funds.available, currency="EUR")
        await payout.request(tx, new)
    await desk.work()
    sent = await only(desk, "payout", "/v1/admin/payouts")
    await desk.later(8 * DAY)
    assert (await only(desk, "payout", "/v1/admin/payouts"))["state"] == "paid"
    [at_bank] = desk.sandbox.store.find("payout", account, [])
    await turn(desk.sandbox, f"payouts/{at_bank['id']}/fail", {"failure_code": "account_closed"})
    await desk.work()
    after = await only(desk, "payout", "/v1/admin/payouts")
    assert (after["id"], after["state"], after["reason"]) == (sent["id"], "failed", "account_closed")
