"""The only reader and writer of payments and refunds (states go through their lives)."""

import msgspec
from sqlalchemy import func, insert, select, update

from hub.kernel.errors import NotFound
from hub.payments.states import PAYMENT, REFUND, PaymentState
from hub.payments.tables import payments, refunds
from hub.runtime.database import Tx
from hub.runtime.life import Life

PAYMENT_LIFE = Life(PAYMENT, payments, saga_column="order_id")
REFUND_LIFE = Life(REFUND, refunds, saga_column="order_id")


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The buyer's payment; amounts in minor units."""

    id: str
    order_id: str
    state: PaymentState
    gateway: str
    method: str
    currency: str
    amount: int
    captured: int
    fee: int
    reference: str | None
    charge: str | None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money back to the buyer for one sub-order."""

    id: str
    order_id: str
    payment_id: str
    sub_order_id: str
    state: str
    amount: int
    currency: str
    reference: str | None


_PAYMENT = [payments.c[name] for name in Payment.__struct_fields__]
_REFUND = [refunds.c[name] for name in Refund.__struct_fields__]


async def open_payment(tx: Tx, *, order_id: str, gateway: str, method: str, amount: int, currency: str) -> str:
    """A pending payment for an order; its id."""
    payment_id = tx.ids.new("pay")
    await tx.execute(
        insert(payments).values(
            id=payment_id, order_id=order_id, state=PaymentState.PENDING, gateway=gateway, method=method, amount=amount, currency=currency
        )
    )
    PAYMENT_LIFE.born(tx, payment_id, order_id)
    return payment_id


async def of_order(tx: Tx, order_id: str) -> Payment:
    """The order's payment. Raises `NotFound`."""
    payment = await tx.one(select(*_PAYMENT).where(payments.c.order_id == order_id), Payment)
    if payment is None:
        raise NotFound("unknown_payment", f"no payment for {order_id}")
    return payment


async def set_amount(tx: Tx, payment_id: str, amount: int) -> None:
    """What is to be authorized, once it is known which parts stand."""
    await tx.execute(update(payments).where(payments.c.id == payment_id).values(amount=amount))


async def set_reference(tx: Tx, payment_id: str, reference: str) -> None:
    """Note what the provider calls this payment."""
    await tx.execute(update(payments).where(payments.c.id == payment_id).values(reference=reference))


async def open_refund(tx: Tx, payment: Payment, sub_order_id: str, amount: int) -> str:
    """A pending refund of a sub-order; its id."""
    refund_id = tx.ids.new("ref")
    await tx.execute(
        insert(refunds).values(
            id=refund_id,
            order_id=payment.order_id,
            payment_id=payment.id,
            sub_order_id=sub_order_id,
            state=str(REFUND.initial),
            amount=amount,
            currency=payment.currency,
        )
    )
    REFUND_LIFE.born(tx, refund_id, payment.order_id, data={"sub_order_id": sub_order_id, "amount": amount})
    return refund_id


async def refund(tx: Tx, refund_id: str) -> Refund:
    """One refund. Raises `NotFound`."""
    found = await tx.one(select(*_REFUND).where(refunds.c.id == refund_id), Refund)
    if found is None:
        raise NotFound("unknown_refund", f"no refund {refund_id}")
    return found


async def refunds_of(tx: Tx, order_id: str) -> list[Refund]:
    """An order's refunds."""
    return await tx.all(select(*_REFUND).where(refunds.c.order_id == order_id).order_by(refunds.c.id), Refund)


def moment(unix_seconds: int | None) -> object:
    """An SQL timestamp of a provider's unix seconds."""
    return None if unix_seconds is None else func.to_timestamp(unix_seconds)
