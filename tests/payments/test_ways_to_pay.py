"""Ways to pay and to wait: the buyer's bank asks, the provider is down, another way is chosen, nothing is to be paid."""

import pytest

from hub.checkout.pay_another_way import PayAnotherWay, pay_another_way
from hub.kernel.errors import Conflict
from hub.orders.states import OrderState, SubOrderState
from hub.payments.authorize import AUTHORIZE
from hub.payments.states import PaymentState
from tests.sandbox.controls import turn
from tests.shop import Shop, now


async def payment(shop: Shop, order_id: str, column: str = "state") -> object:
    return await shop.scalar(f"SELECT {column} FROM payments WHERE order_id = :o AND NOT replaced", o=order_id)


async def switch(shop: Shop, order_id: str, method: str) -> None:
    wanted = PayAnotherWay(payment_method=method)
    await shop.act(lambda tx: pay_another_way(tx, shop.wiring.timing, order_id, wanted, now=now()))


async def test_the_buyers_bank_asks_and_is_answered(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1), payment_method="pm_card_threeDSecure2Required")
    await shop.run()
    assert await payment(shop, order_id) == PaymentState.WAITING
    action = await payment(shop, order_id, "action")
    assert isinstance(action, dict)
    assert action["client_secret"]
    await turn(shop.app, f"payment_intents/{await payment(shop, order_id, 'reference')}/authenticate")
    await shop.hear()
    assert await payment(shop, order_id) == PaymentState.AUTHORIZED
    assert await payment(shop, order_id, "action") is None
    assert (await shop.order(order_id)).sub_orders[0].state is SubOrderState.ROUTED


async def test_the_buyer_fails_to_authenticate(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1), payment_method="pm_card_threeDSecure2Required")
    await shop.run()
    reference = await payment(shop, order_id, "reference")
    await turn(shop.app, f"payment_intents/{reference}/fail")
    await shop.hear()
    assert await payment(shop, order_id) == PaymentState.DECLINED
    assert (await shop.order(order_id)).state == OrderState.CANCELED
    (intent,) = shop.sandbox.store.find("payment_intent", "", [("$.id", "=", reference)])
    assert intent["status"] == "canceled", "whoever holds its secret could still pay with it"


async def test_a_payment_in_doubt_is_closed_before_another_way_is_asked(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1))
    await turn(shop.app, "faults", {"match": "POST /v1/payment_intents/*/confirm", "mode": "drop_after", "times": 1})
    await shop.one_step(AUTHORIZE)
    assert await payment(shop, order_id) == PaymentState.PENDING
    await turn(shop.app, "faults", {"match": "POST /v1/payment_intents/*/cancel", "mode": "500_before", "times": 3})
    await switch(shop, order_id, "pm_card_mastercard")
    await shop.one_step(AUTHORIZE)
    assert await payment(shop, order_id, "reference") is None, "nothing is asked while the first may hold the money"
    await shop.run()
    assert await payment(shop, order_id) == PaymentState.AUTHORIZED
    intents = shop.sandbox.store.find("payment_intent", "", [("$.transfer_group", "=", order_id)])
    assert sorted(intent["status"] for intent in intents) == ["canceled", "requires_capture"]


async def test_while_the_provider_is_down_the_order_waits_and_the_bank_may_be_chosen(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 2))
    await turn(shop.app, "faults", {"match": "* /v1/*", "mode": "500_before", "times": 1000})
    await shop.one_step(AUTHORIZE)
    assert await payment(shop, order_id) == PaymentState.PENDING
    await switch(shop, order_id, "bank_transfer")
    await turn(shop.app, "faults", method="DELETE")
    await shop.run()
    assert await payment(shop, order_id) == PaymentState.WAITING
    action = await payment(shop, order_id, "action")
    assert isinstance(action, dict)
    assert action["type"] == "bank_transfer"
    assert action["amount"] == 2490
    assert (await shop.order(order_id)).state == OrderState.RESERVED


async def test_who_does_not_wait_cannot_change_the_way(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1))
    with pytest.raises(Conflict, match="captured"):
        await switch(shop, order.id, "bank_transfer")


async def test_nothing_to_pay_asks_no_provider(shop: Shop) -> None:
    order = await shop.paid(("acme", "mug", 1000, 1), coupons=["FREE", "SHIPPED"])
    assert order.total == 0
    assert await payment(shop, order.id) == PaymentState.CAPTURED
    assert await payment(shop, order.id, "reference") is None
    await shop.fund(5000)
    order = await shop.deliver(order.id)
    assert order.sub_orders[0].state is SubOrderState.SETTLED
    assert await shop.breaches() == []


async def test_a_method_that_is_kept_is_the_customers_and_may_be_used_again(shop: Shop) -> None:
    first = await shop.place(("acme", "mug", 1000, 1), save_payment_method=True)
    await shop.run()
    payer = await payment(shop, first, "payer")
    assert str(payer).startswith("cus_")
    (intent,) = shop.sandbox.store.find("payment_intent", "", [("$.transfer_group", "=", first)])
    assert (intent["customer"], intent["setup_future_usage"]) == (payer, "off_session")
    second = await shop.place(("acme", "mug", 1000, 1), payment_method=intent["payment_method"])
    await shop.run()
    assert await payment(shop, second, "payer") == payer
    assert await payment(shop, second) == PaymentState.AUTHORIZED
    assert len(shop.sandbox.store.find("customer", "", [])) == 1
