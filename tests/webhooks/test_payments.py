"""What a provider tells of a payment wakes what waits for it, and nothing where nothing does."""

import pytest
from sqlalchemy import insert

from hub.orders.tables import orders
from hub.payments.ports import Gateways
from hub.payments.tables import payments
from hub.runtime import steps
from hub.runtime.steps import HUB_TARGET, NewStep
from hub.worker.provider import apply_events
from tests.hub_api import ADDRESS, Api
from tests.webhooks.signing import states, tell


@pytest.mark.parametrize(
    ("state", "captured", "woken"),
    [
        ("authorized", 0, True),  # its capture may be in doubt
        ("voided", 0, True),  # so may be what closes it
        ("captured", 0, True),  # for nothing: what was held is being given back
        ("captured", 500, False),
    ],
)
async def test_what_waits_for_a_payment_is_woken(api: Api, gateways: Gateways, state: str, captured: int, woken: bool):
    order_id = f"ord_{state}_{captured}"
    words = dict.fromkeys(("quote_id", "kind", "stage", "state", "payment_method"), order_id)
    order = {"id": order_id, "customer_id": "cus_1", "course": "forward", "currency": "EUR", "total": 500, "on_shortage": "cancel"}
    payment = {"id": f"pay_{order_id}", "order_id": order_id, "gateway": "stripe", "method": "pm_1", "reference": f"pi_{order_id}"}
    async with api.wiring.database.tx() as tx:
        await tx.execute(insert(orders), [words | order | {"address": ADDRESS}])
        await tx.execute(insert(payments), [payment | {"state": state, "amount": 500, "captured": captured, "currency": "EUR"}])
        new = NewStep(kind="payment.void", target=HUB_TARGET, saga_id=order_id, subject_id=payment["id"], payload={}, id=f"cmd_{order_id}")
        await steps.add(tx, new)
    async with api.wiring.database.tx() as tx:
        assert new.id in {step.id for step in await steps.claim(tx, per_target=99, sending=False)}
    await tell(api, "payment_intent.canceled", str(payment["reference"]))
    await apply_events(api.wiring, gateways)
    assert await states(api) == {"evt_1": "applied"}
    async with api.wiring.database.tx() as tx:
        assert (new.id in {step.id for step in await steps.claim(tx, per_target=99, sending=False)}) == woken
