"""A whole life paid by bank transfer: money comes first, what was not accepted goes back, the vendor is paid by our bank."""

from typing import Any

import pytest

from hub.gateways.bank import receive, send
from hub.gateways.bank.model import NewReceipt
from hub.orders.states import OrderState, SubOrderState
from hub.payments.states import PaymentState
from hub.refunds import ask
from hub.refunds.model import Asked
from hub.refunds.states import RefundState
from tests.shop import Shop, now

PAYER = "DE02120300000000202051"
VENDOR_BANK = '{"holder": "Acme", "iban": "DE02100500000054540402", "bic": null}'


@pytest.fixture(autouse=True)
async def vendors_have_banks(shop: Shop) -> None:
    await shop.sql(f"UPDATE vendors SET bank_account = '{VENDOR_BANK}'")


async def reference_of(shop: Shop, order_id: str) -> str:
    action: Any = await shop.scalar("SELECT action FROM payments WHERE order_id = :o AND NOT replaced", o=order_id)
    return str(action["reference"])


async def pay(shop: Shop, order_id: str, amount: int) -> None:
    today = now().date()
    receipt = NewReceipt(bank_id=f"bank-{order_id}-{amount}", booked_on=today, amount=amount, currency="EUR", payer_iban=PAYER, note="seen")
    reference = await reference_of(shop, order_id)
    await shop.act(lambda tx: receive.confirm(tx, reference, receipt))
    await shop.run()


async def execute(shop: Shop) -> list[tuple[str, int]]:
    """Our bank does what it was asked to."""
    rows = await shop.rows("SELECT id, kind, amount FROM bank_orders WHERE state IN ('open', 'exported') ORDER BY id")
    for row in rows:
        await shop.act(lambda tx, order=row.id: send.mark_executed(tx, order, "bank app"))
    await shop.run()
    return [(row.kind, row.amount) for row in rows]


async def test_a_whole_life(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 2), ("bolt", "nut", 500, 1), payment_method="bank_transfer")
    await shop.run()
    assert (await shop.order(order_id)).state == OrderState.RESERVED
    await pay(shop, order_id, 3000)
    assert (await shop.order(order_id)).state == OrderState.RESERVED, "not all of it has come"
    await pay(shop, order_id, 2490 + 990 - 3000 + 20)
    order = await shop.order(order_id)
    assert order.state == OrderState.ROUTED
    by_vendor = {sub.vendor: sub for sub in order.sub_orders}
    await shop.vendor_says("bolt", by_vendor["bolt"].id, "decline")
    await shop.vendor_says("acme", by_vendor["acme"].id, "accept")
    await shop.run()
    assert await shop.scalar("SELECT state FROM payments WHERE order_id = :o", o=order_id) == PaymentState.CAPTURED
    sent = await execute(shop)
    assert {kind for kind, _ in sent} == {"give_back"}
    assert sum(amount for _, amount in sent) == 990 + 20
    acme = by_vendor["acme"]
    await shop.act(lambda tx: ask.ask_refund(tx, order_id, acme.id, [Asked(line_id=acme.lines[0].id, quantity=1)], "chipped"))
    await shop.run()
    assert await execute(shop) == [("refund", 1000)]
    (refund,) = await shop.refunds(order_id)
    assert refund.state is RefundState.SUCCEEDED
    await shop.deliver(order_id)
    assert await execute(shop) == [("transfer", 900 + 490)]
    assert (await shop.order(order_id)).sub_orders[0].state is SubOrderState.SETTLED
    assert await shop.breaches() == []
    assert await shop.balance("clearing:bank") == -(1490 - 1390)


async def test_a_refund_after_the_vendor_was_paid_is_its_debt(shop: Shop) -> None:
    order_id = await shop.place(("acme", "mug", 1000, 1), payment_method="bank_transfer")
    await shop.run()
    await pay(shop, order_id, 1490)
    acme = (await shop.order(order_id)).sub_orders[0]
    await shop.vendor_says("acme", acme.id, "accept")
    await shop.run()
    await shop.deliver(order_id)
    await execute(shop)
    before = await shop.balance("vendor:acme")
    await shop.act(lambda tx: ask.ask_refund(tx, order_id, acme.id, None, "broken"))
    await shop.run()
    await execute(shop)
    (refund,) = await shop.refunds(order_id)
    assert (refund.state, refund.from_debt) == (RefundState.SUCCEEDED, 1390)
    assert await shop.balance("vendor:acme") == before - 1390
    assert await shop.breaches() == []


async def test_an_invoice_that_is_not_paid_expires_and_late_money_goes_back(shop: Shop) -> None:
    order_id = await shop.place(("bolt", "nut", 500, 1), payment_method="bank_transfer")
    await shop.run()
    reference = await reference_of(shop, order_id)
    await shop.cancel(order_id)
    await shop.run()
    assert (await shop.order(order_id)).state == OrderState.CANCELED
    today = now().date()
    receipt = NewReceipt(bank_id="late", booked_on=today, amount=990, currency="EUR", payer_iban=PAYER, note="seen")
    await shop.act(lambda tx: receive.confirm(tx, reference, receipt))
    assert await execute(shop) == [("give_back", 990)]
    assert await shop.breaches() == []
