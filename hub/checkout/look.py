"""Reads an order whole, and waits until its checkout has come to an end."""

import asyncio
import time
from collections.abc import AsyncIterator

from hub.kernel.errors import NotFound
from hub.kernel.money import Money
from hub.orders import documents, store
from hub.orders.model import Order
from hub.orders.states import LEFT, ORDER_ENDS
from hub.orders.view import OrderView, PaymentView, Sent, order_view
from hub.payments import store as payments
from hub.refunds import store as refunds
from hub.refunds.states import RefundState
from hub.runtime import steps, story
from hub.runtime.changes import Changes
from hub.runtime.database import Database, Tx
from hub.runtime.steps import StepState
from hub.runtime.story import Moment


async def own(tx: Tx, order_id: str) -> Order:
    """The asking customer's order. Raises `NotFound`, also for somebody else's."""
    order = await store.load(tx, order_id)
    if order.customer_id != tx.actor.id:
        raise NotFound("unknown_order", f"no order {order_id}")
    return order


async def view(tx: Tx, order: Order) -> OrderView:
    """An order with its payment, parcels and documents; what the buyer has to do to pay only for the buyer, all papers for operators."""
    payment = await payments.of_order(tx, order.id)
    asked = await refunds.refunds_of(tx, order.id) if payment.captured else []
    refunded = sum(refund.amount for refund in asked if refund.state is RefundState.SUCCEEDED)
    money = [Money(amount=amount, currency=order.currency) for amount in (payment.amount, payment.captured, refunded)]
    shown = PaymentView(
        id=payment.id,
        state=str(payment.state),
        method=payment.method,
        amount=money[0],
        captured=money[1],
        refunded=money[2],
        disputed=payment.disputed,
        action=payment.action if tx.actor.id == order.customer_id else None,
    )
    sent = await _sent(tx, order)
    return order_view(order, sent if tx.actor.kind == "operator" else sent.for_buyer(), shown)


async def _sent(tx: Tx, order: Order) -> Sent:
    gone = [sub.id for sub in order.sub_orders if sub.state in LEFT]
    return Sent(await store.parcels_of(tx, order.id), await documents.of_each(tx, gone)) if gone else Sent()


async def wait_for_checkout(database: Database, changes: Changes, order_id: str, seconds: float) -> OrderView:
    """The order once its saga has finished or gone back, or as it stands after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        async with database.reading() as tx:
            order = await store.load(tx, order_id)
            left = until - time.monotonic()
            if order.course != "forward" or left <= 0:
                return await view(tx, order)
        await changes.wait(order_id, min(left, 0.5))


async def follow(database: Database, changes: Changes, order_id: str, after: int) -> AsyncIterator[list[Moment]]:
    """Batches of moments as they happen (empty ones are heartbeats), until the order has ended and nothing is under way."""
    last_sign = time.monotonic()
    while True:
        async with database.reading() as tx:
            moments = await story.of_saga(tx, order_id, after=after)
            over = (await store.load(tx, order_id)).state in ORDER_ENDS and not moments and not await _under_way(tx, order_id)
        if moments or time.monotonic() - last_sign > 15:  # noqa: PLR2004  # seconds; proxies close silent connections
            last_sign = time.monotonic()
            after = moments[-1].seq if moments else after
            yield moments
        if over:
            return
        await changes.wait(order_id)
        await asyncio.sleep(0)


async def _under_way(tx: Tx, order_id: str) -> bool:
    return any(step.state == StepState.OPEN for step in await steps.of_saga(tx, order_id))
