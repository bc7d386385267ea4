"""Answers that cross: a payment is switched, canceled or captured while the provider is being asked."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.checkout.conclude import conclude
from hub.checkout.pay_another_way import PayAnotherWay, pay_another_way
from hub.gateways.bank import receive, send
from hub.gateways.bank.model import NewReceipt
from hub.orders.states import OrderState, SubOrderState
from hub.payments.authorize import AUTHORIZE, VOID, perform_authorize
from hub.payments.capture import CAPTURE, perform_capture
from hub.payments.states import PaymentState
from hub.refunds.states import RefundState
from hub.runtime import steps
from hub.runtime.steps import Step
from tests.conftest import MakeDatabase
from tests.payments.conftest import BANK
from tests.sandbox.controls import turn
from tests.shop import Shop, now, open_shop

COUPONS = """
[[promotions]]
code = "NUTS"
name = "Bolt's goods"
bps = 10000
on = "goods"
vendors = ["bolt"]
borne_by = "platform"

[[promotions]]
code = "SENT"
name = "Bolt's shipping"
bps = 10000
on = "shipping"
vendors = ["bolt"]
borne_by = "platform"
"""


@pytest_asyncio.fixture
async def shop(fresh_database: MakeDatabase, scratch: Path) -> AsyncGenerator[Shop]:
    """One for each test; with two coupons bolt's goods cost nothing."""
    coupons = scratch / "hostile.toml"
    coupons.write_text(COUPONS)
    settings = BANK | {"WHEELWRIGHT__ORDERS__PROMOTIONS_FILE": str(coupons)}
    opened = await open_shop(await fresh_database(), "acme", "bolt", settings=settings)
    yield opened
    await opened.close()


async def step_of(shop: Shop, order_id: str, kind: str) -> Step:
    async with shop.wiring.database.reading() as tx:
        return next(step for step in await steps.of_saga(tx, order_id) if step.kind == kind and step.state == "open")


async def claimed(shop: Shop, order_id: str, kind: str) -> Step:
    """As a worker has it that was asked to do it and is still at it."""
    await shop.sql(f"UPDATE steps SET attempt = 1 WHERE saga_id = '{order_id}' AND kind = '{kind}' AND state = 'open'")
    return await step_of(shop, order_id, kind)


async def payment(shop: Shop, order_id: str, column: str = "state") -> object:
    return await shop.scalar(f"SELECT {column} FROM payments WHERE order_id = :o AND NOT replaced", o=order_id)


async def switch(shop: Shop, order_id: str, method: str) -> None:
    wanted = PayAnotherWay(payment_method=method)
    await shop.act(lambda tx: pay_another_way(tx, shop.wiring.timing, order_id, wanted, now=now()))


async def intents(shop: Shop, order_id: str) -> list[str]:
    found = shop.sandbox.store.find("payment_intent", "", [("$.transfer_group", "=", order_id)])
    return sorted(str(intent["status"]) for intent in found)


async def test_a_switch_overtakes_a_yes_that_is_on_its_way(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1))
    step = await claimed(shop, order_id, AUTHORIZE)
    yes = await perform_authorize(shop.wiring.database, shop.gateways, step)
    await switch(shop, order_id, "pm_card_mastercard")
    assert not await shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, yes))
    await shop.run()
    assert await payment(shop, order_id) == PaymentState.AUTHORIZED
    assert await intents(shop, order_id) == ["canceled", "requires_capture"]


async def test_a_cancel_overtakes_a_capture_that_is_on_its_way(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1))
    await shop.run()
    await shop.vendor_says("acme", (await shop.order(order_id)).sub_orders[0].id, "accept")
    step = await claimed(shop, order_id, CAPTURE)
    taken = await perform_capture(shop.wiring.database, shop.gateways, step)
    await shop.cancel(order_id)
    await shop.act(lambda tx: conclude(tx, shop.wiring.timing, step, taken))
    await shop.run()
    assert (await shop.order(order_id)).state == OrderState.CANCELED
    assert [refund.state for refund in await shop.refunds(order_id)] == [RefundState.SUCCEEDED]
    assert await shop.breaches() == []
    assert await shop.balance("clearing:stripe") == -shop.at_provider()


async def test_a_hold_that_ran_out_ends_the_order(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1))
    await shop.run()
    await turn(shop.app, "advance", {"seconds": int(timedelta(days=10).total_seconds())})
    await shop.vendor_says("acme", (await shop.order(order_id)).sub_orders[0].id, "accept")
    await shop.run()
    assert (await shop.order(order_id)).state == OrderState.CANCELED
    assert await payment(shop, order_id) == PaymentState.VOIDED
    assert await shop.breaches() == []


async def test_captured_by_somebody_else_for_another_amount_is_an_operators(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1))
    await shop.run()
    reference = str(await payment(shop, order_id, "reference"))
    await shop.gateways["stripe"].capture("by_hand", reference, 5)
    await shop.vendor_says("acme", (await shop.order(order_id)).sub_orders[0].id, "accept")
    await shop.run()
    assert (await shop.order(order_id)).state == OrderState.CANCELED
    assert await shop.scalar("SELECT count(*) FROM dead_letters WHERE saga_id = :o AND kind = :k", o=order_id, k=VOID) == 1


async def test_an_old_payment_that_cannot_be_closed_keeps_the_new_from_being_asked(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1), payment_method="pm_card_threeDSecure2Required")
    await shop.run()
    reference = str(await payment(shop, order_id, "reference"))
    await turn(shop.app, f"payment_intents/{reference}/authenticate")
    await shop.gateways["stripe"].capture("by_hand", reference, 1490)
    await switch(shop, order_id, "pm_card_visa")
    await shop.run()
    assert await payment(shop, order_id, "reference") is None
    assert await shop.scalar("SELECT count(*) FROM dead_letters WHERE saga_id = :o AND kind = :k", o=order_id, k=VOID) == 1


@pytest.mark.parametrize("method", ["pm_card_visa", "bank_transfer"])
async def test_what_is_left_of_an_order_costs_nothing(shop: Shop, method: str) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1), ("bolt", "nut", 500, 1), coupons=["NUTS", "SENT"], payment_method=method)
    await shop.run()
    order = await shop.order(order_id)
    free, dear = sorted(order.sub_orders, key=lambda sub: sub.total)
    assert (free.total, dear.total > 0) == (0, True)
    if method == "bank_transfer":
        action: Any = await payment(shop, order_id, "action")
        receipt = NewReceipt(
            bank_id=f"bank-{order_id}",
            booked_on=now().date(),
            amount=order.total,
            currency="EUR",
            payer_iban="DE02120300000000202051",
            note="seen",
        )
        await shop.act(lambda tx: receive.confirm(tx, str(action["reference"]), receipt))
        await shop.run()
    await shop.vendor_says(dear.vendor, dear.id, "decline")
    await shop.vendor_says(free.vendor, free.id, "accept")
    await shop.run()
    assert await payment(shop, order_id) == PaymentState.CAPTURED
    if method == "bank_transfer":
        back = await shop.rows("SELECT id, amount FROM bank_orders WHERE order_id = :o AND kind = 'give_back'", o=order_id)
        assert [row.amount for row in back] == [order.total]
        await shop.act(lambda tx: send.mark_executed(tx, back[0].id, "bank app"))
    else:
        assert await intents(shop, order_id) == ["canceled"]
        await shop.fund(5000)
    await shop.sql('UPDATE vendors SET bank_account = \'{"holder": "Acme", "iban": "DE02100500000054540402", "bic": null}\'')
    order = await shop.deliver(order_id)
    assert {sub.state for sub in order.sub_orders} == {SubOrderState.SETTLED, SubOrderState.DECLINED}
    assert await shop.breaches() == []
