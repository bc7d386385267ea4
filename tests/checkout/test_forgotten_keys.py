"""An answer is lost and the worker is away for longer than the provider remembers keys: money still moves once."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from hub.checkout.conclude import conclude
from hub.gateways.stripe.gateway import StripeGateway
from hub.gateways.stripe.wire import InProcess
from hub.payments.ports import Gateways, InDoubt
from hub.runtime import steps
from hub.runtime.put_off import retry_in
from hub.runtime.steps import HUB_TARGET, Step
from hub.sandbox.app import SECRET, Sandbox, create_sandbox
from hub.sandbox.store import PLATFORM
from hub.vendors import store as vendors
from hub.worker.dispatch import PERFORM
from tests.hub_api import ADDRESS, Api
from tests.sandbox.controls import turn

DAY = 86_400


@pytest_asyncio.fixture
async def sandbox() -> AsyncGenerator[Sandbox]:
    made = create_sandbox(None, onboard=True)
    yield made
    made.close()


@pytest_asyncio.fixture
async def gateways(sandbox: Sandbox) -> AsyncGenerator[Gateways]:
    made = StripeGateway(SECRET, base_url="http://sandbox", timeout=5, rate_per_second=None, wire=InProcess(sandbox, 5))
    yield {made.name: made}
    await made.close()


async def perform(api: Api, gateways: Gateways, order_id: str, kind: str, *, away: Sandbox | None = None) -> None:
    """A worker performs the order's step of a kind; with `away` its first answer is lost, and it comes back after a day of that sandbox."""

    async def claimed() -> Step:
        async with api.wiring.database.tx() as tx:
            [step] = [step for step in await steps.of_saga(tx, order_id) if step.kind == kind]
            await retry_in(tx, step.id, -1)
        async with api.wiring.database.tx() as tx:
            return next(each for each in await steps.claim(tx, per_target=1000, sending=False) if each.id == step.id)

    step = await claimed()
    assert step.target == HUB_TARGET
    if away is not None:
        with pytest.raises(InDoubt):
            await PERFORM[kind](api.wiring.database, gateways, step)
        await turn(away, "advance", {"seconds": DAY + 1})
        step = await claimed()
    outcome = await PERFORM[kind](api.wiring.database, gateways, step)
    async with api.wiring.database.tx() as tx:
        await conclude(tx, api.wiring.timing, step, outcome)


async def captured(api: Api, gateways: Gateways) -> str:
    """A paid order of two vendors who work by hand, so that there is more to draw on than one share."""
    cart = await api.cart()
    for vendor in ("acme", "bolt"):
        offer = await api.offer(vendor=vendor, stock=1000)
        assert (await api("ada", "PUT", f"/v1/carts/{cart}/lines/{offer}", {"quantity": 1})).status_code == 200
    quote = (await api("ada", "POST", f"/v1/carts/{cart}/quotes", {"address": ADDRESS})).json()
    order = (await api("ada", "POST", "/v1/orders", {"quote_id": quote["id"], "payment_method": "pm_card_visa"})).json()
    await perform(api, gateways, order["id"], "payment.authorize")
    for sub in order["sub_orders"]:
        assert (await api(sub["vendor"], "POST", f"/v1/vendor/orders/{sub['id']}/accept")).status_code == 200
    await perform(api, gateways, order["id"], "payment.capture")
    return order["id"]


async def shipped(api: Api, order_id: str, vendor: str) -> str:
    parts = (await api("ada", "GET", f"/v1/orders/{order_id}")).json()["sub_orders"]
    sub = next(part["id"] for part in parts if part["vendor"] == vendor)
    body = {"parcels": [{"carrier": "DHL", "tracking_number": "1"}]}
    assert (await api(vendor, "POST", f"/v1/vendor/orders/{sub}/shipments", body)).status_code == 201
    return sub


async def test_a_share_is_transferred_once(api: Api, gateways: Gateways, sandbox: Sandbox) -> None:
    order_id = await captured(api, gateways)
    account = await gateways["stripe"].open_account("account.acme", vendor="acme", name="Acme", country="DE")
    async with api.wiring.database.tx() as tx:
        assert await vendors.set_connected_account(tx, "acme", account)
    sub = await shipped(api, order_id, "acme")
    assert (await api("acme", "POST", f"/v1/vendor/orders/{sub}/delivery")).status_code == 200
    await perform(api, gateways, order_id, "payout.release")
    await turn(sandbox, "faults", {"match": "POST /v1/transfers", "mode": "drop_after"})
    await perform(api, gateways, order_id, "payout.transfer", away=sandbox)
    assert len(sandbox.store.find("transfer", PLATFORM, [])) == 1


async def test_a_part_is_refunded_once(api: Api, gateways: Gateways, sandbox: Sandbox) -> None:
    order_id = await captured(api, gateways)
    await shipped(api, order_id, "bolt")
    assert (await api("ada", "POST", f"/v1/orders/{order_id}/cancel")).status_code == 200
    await turn(sandbox, "faults", {"match": "POST /v1/refunds", "mode": "drop_after"})
    await perform(api, gateways, order_id, "payment.refund", away=sandbox)
    assert len(sandbox.store.find("refund", PLATFORM, [])) == 1
