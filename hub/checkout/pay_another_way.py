"""The buyer of an order that is not paid yet pays in another way; what may be in doubt at the first provider is closed before."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.checkout.timing import Timing
from hub.kernel.errors import Conflict
from hub.kernel.text import END
from hub.orders import store
from hub.orders.model import Order
from hub.payments import authorize
from hub.payments import store as payments
from hub.payments.states import PaymentState, gateway_of
from hub.runtime import steps
from hub.runtime.database import Tx

REASON = "replaced"
Method = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^(pm_[A-Za-z0-9_]+|bank_transfer)" + END)]


class PayAnotherWay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other way: a payment method of the provider's (``pm_…``) or ``bank_transfer``."""

    payment_method: Method


async def pay_another_way(tx: Tx, timing: Timing, order_id: str, wanted: PayAnotherWay, *, now: datetime) -> Order:
    """The order with a new payment in place of the old.

    The new one is not sent before the old is certainly closed: `perform_authorize` sees to that, so no doubt can be paid
    twice. Raises `Conflict`: ``not_awaiting_payment`` when the order does not wait for its payment (any more), ``too_late`` when
    the time for paying that way, counted from the placing, is over.
    """
    await store.lock(tx, order_id)
    order = await store.load(tx, order_id)
    payment = await payments.of_order(tx, order_id)
    if order.course != "forward" or order.stage != "authorize" or payment.state not in {PaymentState.PENDING, PaymentState.WAITING}:
        raise Conflict("not_awaiting_payment", f"the payment is {payment.state}", state=str(payment.state))
    payable_until = order.created_at + timedelta(seconds=timing.reserve + timing.payment_by(gateway_of(wanted.payment_method)))
    if payable_until <= now:
        raise Conflict("too_late", "the time for paying that way is over", field="/payment_method")
    await payments.set_replaced(tx, payment.id)
    await authorize.give_back(tx, payment, REASON)
    new = payments.open_payment(
        tx,
        order_id=order.id,
        method=wanted.payment_method,
        amount=payment.amount,
        currency=payment.currency,
        customer_id=order.customer_id,
        save=payment.save,
    )
    await steps.add(tx, authorize.authorize_step(order.id, new, within=(payable_until - now).total_seconds()))
    return order
